"""Appending to the audit trail: events get their ids and the link that vouches for them in one transaction.

Ids are given out by the chain, so they have no gaps: the next one follows from the newest link. Transactions that write
take turns on every database (database.py), so everybody extends the one lane '', and whoever reads on from an id misses
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mintmark.crypto.audit_chain import Link, extend
from mintmark.storage import audit
from mintmark.storage.database import Database
from mintmark.values.audit_event import AuditEvent

LANE = ""


class Trail:
    """Appends to the audit trail of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        names = ", ".join(Link._fields)
        self._newest = (
            f"SELECT {names} FROM audit_link WHERE lane = {database.mark} ORDER BY seq DESC LIMIT 1"  # noqa: S608
        )
        self._links = database.rows("audit_link", Link._fields)
        self._events = database.rows("audit_event", ("id", *audit.NAMES))

    def append(self, cursor: Any, events: Sequence[AuditEvent]) -> int:
        """Write `events`, which are clean, in their order, with their link; the id of the first, 0 of none."""
        if not events:
            return 0
        key = audit_key(self._database)
        row = cursor.execute(self._newest, (LANE,)).fetchone()
        at = events[-1].at
        before = Link._make(row) if row is not None else self._begin(cursor, key, at)
        link = extend(key, before, lane=LANE, first_id=before.end, events=events, at=at)
        self._events.write(
            cursor,
            [(number, *event) for number, event in zip(range(link.first_id, link.end), events, strict=True)],
        )
        self._links.write(cursor, [link])
        return link.first_id

    def _begin(self, cursor: Any, key: bytes, at: float) -> Link:
        """The first link of all: it vouches for nothing, and says where the chain begins."""
        (newest,) = cursor.execute("SELECT coalesce(max(id), 0) FROM audit_event").fetchone()
        link = extend(key, None, lane=LANE, first_id=newest + 1, events=(), at=at)
        self._links.write(cursor, [link])
        return link


def audit_key(database: Database) -> bytes:
    """The key that links are made with. Raises RuntimeError when the database was opened without it."""
    if not database.audit_key:
        raise RuntimeError("the database was opened without the key of its audit trail")
    return database.audit_key
