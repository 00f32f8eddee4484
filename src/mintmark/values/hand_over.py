"""Credentials that wait to be fetched by a one-time link: known by the hash of the link's code, sealed until then."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HandOver:
    """`id`: SHA-256 of the code, in hex. `about`: what is handed over, in words. `sealed`: what it is.

    `created_by`: who hands over, as the audit trail names them. Times: whole seconds since the epoch, UTC.
    """

    id: str
    environment: str
    about: str
    created_by: str
    created_at: int
    expires_at: int
    sealed: str = field(repr=False)
