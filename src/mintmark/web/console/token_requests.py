"""The token request of a client, as the dialect of its environment's token endpoint writes it, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass

from mintmark.authorization_server.ports import EnvironmentView
from mintmark.dialect import Dialect
from mintmark.dialect.address import variables_of
from mintmark.dialect.writing import write_request
from mintmark.values.client import Client
from mintmark.values.secret import Secret
from mintmark.values.tenancy import Mount
from mintmark.values.token import TokenRequest
from mintmark.wire.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A token endpoint that a client can use. `url`: its address, of the `auth` or `api` host where there is one."""

    mount: Mount
    dialect: Dialect
    url: str


def endpoints(view: EnvironmentView, now: float) -> list[Endpoint]:
    """The token endpoints of an environment that take a client's id and secret, in their order."""
    found = []
    for mount, dialect in view.mounts.values():
        takes = any({"client_id", "client_secret"} <= form.names for form in dialect.forms)
        if takes and (mount.ends_at is None or now < mount.ends_at):
            found.append(Endpoint(mount, dialect, _address(view, mount)))
    return found


def api_url(view: EnvironmentView, audience: str) -> str:
    """Where an API is called: at the environment's `api` host, else at its audience when that is a URL."""
    hosts = [alias.host for alias in view.environment.hosts if alias.role == "api"]
    if hosts:
        return f"{_scheme(view)}://{hosts[0]}" if _resolves(hosts[0]) else view.environment.issuer
    return audience if audience.startswith(("https://", "http://")) else view.environment.issuer


def token_request(
    view: EnvironmentView, client: Client, endpoint: Endpoint, secret: Secret, user: tuple[str, Secret] | None
) -> HttpRequest:
    """The request for a token of the client's first API. Raises ValueError, which says what is missing."""
    names = frozenset[str]().union(*(form.names for form in endpoint.dialect.forms))
    audience = next(iter(client.allowed), "")
    asked = TokenRequest(
        "client_credentials",
        client_id=client.client_id,
        client_secret=secret,
        username=user[0] if user else None,
        password=user[1] if user else None,
        scope=scope_to_name(view, client, endpoint) or None,
        audience=(audience,) if "audience" in names and audience else (),
    )
    anywhere = dict.fromkeys(variables_of(endpoint.dialect.url), "localhost")  # replaced as a whole below
    written = write_request(
        endpoint.dialect, asked, {**anywhere, **view.environment.variables, "token_url": endpoint.url}
    )
    return written._replace(url=endpoint.url, path=endpoint.mount.path)


def scope_to_name(view: EnvironmentView, client: Client, endpoint: Endpoint) -> str:
    """The scope that the request has to name: the API's one, or all that the client has where one must be named."""
    audience, scopes = next(iter(client.allowed.items()), ("", ()))
    api = view.apis.get(audience)
    if api is not None and api.required_scope:
        return api.required_scope
    wanted = endpoint.dialect.parameters.get("scope")
    return " ".join(scopes) if wanted is not None and wanted.required else ""


def _address(view: EnvironmentView, mount: Mount) -> str:
    for role in ("auth", "api"):
        for alias in view.environment.hosts:
            if alias.role == role and role in mount.roles and _resolves(alias.host):
                return f"{_scheme(view)}://{alias.host}{mount.path}"
    return f"{view.environment.issuer}{mount.path}"


def _resolves(host: str) -> bool:
    """Whether programs find the host: names below ``.localhost`` are known to curl and browsers, hardly to others."""
    return not host.partition(":")[0].endswith(".localhost")


def _scheme(view: EnvironmentView) -> str:
    return view.environment.issuer.partition("://")[0]
