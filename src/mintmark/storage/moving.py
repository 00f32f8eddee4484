"""Moving everything from one database into another, of any engine: in pages, to be taken up again, compared at the end.

The source takes no write while it lasts, because the move has the turn of whoever writes. The target is marked as
unfinished until all of it is there (schema.py), so nobody serves a part of a copy.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from typing import NamedTuple

import sqlalchemy as sa

from mintmark.storage import portable, schema
from mintmark.storage.database import Database
from mintmark.storage.tables import sealing_key

_version = sa.table("alembic_version", sa.column("version_num", sa.Text))

#: ``progress(done, all)``: rows copied and compared.
Progress = Callable[[int, int], None]


class MoveFault(Exception):
    """The move cannot be made. The text is one sentence that says why."""


class Moved(NamedTuple):
    """`rows`, `digests`: of each table: how many, and SHA-256 over them in the order of their keys."""

    rows: dict[str, int]
    digests: dict[str, str]


def move(source: Database, target: Database, progress: Progress) -> Moved:
    """Copy all rows of `source` into `target`, which is empty or a move that was interrupted, and compare them.

    Raises MoveFault, SchemaMismatch when the schema of `source` is not this program's, StorageUnavailable.
    """
    schema.check(source)
    _begin(target)

    def work(connection: sa.Connection) -> Moved:
        source.take_time(connection)
        _refuse_other(connection, target)
        counts = {table.name: portable.count(connection, table) for table in portable.tables()}
        copied = 0
        for table in portable.tables():
            copied = _copy(
                connection, table, target, copied, lambda done: progress(done, 2 * sum(counts.values()))
            )
        return _compared(connection, target, counts, progress)

    moved = source.writing(work)
    target.writing(lambda connection: _finish(connection, target))
    return moved


def _begin(target: Database) -> None:
    state = schema.state(target)
    if state == "empty":
        schema.create(target)
    if state == "empty" or (state == "current" and target.reading(_has_no_row)):
        target.writing(lambda connection: _set_revision(connection, schema.UNFINISHED))
    elif state != "unfinished":
        raise MoveFault(f"{target.name}: there is something already, and nothing of it is replaced")


def _has_no_row(connection: sa.Connection) -> bool:
    return not any(portable.count(connection, table) for table in portable.tables())


def _refuse_other(connection: sa.Connection, target: Database) -> None:
    """What an interrupted move has brought must be of this source."""
    began = target.reading(lambda there: there.execute(sa.select(sealing_key.c.id)).scalar())
    if began is not None and began != connection.execute(sa.select(sealing_key.c.id)).scalar():
        raise MoveFault(f"{target.name}: there is an unfinished copy of another installation")


def _copy(
    connection: sa.Connection,
    table: sa.Table,
    target: Database,
    copied: int,
    progress: Callable[[int], object],
) -> int:
    """Copy what is missing of a table behind the last row that is there; how many rows are there in all."""
    key = list(table.primary_key.columns)

    def there(other: sa.Connection) -> tuple[portable.Row | None, int]:
        target.take_time(other)
        last = other.execute(sa.select(*key).order_by(*(column.desc() for column in key)).limit(1)).first()
        return (None if last is None else list(last)), portable.count(other, table)

    after, count = target.reading(there)
    copied += count
    rows = target.rows(table.name, [column.name for column in table.columns])
    for page in portable.pages(connection, table, after):
        values = [tuple(row) for row in page]

        def insert(other: sa.Connection, values: list[tuple[object, ...]] = values) -> None:
            with contextlib.closing(other.connection.cursor()) as cursor:
                rows.write(cursor, values)

        target.writing(insert)
        copied += len(page)
        progress(copied)
    progress(copied)
    return copied


def _compared(
    connection: sa.Connection, target: Database, counts: dict[str, int], progress: Progress
) -> Moved:
    """Both sides read anew, held against each other by count and digest. Raises MoveFault."""
    done, whole = sum(counts.values()), 2 * sum(counts.values())
    digests = {}
    for table in portable.tables():
        here = _digest(connection, table)
        there = target.reading(lambda other, table=table: _digest(other, table))  # type: ignore[misc]
        if here != there:
            raise MoveFault(
                f"{target.name}: the table '{table.name}' has {there[0]} rows and is not the same as its source with "
                f"{here[0]}: it was changed since the move began; empty the target and begin anew"
            )
        digests[table.name] = here[1]
        done += here[0]
        progress(done, whole)
    return Moved(counts, digests)


def _digest(connection: sa.Connection, table: sa.Table) -> tuple[int, str]:
    count, found = 0, hashlib.sha256()
    for page in portable.pages(connection, table):
        count += len(page)
        found.update(json.dumps(page, separators=(",", ":")).encode())
    return count, found.hexdigest()


def _finish(connection: sa.Connection, target: Database) -> None:
    target.renumber(connection)
    _set_revision(connection, schema.REVISIONS[-1])


def _set_revision(connection: sa.Connection, revision: str) -> None:
    connection.execute(sa.update(_version).values(version_num=revision))
