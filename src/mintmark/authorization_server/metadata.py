"""Server metadata (RFC 8414) and the published key set (RFC 7517) of an environment. Values in, JSON out.

Every URL is built from the issuer, never from what a request says.
"""

from __future__ import annotations

import json

from mintmark.authorization_server.ports import EnvironmentView
from mintmark.authorization_server.statements import ALGORITHMS
from mintmark.dialect import Dialect

#: Seconds that a key set may be cached; signing keys are published at least this long before use.
KEY_SET_MAX_AGE = 300


def server_metadata(view: EnvironmentView, now: int) -> bytes:
    """The RFC 8414 §2 document. The token endpoint named is the one that speaks plain RFC 6749, else the first."""
    issuer = view.environment.issuer
    mounts = [
        (mount, dialect)
        for mount, dialect in view.mounts.values()
        if dialect.grant_type == "client_credentials" and (mount.ends_at is None or now < mount.ends_at)
    ]
    mounts.sort(key=lambda pair: pair[1].name != "standard")
    scopes = sorted({scope for api in view.apis.values() if api.enabled for scope in api.scopes})
    document: dict[str, object] = {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks.json",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "scopes_supported": scopes,
    }
    by_clients = ["client_secret_basic", "client_secret_post"]
    document["introspection_endpoint"] = f"{issuer}/introspect"
    document["introspection_endpoint_auth_methods_supported"] = by_clients
    document["introspection_signing_alg_values_supported"] = list(ALGORITHMS)
    document["revocation_endpoint"] = f"{issuer}/revoke"
    document["revocation_endpoint_auth_methods_supported"] = by_clients
    if any(api.enabled and api.status_list for api in view.apis.values()):
        document["status_list_aggregation_endpoint"] = f"{issuer}/status-lists"
    document["mintmark_revocation_feed"] = f"{issuer}/revocations"
    if mounts:
        document["token_endpoint"] = issuer + mounts[0][0].path
        document["token_endpoint_auth_methods_supported"] = _methods(mounts[0][1])
    return json.dumps(document, separators=(",", ":")).encode()


def _methods(dialect: Dialect) -> list[str]:
    """The registered names (RFC 8414 §2) of the client authentications that the dialect's forms carry."""
    methods = []
    if any(form.basic is not None for form in dialect.forms):
        methods.append("client_secret_basic")
    if any(form.basic is None and "client_secret" in form.names for form in dialect.forms):
        methods.append("client_secret_post")
    return methods


def key_set(view: EnvironmentView, now: int) -> bytes:
    """The JWK Set of all keys that are published and not removed at `now`."""
    return json.dumps({"keys": view.keyring.published(now)}, separators=(",", ":")).encode()
