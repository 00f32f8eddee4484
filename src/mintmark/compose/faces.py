"""The faces of a server, by which people and programs administer: the admin API, the console, and Swagger UI."""

from __future__ import annotations

import time

from mintmark.authorization_server.administration.access import admin_audience
from mintmark.authorization_server.administration.running import Administration
from mintmark.authorization_server.limits import Limits
from mintmark.authorization_server.ports import Ports, ReplayCache
from mintmark.authorization_server.token_endpoint import TokenEndpoint
from mintmark.authorization_server.token_status import TokenStatus
from mintmark.compose.cluster import Cluster
from mintmark.compose.demo_data import sample_call
from mintmark.compose.installation import Installation
from mintmark.compose.operators import token_url
from mintmark.config import Settings
from mintmark.crypto.secret_hash import dummy_digest
from mintmark.storage.directory import CachedDirectory
from mintmark.transport.openid_provider import NetworkProvider
from mintmark.values.secret import Secret
from mintmark.web.admin_api.application import AdminApi
from mintmark.web.admin_api.authentication import Authentication
from mintmark.web.admin_api.performing import Performance
from mintmark.web.admin_api.repeats import Repeats
from mintmark.web.app import Face
from mintmark.web.console.face import Console
from mintmark.web.console.services import Services
from mintmark.web.console.tickets import Tickets
from mintmark.web.swagger import Swagger, is_installed


def openid_provider(settings: Settings) -> NetworkProvider | None:
    """The company's OpenID provider, where one is set up. Its secret is read afresh at each sign-in."""
    file = settings.oidc_client_secret_file
    if not settings.oidc_issuer or file is None:
        return None
    return NetworkProvider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        lambda: Secret(file.read_text("utf-8").strip()),
        settings.oidc_title,
        time.monotonic,
    )


def all_faces(
    installation: Installation,
    administration: Administration,
    ports: Ports,
    directory: CachedDirectory,
    token_endpoint: TokenEndpoint,
    replays: ReplayCache,
    cluster: Cluster,
    *,
    demo: bool,
) -> dict[str, Face]:
    """Each face by how its paths begin. `demo`: whether there are calls of sample APIs to show."""
    settings, unseal = installation.settings, installation.keys.seal.unseal
    console = Console.of(
        Services(
            administration,
            directory,
            directory.environments,
            Limits(ports.counters),
            replays,
            ports.slow_hash,
            token_endpoint.respond,
            ports.ledger.note,
            ports.answer_late,
            ports.entropy,
            settings.public_url,
            dummy_digest(),
            unseal,
            Tickets(installation.keys.secrets),
            cluster.view,
            settings.access_requests,
            openid_provider(settings),
            sample_call if demo else lambda _: None,
        )
    )
    authentication = Authentication(
        directory,
        directory,
        lambda environment: TokenStatus(ports, environment),
        settings.public_url,
        console.people,
    )
    performance = Performance(administration, Repeats(unseal), admin_audience(settings.public_url))
    faces: dict[str, Face] = {
        "/admin": AdminApi(authentication, performance, token_url(settings.public_url)),
        "/console": console,
    }
    if is_installed():
        faces["/docs"] = Swagger(settings.public_url, directory.environment)
    return faces
