"""Tenants, their environments, and the APIs that tokens are for.

Tenant (a customer) -> Environment (production, staging: its own issuer, keys, hosts, credentials; nothing
crosses) -> Api (a resource server). An environment is named ``tenant/name`` everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Algorithm = Literal["ES256", "RS256", "EdDSA"]
HostRole = Literal["api", "auth", "manager"]
TokenFormat = Literal["jwt", "opaque"]
HANDLE = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tenant:
    """A customer. `handle` is a DNS label. `daily_token_limit`: over all its environments, or None.

    `rate_limit`: token requests per minute over all its environments, 0 for no limit. `rate_watched`: whether what
    goes beyond it is only noted, not refused.
    """

    handle: str
    name: str
    enabled: bool = True
    daily_token_limit: int | None = None
    created_at: int = 0
    rate_limit: int = 0
    rate_watched: bool = False


@dataclass(frozen=True, slots=True)
class HostAlias:
    """A host name (with port where it is not the scheme's) that reaches an environment in one role."""

    host: str
    role: HostRole


@dataclass(frozen=True, slots=True)
class Mount:
    """A token endpoint: the route decides the dialect before the body is read.

    `path`: below the environment, beginning with a slash. `roles`: host aliases on which it also stands.
    `ends_at`: from that second on the mount answers 410, or None. `slow_secrets`: whether secrets that are
    not of our own format (imported ones, passwords) are checked here at all. `origins`: web origins that may
    call it from a browser (CORS); only for dialects that take no client secret.
    """

    path: str
    dialect: str
    roles: tuple[HostRole, ...] = ("api",)
    ends_at: int | None = None
    slow_secrets: bool = False
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """One issuer with all that belongs to it.

    `issuer`: its identifier, an https URL (http on loopback). `client_id_template`: with ``{id}`` and
    ``{tenant}`` (Omnissa: ``{id}@{tenant}``). `live_secrets`: how many secret versions of a client may live at
    once; 1 means that a new secret replaces the old one at once (Omnissa). `overlap`: seconds that an old
    secret lives on in a rotation. `rate_limit`: token requests per client and minute. `variables`: constants
    that a dialect may echo in a response (Omnissa: ``org_id``). `address_rate_limit`: token requests per address
    and minute, 0 for no limit; `address_rate_watched`: whether what goes beyond it is only noted, not refused.
    `reissue_seconds`: the same request is given the same JWT again while so many seconds of it are left; 0 for never.
    """

    tenant: str
    name: str
    issuer: str
    enabled: bool = True
    mounts: tuple[Mount, ...] = ()
    hosts: tuple[HostAlias, ...] = ()
    client_id_template: str = "{id}"
    live_secrets: int = 5
    overlap: int = 7 * 86400
    rate_limit: int = 600
    variables: Mapping[str, str] = field(default_factory=dict)
    created_at: int = 0
    address_rate_limit: int = 0
    address_rate_watched: bool = False
    reissue_seconds: int = 0

    @property
    def id(self) -> str:
        """``tenant/name``."""
        return f"{self.tenant}/{self.name}"


@dataclass(frozen=True, slots=True)
class Api:
    """A resource server that tokens are issued for.

    `scopes`: scope token -> what it allows, in words. `token_lifetime`: seconds. `token_type_header`: the JWS
    ``typ``, ``at+jwt`` (RFC 9068 §2.1) or ``JWT`` for vendors whose pages show it (Omnissa). `required_scope`:
    the one scope that a token request must name, exactly (Oleria), or None. `claims`: constant claims added
    to its JWTs. `enabled`: whether this tenant has it. `status_list`: whether its JWTs say where their status is
    published (Token Status List).
    """

    environment: str
    audience: str
    name: str
    scopes: Mapping[str, str] = field(default_factory=dict)
    token_lifetime: int = 3600
    token_format: TokenFormat = "jwt"
    token_type_header: str = "at+jwt"
    algorithm: Algorithm = "ES256"
    required_scope: str | None = None
    claims: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    status_list: bool = False


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A signing key's record: published, then signing, then only published, then gone. Times in seconds.

    `sealed`: the private key (PKCS #8 DER), sealed under the key-encryption key. `public`: its JWK as JSON.
    Published from `published_at`, by its maker's clock, to `removed_at`; signs from `signs_at` to `retires_at`; None =
    no end yet.
    """

    environment: str
    kid: str
    algorithm: Algorithm
    public: str
    sealed: str
    published_at: int
    signs_at: int
    retires_at: int | None = None
    removed_at: int | None = None


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Somebody asked for credentials (Fyma): name, organization, use case, contact; then approved or refused."""

    id: str
    name: str
    organization: str
    use_case: str
    contact: str
    state: Literal["asked", "approved", "refused"] = "asked"
    reason: str = ""
    created_at: int = 0
    decided_at: int | None = None
