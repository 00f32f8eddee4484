"""Holding the audit trail against its links, a page at a time, as it stands at one moment."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from mintmark.crypto.audit_chain import Link, Report, check, cut
from mintmark.storage import audit
from mintmark.storage.database import Database
from mintmark.storage.tables import audit_cut, audit_link
from mintmark.storage.trail import audit_key
from mintmark.values.audit_event import AuditEvent

#: Events and links that are read at a time.
_PAGE = 2000


def check_trail(database: Database, known: Mapping[str, tuple[int, str]]) -> Report:
    """Hold every event against its link. Raises StorageUnavailable.

    `known`: lane -> (seq, mac) as an earlier check reported its heads; empty the first time.
    """
    key = audit_key(database)

    def work(connection: sa.Connection) -> Report:
        database.layout.hold(connection)
        row = connection.execute(sa.select(audit_cut)).one_or_none()
        first_kept, at, mac = (0, 0.0, "") if row is None else row
        forged = row is not None and not hmac.compare_digest(mac, cut(key, first_kept, at))
        report = check(
            key, _links(connection), _events(connection), first_kept=0 if forged else first_kept, known=known
        )
        if forged:
            sentence = f"The cut before the event {first_kept} was not made by this installation."
            return report._replace(faults=[sentence, *report.faults])
        return report

    return database.reading(work)


def _links(connection: sa.Connection) -> Iterator[Link]:
    columns = audit_link.c
    at = (0, "", 0)
    order = (columns.first_id, columns.lane, columns.seq)
    while True:
        rows = connection.execute(
            sa.select(*(columns[name] for name in Link._fields))
            .where(sa.tuple_(*order) > at)
            .order_by(*order)
            .limit(_PAGE)
        ).all()
        for row in rows:
            link = Link._make(row)
            at = (link.first_id, link.lane, link.seq)
            yield link
        if len(rows) < _PAGE:
            return


def _events(connection: sa.Connection) -> Iterator[tuple[int, AuditEvent]]:
    last = 0
    while True:
        events = audit.after(connection, last, _PAGE, "")
        yield from events
        if len(events) < _PAGE:
            return
        last = events[-1][0]
