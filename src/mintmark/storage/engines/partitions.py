"""The audit trail in PostgreSQL: partitions of ids. Ids rise with time and have no gaps, so each partition is a stretch
of time, a look-up by id goes to one of them, and the next one can be made before its day.

The last partition has no upper end, so no event is ever without a place; while it is empty, partitions are made before
it. One that is full learns between which instants its events were written, and searches by time leave it out.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import sqlalchemy as sa

from mintmark.storage.database import Database, unavailable_as_such
from mintmark.storage.layout import TrailInUse
from mintmark.storage.tables import audit_event, audit_link

#: Partitions that are empty and wait for events: when fewer are left, so many are made.
FEWEST, MADE = 2, 4
#: Ids of a partition: those of a day, but a thirtieth of what is kept at least, so that there are never many.
LEAST, LARGEST, SHARE = 100_000, 200_000_000, 30
DAY = 86400
OPEN = "audit_event_open"
#: Milliseconds that writers may have to wait for it: for who reads at all, and then for the server's own cleaning,
#: which gives way after a second.
_READERS, _CLEANING = 300, 1500
_LOCKED, _GONE, _STRANGE = "55P03", "42P01", "23514"
#: The lock of who looks at the instants of full partitions.
_TIMING = 0x6D696E7474696D65
_BOUND = re.compile(r"FROM \((?:'(\d+)'|MINVALUE)\) TO \((?:'(\d+)'|MAXVALUE)\)")
_ALL = (
    "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid), k.convalidated,"
    " coalesce(pg_total_relation_size(c.oid), 0)"
    " FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.conname = c.relname || '_at'"
    " WHERE i.inhparent = 'audit_event'::regclass"
)


class Partition(NamedTuple):
    """`begins`, `ends`: its first id and the one after its last; None: without end. `timed`: whether the database knows
    the instants of its events; None: nobody has looked. `bytes`: with its indexes.
    """

    name: str
    begins: int
    ends: int | None
    timed: bool | None
    bytes: int


def partitions(connection: sa.Connection) -> list[Partition]:
    """All of them, in the order of their ids."""
    found = []
    for name, bound, timed, size in connection.exec_driver_sql(_ALL):
        match = _BOUND.search(bound)
        assert match is not None, bound  # noqa: S101 - only this module makes them
        found.append(Partition(name, int(match[1] or 0), int(match[2]) if match[2] else None, timed, size))
    return sorted(found, key=lambda each: each.begins)


class Partitions:
    """As `storage.layout.Layout` has it. `least`: ids of a partition."""

    def __init__(self, least: int = LEAST) -> None:
        self._least = least

    def size(self, connection: sa.Connection) -> int:
        """As the server counts."""
        return sum(each.bytes for each in partitions(connection))

    def beyond(self, connection: sa.Connection, most: int) -> int:
        """Whole partitions, the oldest first: events that were removed one by one give back no byte of theirs."""
        found = partitions(connection)
        taken, first_kept = sum(each.bytes for each in found), 0
        for each in found:
            if taken <= most or each.ends is None:
                break
            taken -= each.bytes
            first_kept = each.ends
        return first_kept

    def edge(self, connection: sa.Connection, first_kept: int) -> int:
        """Where the last partition ends that is wholly before."""
        return max((each.ends for each in _before(connection, first_kept) if each.ends), default=0)

    def drop(self, connection: sa.Connection, first_kept: int) -> int | None:
        """Drop the oldest partition, if it is wholly before."""
        old = _before(connection, first_kept)
        if not old:
            return None
        try:
            with connection.begin_nested():
                _alone(connection)
                events = _count(connection, old[0].name)
                connection.exec_driver_sql(f"DROP TABLE {old[0].name}")
        except sa.exc.OperationalError as error:
            if _is_lock(error):
                raise TrailInUse from None
            raise
        return events

    def hold(self, connection: sa.Connection) -> None:
        """As every reader does, but before the snapshot is taken."""
        connection.exec_driver_sql("LOCK TABLE audit_event IN ACCESS SHARE MODE")

    def upkeep(self, database: Database, now: float) -> None:
        """Make partitions ahead, and tell the database the instants of those that are full."""
        if database.reading(_is_short):
            size = database.reading(lambda connection: self._span(connection, now))

            def make(connection: sa.Connection) -> None:
                # Events without a partition, if there are any, are read through while everybody waits: rather once,
                # however long it takes, than every minute in vain.
                database.take_time(connection)
                _extend(connection, size)

            database.writing(make)
        if full := database.reading(_untimed):
            with unavailable_as_such(), database.aside_engine.connect() as connection:
                for each in full:
                    if not _time(database, connection, each):
                        return

    def settle(self, connection: sa.Connection) -> None:
        """What came is one partition, and others are made behind it."""
        # A backup of an older schema has none: the migration that follows makes them.
        if partitions(connection):
            _extend(connection, self._least)

    def _span(self, connection: sa.Connection, now: float) -> int:
        """How many ids the next partitions get."""
        following = _next(connection)
        end = sa.func.max(audit_link.c.first_id + audit_link.c.events)
        before = connection.execute(sa.select(end).where(audit_link.c.at < now - DAY)).scalar() or 0
        ids = audit_event.c.id
        oldest = connection.execute(sa.select(ids).order_by(ids).limit(1)).scalar() or following
        a_day = following - max(before, oldest)
        return min(max(a_day, (following - oldest) // SHARE, self._least), LARGEST)


def _extend(connection: sa.Connection, size: int) -> None:
    """Make partitions of `size` ids behind the last event; another time, when somebody reads the trail."""
    if _is_short(connection):
        try:
            with connection.begin_nested():
                _alone(connection)
                _make(connection, size)
        except sa.exc.OperationalError as error:
            if not _is_lock(error):
                raise


def _make(connection: sa.Connection, size: int) -> None:
    last, following = partitions(connection)[-1], _next(connection)
    begins = last.begins
    if connection.exec_driver_sql(f"SELECT EXISTS (SELECT FROM {OPEN})").scalar_one():  # noqa: S608
        # It got events before others were made: they are a partition of their own from now on.
        name = f"audit_event_{begins}"
        for statement in (
            f"ALTER TABLE audit_event DETACH PARTITION {OPEN}",
            f"ALTER TABLE {OPEN} RENAME TO {name}",
            f"ALTER TABLE audit_event ATTACH PARTITION {name}"
            f" FOR VALUES FROM ({begins or 'MINVALUE'}) TO ({following})",
        ):
            connection.exec_driver_sql(statement)
        begins = following
    else:
        connection.exec_driver_sql(f"DROP TABLE {OPEN}")
    for _ in range(MADE):
        ends = max(begins, following) + size
        _create(connection, f"audit_event_{begins}", begins, ends)
        begins = ends
    _create(connection, OPEN, begins, "MAXVALUE")


def _before(connection: sa.Connection, first_kept: int) -> list[Partition]:
    return [each for each in partitions(connection) if each.ends is not None and each.ends <= first_kept]


def _next(connection: sa.Connection) -> int:
    """The id that the next event gets."""
    link = sa.select(audit_link.c.first_id + audit_link.c.events).order_by(audit_link.c.first_id.desc())
    newest = sa.select(audit_event.c.id).order_by(audit_event.c.id.desc())
    linked = connection.execute(link.limit(1)).scalar() or 1
    return max(linked, (connection.execute(newest.limit(1)).scalar() or 0) + 1)


def _is_short(connection: sa.Connection) -> bool:
    following = _next(connection)
    ahead = [each for each in partitions(connection) if each.ends is not None and each.begins >= following]
    return len(ahead) < FEWEST


def _untimed(connection: sa.Connection) -> list[Partition]:
    """Full partitions of whose instants the database knows nothing."""
    following = _next(connection)
    return [
        each for each in partitions(connection) if each.ends and each.ends <= following and not each.timed
    ]


def _time(database: Database, connection: sa.Connection, partition: Partition) -> bool:
    """Tell the database the instants of a full partition, so that it leaves it out; False when somebody is in the way.

    Nobody waits but for a moment: it reads the partition through beside everybody else.
    """
    name = partition.name
    try:
        with connection.begin():
            database.take_time(connection)
            if not connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_TIMING})").scalar():
                return False
            known = {each.name: each.timed for each in partitions(connection)}
            if known.get(name, True) is None:
                oldest, newest = connection.exec_driver_sql(f"SELECT min(at), max(at) FROM {name}").one()  # noqa: S608
                if oldest is None:
                    return True
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_READERS}")
                connection.exec_driver_sql(
                    f"ALTER TABLE {name} ADD CONSTRAINT {name}_at"
                    f" CHECK (at >= {oldest!r}::double precision AND at <= {newest!r}::double precision) NOT VALID"
                )
        with connection.begin():
            database.take_time(connection)
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_CLEANING}")
            connection.exec_driver_sql(f"ALTER TABLE {name} VALIDATE CONSTRAINT {name}_at")
    except sa.exc.DBAPIError as error:
        if (state := getattr(error.orig, "sqlstate", "")) not in (_LOCKED, _GONE, _STRANGE):
            raise
        return bool(state != _LOCKED)  # another node has dropped it, or somebody else wrote into it
    return True


def _alone(connection: sa.Connection) -> None:
    """Nobody else reads or writes the trail from here to the end of the transaction; given up after a moment."""
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_READERS}")
    connection.exec_driver_sql("LOCK TABLE ONLY audit_event IN ACCESS EXCLUSIVE MODE")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_CLEANING}")


def _is_lock(error: sa.exc.OperationalError) -> bool:
    return getattr(error.orig, "sqlstate", "") == _LOCKED


def _count(connection: sa.Connection, name: str) -> int:
    """How many events a partition has: its ids have no gaps."""
    oldest, newest = connection.exec_driver_sql(f"SELECT min(id), max(id) FROM {name}").one()  # noqa: S608
    return 0 if oldest is None else int(newest - oldest + 1)


def _create(connection: sa.Connection, name: str, begins: int, ends: int | str) -> None:
    connection.exec_driver_sql(
        f"CREATE TABLE {name} PARTITION OF audit_event FOR VALUES FROM ({begins or 'MINVALUE'}) TO ({ends})"
    )
