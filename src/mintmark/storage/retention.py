"""Forgetting old events of the audit trail: where a cut may be made, and making it, a page at a time.

A cut goes between two links and is vouched for before the first event goes, so a check knows what it sees at any time.
"""

from __future__ import annotations

import sqlalchemy as sa

from mintmark.crypto.audit_chain import cut
from mintmark.storage.quotas import DAY
from mintmark.storage.tables import audit_cut, audit_event, audit_link


def boundary(connection: sa.Connection, older_than: float, most: int | None, now: float) -> int:
    """The id of the first event to keep when those go that were written before `older_than` (seconds since the epoch)
    and, with `most`, those beyond the newest `most`. What was written yesterday or today stays in any case.
    """
    columns = audit_link.c
    kept = _end_before(connection, older_than)
    if most is not None:
        newest = connection.execute(sa.select(sa.func.max(columns.first_id + columns.events))).scalar() or 0
        whole = sa.select(columns.first_id).where(columns.first_id <= newest - most)
        found = connection.execute(whole.order_by(columns.first_id.desc()).limit(1)).scalar()
        kept = max(kept, found or 0)
    return min(kept, _end_before(connection, (now // DAY - 1) * DAY))


def _end_before(connection: sa.Connection, instant: float) -> int:
    columns = audit_link.c
    end = sa.func.max(columns.first_id + columns.events)
    return connection.execute(sa.select(end).where(columns.at < instant)).scalar() or 0


def remove(connection: sa.Connection, key: bytes, first_kept: int, at: float, page: int) -> int:
    """Remove the oldest `page` events before the id `first_kept`; how many went: fewer than `page` when it is done.

    `first_kept` is a `boundary`. `at`: now, in seconds since the epoch.
    """
    if (
        connection.execute(sa.select(audit_event.c.id).where(audit_event.c.id < first_kept).limit(1)).first()
        is None
    ):
        return 0
    held = connection.execute(sa.select(audit_cut.c.first_kept)).scalar()
    if held is None or held < first_kept:
        connection.execute(audit_cut.delete())
        mac = cut(key, first_kept, at)
        connection.execute(audit_cut.insert().values(first_kept=first_kept, at=at, mac=mac))
    oldest = sa.select(audit_event.c.id).where(audit_event.c.id < first_kept)
    removed = connection.execute(
        audit_event.delete().where(audit_event.c.id.in_(oldest.order_by(audit_event.c.id).limit(page)))
    ).rowcount
    if removed < page:
        _remove_links(connection, first_kept)
    return removed


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
