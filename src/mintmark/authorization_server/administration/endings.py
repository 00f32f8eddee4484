"""How the life of a credential ends: retired at an instant, or revoked now.

An end only ever comes nearer: what is over stays over, and no act lengthens a life that was already
shortened.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from mintmark.authorization_server.administration.act import AdministrationFault, conflict
from mintmark.values.credential import ApiToken, LegacyToken, SecretVersion, SignatureKey

Overlapping = TypeVar("Overlapping", SecretVersion, SignatureKey)
Revocable = TypeVar("Revocable", SecretVersion, SignatureKey, ApiToken, LegacyToken)


def _refuse_over(record: SecretVersion | SignatureKey | ApiToken | LegacyToken, now: int, what: str) -> None:
    state = record.state(now)
    if state in ("expired", "revoked"):
        raise conflict(f"The {what} {record.id} is {state} already: its life cannot be changed any more.")


def _end(at: int | None, current: int | None, now: int, what: str) -> int:
    end = now if at is None else at
    if end < now:
        raise AdministrationFault(f"The end of the {what} must not lie in the past.")
    if current is not None and end > current:
        raise conflict(f"The {what} ends earlier already: an end can be brought forward, never put off.")
    return end


def retired(record: Overlapping, now: int, at: int | None, what: str) -> Overlapping:
    """`record` with its overlap ending at `at` (None: now)."""
    _refuse_over(record, now, what)
    return replace(record, retires_at=_end(at, record.retires_at, now, what))


def expired(record: LegacyToken, now: int, at: int | None, what: str) -> LegacyToken:
    """`record`, which knows no overlap, expiring at `at` (None: now)."""
    _refuse_over(record, now, what)
    return replace(record, expires_at=_end(at, record.expires_at, now, what))


def revoked(record: Revocable, now: int) -> Revocable:
    """`record` revoked now; one that is revoked already is given back as it is."""
    if record.revoked_at is not None and record.revoked_at <= now:
        return record
    return replace(record, revoked_at=now)
