"""Which processes serve from this database, as each says of itself every few seconds.

A row is replaced by the next one of the same process and taken away when it stops in good order. One that fell silent
stays, for somebody should look at why, until its node runs again, an operator says `forget`, or `KEPT` has passed.
Times are the database's, so that clocks of nodes can be compared. Backups and moves leave the rows out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from mintmark.storage import trail_checked
from mintmark.storage.changes import position
from mintmark.storage.database import Database
from mintmark.storage.tables import audit_link, node
from mintmark.storage.trail_checked import Checked

#: Seconds between two beats, after which a process is silent, and for which one that is lost stays listed.
BEAT, SILENT, KEPT = 5.0, 20.0, 86400.0


class Beat(NamedTuple):
    """`id`: of the process, ``NODE/NUMBER``. `age`: seconds since it was heard of. `told`: what it said, as JSON."""

    id: str
    age: float
    told: str


class Heard(NamedTuple):
    """`position`: the newest of the change log. `bytes`: what the database takes. `audit_from`, `committed_at`: when
    the oldest and the newest link of the audit trail were written, in seconds since the epoch; None: there is none.
    `audit_bytes`: what its events take. `checked`: when it was last verified.
    """

    beats: Sequence[Beat]
    position: int
    bytes: int
    audit_from: float | None
    committed_at: float | None
    audit_bytes: int
    checked: Checked


def beat(connection: sa.Connection, database: Database, process: str, told: str) -> None:
    """Say `told` for `process`. Those of its node that are silent go: it knows how many there should be."""
    now = database.now(connection)
    silent = sa.and_(_of(process.rpartition("/")[0]), node.c.seen < now - SILENT)
    gone = sa.or_(node.c.id == process, silent, node.c.seen < now - KEPT)
    connection.execute(node.delete().where(gone))
    connection.execute(node.insert().values(id=process, seen=now, told=told))


def leave(connection: sa.Connection, process: str) -> None:
    """The process stops in good order."""
    connection.execute(node.delete().where(node.c.id == process))


def forget(connection: sa.Connection, database: Database, name: str) -> tuple[Sequence[str], Sequence[str]]:
    """Take a node, or one process, off the list, unless it still beats: the processes that went, those that beat."""
    now = database.now(connection)
    named = sa.or_(node.c.id == name, _of(name))
    rows = connection.execute(sa.select(node.c.id, node.c.seen).where(named).order_by(node.c.id)).all()
    beating = [process for process, seen in rows if now - seen < SILENT]
    if beating:
        return (), beating
    lost = [process for process, _ in rows]
    connection.execute(node.delete().where(node.c.id.in_(lost)))
    return lost, ()


def heard(connection: sa.Connection, database: Database) -> Heard:
    """Who is there, and what there is to say of the database."""
    now = database.now(connection)
    rows = connection.execute(sa.select(node).where(node.c.seen >= now - KEPT).order_by(node.c.id)).all()
    # Not the maximum of `at`, which no index has: the links of the first and of the last event.
    links = sa.select(audit_link.c.at).limit(1)
    return Heard(
        [Beat(process, max(0.0, now - seen), told) for process, seen, told in rows],
        position(connection),
        database.size(connection),
        connection.execute(links.order_by(audit_link.c.first_id)).scalar(),
        connection.execute(links.order_by(audit_link.c.first_id.desc())).scalar(),
        database.layout.size(connection),
        trail_checked.last(connection),
    )


def _of(name: str) -> sa.ColumnElement[bool]:
    """Whether a process is of that node. Not by LIKE, for which some letters are others."""
    return sa.func.substr(node.c.id, 1, len(name) + 1) == f"{name}/"
