"""The audit trail as rows: cleaning, searching newest first, exporting in order, and who still uses a mount.

Text is stored as given up to a bound and with what a database cannot hold replaced, because a refused request may
carry anything and one row that cannot be written would take its whole batch with it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from mintmark.authorization_server.ports import AuditQuery
from mintmark.storage.rows import is_storable
from mintmark.storage.tables import audit_event
from mintmark.values.audit_event import AuditEvent

#: The columns in the order of the event's fields.
NAMES = AuditEvent._fields
#: All but the first and the last, `at` and `count`, are text.
_TEXTS = slice(1, -1)
LONGEST_TEXT = 4096
#: Characters of a group of events that is looked at as a whole; no text in it is longer than that.
_SMALL_GROUP = 8 * LONGEST_TEXT
_columns = [audit_event.c[name] for name in NAMES]


def clean(event: AuditEvent, longest: int = LONGEST_TEXT) -> AuditEvent:
    """The event with every text writable and at most `longest` characters."""
    texts: tuple[str, ...] = event[_TEXTS]  # type: ignore[assignment]
    joined = "".join(texts)
    if len(joined) <= longest and is_storable(joined):
        return event
    return AuditEvent._make((event.at, *(_clean(text, longest) for text in texts), event.count))


def cleaned(events: list[AuditEvent]) -> list[AuditEvent]:
    """Each event as `clean` makes it; looked at one by one only when they are many, or something in them is amiss."""
    joined = "".join(["".join(event[_TEXTS]) for event in events])  # type: ignore[arg-type]
    if len(joined) <= _SMALL_GROUP and is_storable(joined):
        return events
    return [clean(event) for event in events]


def _clean(text: str, longest: int) -> str:
    return (
        text[:longest].encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")
    )


class _Seconds(FunctionElement[int]):
    """Seconds without their fraction: a cast cuts it off on SQLite, and rounds on PostgreSQL."""

    name = "seconds"
    type = sa.BigInteger()
    inherit_cache = True


@compiles(_Seconds)
def _cut(element: _Seconds, compiler: SQLCompiler, **more: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **more)} AS BIGINT)"


@compiles(_Seconds, "postgresql")
def _floor(element: _Seconds, compiler: SQLCompiler, **more: Any) -> str:
    return f"CAST(floor({compiler.process(element.clauses, **more)}) AS BIGINT)"


_EQUAL = (
    "environment",
    "kind",
    "outcome",
    "request_id",
    "client_id",
    "credential_id",
    "dialect",
    "mount",
    "reason",
    "jti",
)


def search(connection: sa.Connection, query: AuditQuery) -> list[tuple[int, AuditEvent]]:
    """Events with their ids, newest first (after an id: oldest first), by the filters of `query`."""
    found = sa.select(audit_event.c.id, *_columns)
    for name in _EQUAL:
        if wanted := getattr(query, name):
            if not is_storable(wanted):
                return []
            found = found.where(audit_event.c[name] == wanted)
    if query.tenant:
        if not is_storable(query.tenant):
            return []
        of_the_tenant = sa.and_(
            audit_event.c.environment == "",
            audit_event.c.kind.startswith("admin."),
            sa.or_(
                audit_event.c.subject == f"tenant:{query.tenant}",
                audit_event.c.subject.like("person:%") & audit_event.c.subject.endswith(f"@{query.tenant}"),
            ),
        )
        below = audit_event.c.environment.startswith(f"{query.tenant}/", autoescape=True)
        found = found.where(sa.or_(below, of_the_tenant))
    if query.clients is not None:
        found = found.where(
            audit_event.c.client_id != "",
            (audit_event.c.environment + "/" + audit_event.c.client_id).in_(query.clients),
        )
    if query.since is not None:
        found = found.where(audit_event.c.at >= query.since)
    if query.until is not None:
        found = found.where(audit_event.c.at < query.until)
    if query.before_id is not None:
        found = found.where(audit_event.c.id < query.before_id)
    order: sa.ColumnElement[int] = audit_event.c.id.desc()
    if query.after_id is not None:
        found = found.where(audit_event.c.id > query.after_id)
        order = audit_event.c.id.asc()
    rows = connection.execute(found.order_by(order).limit(max(0, query.limit)))
    return [(row[0], AuditEvent(*row[1:])) for row in rows]


def after(
    connection: sa.Connection, after_id: int, limit: int, environment: str
) -> list[tuple[int, AuditEvent]]:
    """The next events after an id, oldest first: one page of an export. `environment` empty: all."""
    found = sa.select(audit_event.c.id, *_columns).where(audit_event.c.id > after_id)
    if environment:
        found = found.where(audit_event.c.environment == environment)
    rows = connection.execute(found.order_by(audit_event.c.id).limit(limit))
    return [(row[0], AuditEvent(*row[1:])) for row in rows]


def mount_users(
    connection: sa.Connection, environment: str, mount: str, since: float
) -> list[tuple[str, int, float]]:
    """(client id, tokens, time of the last one) of who got tokens at a mount since then, most recent first."""
    last = sa.func.max(audit_event.c.at)
    rows = connection.execute(
        sa.select(audit_event.c.client_id, sa.func.sum(audit_event.c.count), last)
        .where(
            audit_event.c.environment == environment,
            audit_event.c.mount == mount,
            audit_event.c.outcome == "issued",
            audit_event.c.at >= since,
        )
        .group_by(audit_event.c.client_id)
        .order_by(last.desc(), audit_event.c.client_id)
    )
    return [(client_id, int(count), at) for client_id, count, at in rows]


def tally(
    connection: sa.Connection, environment: str, since: int, span: int
) -> list[tuple[int, str, str, str, int]]:
    """(beginning of the span, client id, outcome, reason, how many) of what was issued and refused since then."""
    if not is_storable(environment):
        return []
    number = (_Seconds(audit_event.c.at) // sa.literal_column(str(int(span)))).label("number")
    groups = (number, audit_event.c.client_id, audit_event.c.outcome, audit_event.c.reason)
    rows = connection.execute(
        sa.select(*groups, sa.func.sum(audit_event.c.count))
        .where(
            audit_event.c.environment == environment,
            audit_event.c.at >= since,
            audit_event.c.outcome.in_(("issued", "refused")),
        )
        .group_by(*groups)
        .order_by(*groups)
    )
    return [
        (int(at) * span, client_id, outcome, reason, int(count))
        for at, client_id, outcome, reason, count in rows
    ]
