"""What ends tokens before their time: read off the change of a record, and numbered and chained for the feed.

`revocations_of` is the one place that says which change revokes what; whoever stores a record asks it, so no act of
administration can forget to publish. Entries hold identifiers and time bounds, never a token (docs/revocation-feed.md).
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from mintmark.values.client import Client
from mintmark.values.credential import ApiToken, LegacyToken, MachineUser, SecretVersion, SignatureKey
from mintmark.values.tenancy import Api, Environment, Tenant

RevokedKind = Literal[
    "client", "credential", "signature_key", "user", "token", "tenant", "api", "environment"
]
#: Which claim of a token an entry's `id` is compared with. An environment is the whole issuer.
CLAIM_OF: Final[Mapping[RevokedKind, str]] = {
    "client": "client_id",
    "credential": "mm_cred",
    "signature_key": "mm_cred",
    "user": "mm_user",
    "token": "jti",
    "tenant": "mm_tenant",
    "api": "aud",
    "environment": "",
}
#: Seconds; no access token is issued for longer, so what is older than this needs no entry.
LONGEST_TOKEN_LIFETIME: Final = 31 * 86400
#: Seconds; tokens on a status list live no longer, so that their audit events, of which the list is made, are there.
LONGEST_LISTED_LIFETIME: Final = 86400


@dataclass(frozen=True, slots=True)
class Revocation:
    """Tokens whose claim (`CLAIM_OF`) is `id` are over. `until`: when the last of them has expired, or None when
    only the longest lifetime bounds it.
    """

    kind: RevokedKind
    id: str
    until: int | None = None


@dataclass(frozen=True, slots=True)
class RevocationEntry:
    """A revocation in its place. It speaks of tokens issued at `issued_before` or earlier, and may be forgotten
    after `until`; both in seconds since the epoch. `prev`: the digest of the entry before it.
    """

    seq: int
    prev: str
    kind: RevokedKind
    id: str
    issued_before: int
    until: int

    def claims(self, issuer: str) -> dict[str, object]:
        """What is signed, in the order in which it is written."""
        return {
            "iss": issuer,
            "iat": self.issued_before,
            "seq": self.seq,
            "prev": self.prev,
            "kind": self.kind,
            "id": self.id,
            "issued_before": self.issued_before,
            "until": self.until,
        }

    def digest(self, issuer: str) -> str:
        """By which the next entry names this one, whichever key signs it: SHA-256 of its base64url payload."""
        payload = json.dumps(self.claims(issuer), separators=(",", ":")).encode("ascii")
        return _hash(urlsafe_b64encode(payload).rstrip(b"="))


def first_digest(issuer: str) -> str:
    """What stands for the digest of an entry before the first one."""
    return _hash(issuer.encode("ascii"))


def _hash(data: bytes) -> str:
    return urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode("ascii")


def revocations_of(before: Any, after: Any) -> tuple[Revocation, ...]:
    """What is revoked when the record `before` becomes `after`, or is removed (None).

    A tenant or environment that is removed takes its issuer and the feed along. A planned end (a secret that retires
    or expires) revokes nothing.
    """
    match before:
        case Tenant():
            return (Revocation("tenant", before.handle),) if after and _disabled(before, after) else ()
        case Environment():
            return (Revocation("environment", before.id),) if after and _disabled(before, after) else ()
        case Api() if _disabled(before, after):
            return (Revocation("api", before.audience),)
        case Client() if _disabled(before, after):
            return (Revocation("client", before.client_id),)
        case MachineUser() if _disabled(before, after):
            return (Revocation("user", before.id),)
        case SecretVersion() if _revoked(before, after):
            return (Revocation("credential", before.id),)
        case SignatureKey() if _revoked(before, after):
            return (Revocation("signature_key", before.id),)
        case ApiToken() | LegacyToken() if _revoked(before, after):
            return (Revocation("token", before.id, before.expires_at),)
    return ()


def _disabled(before: Any, after: Any) -> bool:
    return after is None or (before.enabled and not after.enabled)


def _revoked(before: Any, after: Any) -> bool:
    return after is None or (before.revoked_at is None and after.revoked_at is not None)
