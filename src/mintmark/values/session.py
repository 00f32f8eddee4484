"""A person's session in the console: known by the hash of what the browser holds, never by that itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Session:
    """`id`: SHA-256 of the cookie's value, in hex. `mark`: changes with the person's password and ends the session.

    `peer`, `agent`: the address it was begun from, and what the browser calls itself. Times: whole seconds since the
    epoch, UTC; `seen_at` is late by up to a minute.
    """

    id: str
    username: str
    mark: str
    created_at: int
    seen_at: int
    peer: str
    agent: str
