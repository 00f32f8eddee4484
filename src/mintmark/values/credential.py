"""Credentials and their lives. The state of a credential is computed from `now`; no job has to run on time.

Times are whole seconds since the epoch, UTC; an end is exclusive: at the very second it names, the credential
is over (as RFC 7519 §4.1.4 has it for ``exp``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CredentialState = Literal["active", "retiring", "expired", "revoked"]
HashKind = Literal["hmac", "argon2id"]


def state_at(
    now: float, retires_at: int | None, expires_at: int | None, revoked_at: int | None
) -> CredentialState:
    """`revoked` beats `expired` beats `retiring`; `retires_at` is the end of an overlap during a rotation."""
    if revoked_at is not None and now >= revoked_at:
        return "revoked"
    if expires_at is not None and now >= expires_at:
        return "expired"
    if retires_at is not None:
        return "expired" if now >= retires_at else "retiring"
    return "active"


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """One secret of a client. `id` stands inside a generated secret; `digest` is what `hash_kind` says."""

    environment: str
    client_id: str
    id: str
    hash_kind: HashKind
    digest: str
    label: str = ""
    created_at: int = 0
    retires_at: int | None = None
    expires_at: int | None = None
    revoked_at: int | None = None

    def state(self, now: float) -> CredentialState:
        """Active and retiring versions authenticate; expired and revoked ones do not."""
        return state_at(now, self.retires_at, self.expires_at, self.revoked_at)

    def live(self, now: float) -> bool:
        """Whether this version authenticates at `now`."""
        return self.state(now) in ("active", "retiring")


@dataclass(frozen=True, slots=True)
class MachineUser:
    """A user that stands for an integration (Omneo): issued tokens outlive a change of its password.

    `id` is stable and stands in tokens; `username` is what is typed. `scopes` is the most it may be granted
    in any API. `proxy_login`: may use the proxy login (Omneo method 4), for `proxy_audience`.
    """

    environment: str
    id: str
    username: str
    hash_kind: HashKind
    digest: str
    enabled: bool = True
    scopes: tuple[str, ...] = ()
    proxy_login: bool = False
    proxy_audience: str | None = None
    created_at: int = 0


@dataclass(frozen=True, slots=True)
class ApiToken:
    """An opaque Bearer token, known by a keyed hash: made by an administrator, or issued to a client.

    `user_id`: the machine user it acts for, or None. `client_id`: the client it was issued to, or None.
    """

    environment: str
    id: str
    digest: str
    audience: str
    scopes: tuple[str, ...]
    label: str = ""
    user_id: str | None = None
    client_id: str | None = None
    credential_id: str | None = None
    subject: str = ""
    created_at: int = 0
    expires_at: int | None = None
    revoked_at: int | None = None

    def state(self, now: float) -> CredentialState:
        """Active, expired or revoked."""
        return state_at(now, None, self.expires_at, self.revoked_at)


@dataclass(frozen=True, slots=True)
class LegacyToken:
    """A Fyma legacy token: Basic with token id and token secret on API calls. Imported only, never created."""

    environment: str
    id: str
    hash_kind: HashKind
    digest: str
    audience: str
    scopes: tuple[str, ...]
    label: str = ""
    created_at: int = 0
    expires_at: int | None = None
    revoked_at: int | None = None

    def state(self, now: float) -> CredentialState:
        """Active, expired or revoked."""
        return state_at(now, None, self.expires_at, self.revoked_at)


@dataclass(frozen=True, slots=True)
class SignatureKey:
    """An HMAC key that signs customer ids (Omneo method 3). The key itself is sealed: it must be usable.

    `lifetime`: seconds of the tokens it obtains, at most 3600.
    """

    environment: str
    id: str
    sealed: str
    audience: str
    scopes: tuple[str, ...]
    label: str = ""
    lifetime: int = 3600
    created_at: int = 0
    retires_at: int | None = None
    expires_at: int | None = None
    revoked_at: int | None = None

    def state(self, now: float) -> CredentialState:
        """At most two may live at once, while rotating."""
        return state_at(now, self.retires_at, self.expires_at, self.revoked_at)
