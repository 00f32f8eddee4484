"""The canonical values of a token exchange, shared by the roles: what was asked, what is granted, what is answered.

A dialect reads and writes these; it says where things stand on the wire, never what they mean. What is made for every
token is a named tuple: as frozen as the other values, and several times cheaper to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from mintmark.values.permission import Scope
from mintmark.values.secret import Secret
from mintmark.values.tenancy import Api

NOTHING: Mapping[str, str] = MappingProxyType({})


class TokenRequest(NamedTuple):
    """What a token request says, whatever its dialect. None means absent (an empty value counts as absent).

    `grant_type`: the canonical grant, ``client_credentials``, ``user_login`` or ``signed_subject``.
    `scope`: the raw text; `scope_delimiter` is the dialect's. `subject` and `signature`: a signed customer id.
    `other_reading`: id and secret by the second reading of Basic, where the dialect admits both for imported
    credentials. `parameters`: any further declared parameters by canonical name.
    """

    grant_type: str
    client_id: str | None = None
    client_secret: Secret | None = None
    username: str | None = None
    password: Secret | None = None
    subject: str | None = None
    signature: Secret | None = None
    scope: str | None = None
    audience: tuple[str, ...] = ()
    other_reading: tuple[str, Secret] | None = None
    parameters: Mapping[str, str] = NOTHING


class Grant(NamedTuple):
    """What will be issued. `credential_id`: what obtained it (`mm_cred`); `user_id`: who acted (`mm_user`)."""

    tenant: str
    environment: str
    api: Api
    subject: str
    client_id: str
    credential_id: str
    scopes: Scope
    lifetime: int
    user_id: str | None = None


class TokenResponse(NamedTuple):
    """A successful answer. `expires_at`: seconds since the epoch, or None where a vendor states no expiry.

    `issued_at`: when it was issued (server) or received (client); ``expires_in`` on the wire is their
    difference. `extras`: further members by canonical name: ``iss``, ``jti``, ``nbf``, ``org_id`` ...
    """

    access_token: Secret
    token_type: str
    issued_at: int
    expires_at: int | None = None
    scope: str | None = None
    extras: Mapping[str, object] = NOTHING


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What the issuer knows of a live token: the members of RFC 7662 §2.2 that a resource server needs.

    `token_id`: the ``jti`` of a JWT, the id of an opaque or legacy token. Times are seconds since the epoch.
    """

    issuer: str
    tenant: str
    subject: str
    client_id: str
    audience: str
    scopes: Scope
    token_id: str
    credential_id: str
    user_id: str | None = None
    issued_at: int = 0
    expires_at: int | None = None
