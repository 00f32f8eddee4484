"""That the notice of a day was sent one way, so that of several workers and nodes one sends it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """`day`: UTC, and the way, as ``2027-01-31 webhook``. `created_at`: whole seconds since the epoch, UTC."""

    day: str
    created_at: int
