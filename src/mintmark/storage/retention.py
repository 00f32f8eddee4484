"""Forgetting old events of the audit trail: where a cut may be made, and making it, a part at a time.

A cut goes between two links and is vouched for before the first event goes, so a check knows what it sees at any time.
What goes at once (layout.py) goes so; what is left before the cut goes a page at a time.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from mintmark.crypto.audit_chain import cut
from mintmark.storage.layout import Layout
from mintmark.storage.quotas import DAY
from mintmark.storage.tables import audit_cut, audit_event, audit_link

#: How long, as a share of what is kept, events may wait until they go at once with their neighbours; and how many in
#: any case.
_WAIT, _WAITING = 20, 50_000


class Keep(NamedTuple):
    """What stays: what was written since `since` (seconds since the epoch), of that the newest `most` events, of these
    what takes `most_bytes`. What was written yesterday or today stays in any case.
    """

    since: float = 0.0
    most: int | None = None
    most_bytes: int | None = None


class Boundary(NamedTuple):
    """`first_kept`: id of the first event to keep. `by_bytes`: whether more goes than without the limit in bytes."""

    first_kept: int
    by_bytes: bool = False


def boundary(connection: sa.Connection, layout: Layout, keep: Keep, now: float) -> Boundary:
    """Where to cut, so that nothing more stays than `keep` says."""
    return _boundary(
        connection, layout.beyond(connection, keep.most_bytes) if keep.most_bytes else 0, keep, now
    )


def easy_boundary(connection: sa.Connection, layout: Layout, keep: Keep, now: float) -> Boundary:
    """Where to cut, so that most goes at once: what has just become too old waits for its neighbours, though not
    longer than a day, or than a twentieth of what is kept.
    """
    exact = boundary(connection, layout, keep, now)
    edge = layout.edge(connection, exact.first_kept)
    if edge == exact.first_kept:
        return exact
    patient = Keep(
        keep.since - max(DAY, (now - keep.since) / _WAIT) if keep.since else 0.0,
        None if keep.most is None else keep.most + max(_WAITING, keep.most // _WAIT),
    )
    late = _boundary(connection, 0, patient, now)
    return exact._replace(first_kept=max(late.first_kept, _end_around(connection, edge)))


def _boundary(connection: sa.Connection, beyond: int, keep: Keep, now: float) -> Boundary:
    columns = audit_link.c
    kept = _end_before(connection, keep.since)
    if keep.most is not None:
        newest = connection.execute(sa.select(sa.func.max(columns.first_id + columns.events))).scalar() or 0
        whole = sa.select(columns.first_id).where(columns.first_id <= newest - keep.most)
        found = connection.execute(whole.order_by(columns.first_id.desc()).limit(1)).scalar()
        kept = max(kept, found or 0)
    last = _end_before(connection, (now // DAY - 1) * DAY)
    fits = _end_around(connection, beyond)
    return Boundary(min(max(kept, fits), last), by_bytes=min(fits, last) > kept)


def _end_before(connection: sa.Connection, instant: float) -> int:
    columns = audit_link.c
    end = sa.func.max(columns.first_id + columns.events)
    return connection.execute(sa.select(end).where(columns.at < instant)).scalar() or 0


def _end_around(connection: sa.Connection, first_kept: int) -> int:
    """Where the link ends that the event before `first_kept` belongs to."""
    columns = audit_link.c
    around = sa.select(columns.first_id + columns.events).where(columns.first_id < first_kept)
    return connection.execute(around.order_by(columns.first_id.desc()).limit(1)).scalar() or 0


def remove(
    connection: sa.Connection, layout: Layout, key: bytes, first_kept: int, at: float, page: int
) -> tuple[int, bool]:
    """Remove the oldest part, or the oldest `page` events, before the id `first_kept`: how many went, and whether that
    was not all.

    `first_kept`: of a boundary. `at`: now, in seconds since the epoch. Raises TrailInUse.
    """
    old = sa.select(audit_event.c.id).where(audit_event.c.id < first_kept)
    if connection.execute(old.limit(1)).first() is None:
        return 0, False
    held = connection.execute(sa.select(audit_cut.c.first_kept)).scalar()
    if held is None or held < first_kept:
        connection.execute(audit_cut.delete())
        mac = cut(key, first_kept, at)
        connection.execute(audit_cut.insert().values(first_kept=first_kept, at=at, mac=mac))
    dropped = layout.drop(connection, first_kept)
    if dropped is not None:
        removed, left = dropped, connection.execute(old.limit(1)).first() is not None
    else:
        oldest = old.order_by(audit_event.c.id).limit(page)
        removed = connection.execute(
            audit_event.delete().where(audit_event.c.id < first_kept, audit_event.c.id.in_(oldest))
        ).rowcount
        left = removed == page
    if not left:
        _remove_links(connection, first_kept)
    return removed, left


def _remove_links(connection: sa.Connection, first_kept: int) -> None:
    """All links of what went but the newest of each lane, which the next one follows."""
    later = audit_link.alias()
    connection.execute(
        audit_link.delete().where(
            audit_link.c.first_id + audit_link.c.events <= first_kept,
            sa.exists().where(
                later.c.lane == audit_link.c.lane,
                later.c.seq > audit_link.c.seq,
                later.c.first_id + later.c.events <= first_kept,
            ),
        )
    )
