"""The audit trail in PostgreSQL: partitions made ahead, dropped whole, left out by searches, and whole for a check."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from mintmark.authorization_server.ports import AuditQuery, StorageUnavailable
from mintmark.storage import audit, moving, schema
from mintmark.storage.database import Database
from mintmark.storage.engines.partitions import OPEN, Partition, Partitions, partitions
from mintmark.storage.engines.postgres import PostgresDatabase, open_postgres
from mintmark.storage.layout import TrailInUse
from mintmark.storage.retention import Keep
from mintmark.storage.store import SqlStore, Tended
from mintmark.storage.tables import audit_event
from mintmark.storage.trail import Trail
from tests import postgres
from tests.storage.samples import AUDIT_KEY, NOW, event

DAY = 86400
#: Ids of a partition here.
FEW = 20


@pytest.fixture
def database(postgres_database: PostgresDatabase) -> PostgresDatabase:
    postgres_database.layout = Partitions(least=FEW)
    return postgres_database


def write(database: Database, at: float, count: int) -> None:
    """So many events at that instant, five in a transaction."""
    trail = Trail(database)
    for _ in range(count // 5):

        def append(connection: sa.Connection) -> None:
            with closing(connection.connection.cursor()) as cursor:
                trail.append(cursor, [event(at=at + number) for number in range(5)])

        database.writing(append)


def upkeep(database: Database, now: float = NOW) -> list[Partition]:
    database.layout.upkeep(database, now)
    return database.reading(partitions)


def filled(database: Database) -> list[Partition]:
    """Ten days with ten events each, of which the last is today; partitions of two days."""
    upkeep(database)
    for day in range(10):
        write(database, NOW - (9 - day) * DAY, 10)
        upkeep(database, NOW - (9 - day) * DAY)
    return database.reading(partitions)


def spans(found: Sequence[Partition]) -> list[tuple[int, int | None]]:
    return [(each.begins, each.ends) for each in found]


def tend(database: Database, keep: Keep) -> Tended:
    return asyncio.run(SqlStore(database).tend_trail(keep, NOW))


def oldest(database: Database) -> int:
    return int(database.reading(lambda c: c.exec_driver_sql("SELECT min(id) FROM audit_event").scalar_one()))


def assert_whole(database: Database, events: int) -> None:
    report = asyncio.run(SqlStore(database).check_trail({}))
    assert (report.faults, report.events) == ([], events)


def test_partitions_are_made_ahead_and_the_last_has_no_end(database: PostgresDatabase) -> None:
    assert spans(database.reading(partitions)) == [(0, None)]
    found = filled(database)
    assert [each.ends for each in found[:-1]] == [each.begins for each in found[1:]]
    assert found[-1] == (OPEN, found[-1].begins, None, None, found[-1].bytes)
    assert sum(each.begins > 100 for each in found) >= 3
    assert_whole(database, 100)


def test_events_that_came_before_anybody_made_room_are_not_lost(database: PostgresDatabase) -> None:
    upkeep(database)
    write(database, NOW - 3 * DAY, 200)
    assert [each.name for each in database.reading(partitions) if each.timed is None][-1] == OPEN
    found = upkeep(database)
    assert database.reading(lambda c: c.exec_driver_sql(f"SELECT count(*) FROM {OPEN}").scalar_one()) == 0
    assert sum(each.begins > 200 for each in found) >= 3
    assert_whole(database, 200)


def test_room_is_made_where_the_next_event_goes_however_many_went_before(database: PostgresDatabase) -> None:
    write(database, NOW - 9 * DAY, 200)
    assert tend(database, Keep(since=NOW - 5 * DAY)).removed == 200
    assert spans(upkeep(database))[:2] == [(0, 201 + FEW), (201 + FEW, 201 + 2 * FEW)]
    write(database, NOW, 30)
    assert_whole(database, 30)


def test_retention_drops_whole_partitions_and_deletes_but_the_rest_of_a_link(
    database: PostgresDatabase,
) -> None:
    before = filled(database)
    tended = tend(database, Keep(since=NOW - 5 * DAY))
    after = database.reading(partitions)
    gone = [each for each in before if each not in after]
    assert gone
    assert all(each.ends is not None and each.ends <= 41 for each in gone)
    assert (tended.removed, tended.waits, tended.by_bytes) == (oldest(database) - 1, False, False)
    assert oldest(database) > 20
    assert 0 <= oldest(database) - after[0].begins < 5
    assert_whole(database, 101 - oldest(database))
    write(database, NOW, 5)
    assert_whole(database, 106 - oldest(database))


def test_what_waits_for_its_partition_waits_a_day_at_most(database: PostgresDatabase) -> None:
    write(database, NOW - 9 * DAY, 50)
    upkeep(database)
    write(database, NOW - 7 * DAY, 5)
    write(database, NOW, 5)
    assert tend(database, Keep(since=NOW - 6.5 * DAY)).removed == 50
    assert tend(database, Keep(since=NOW - 5.5 * DAY)).removed == 5
    assert_whole(database, 5)


def test_an_operator_who_trims_is_obeyed_to_the_event(database: PostgresDatabase) -> None:
    filled(database)
    assert asyncio.run(SqlStore(database).trim_trail(NOW - 4.5 * DAY, None, NOW)) == 50
    assert oldest(database) == 51
    assert_whole(database, 50)


def test_who_reads_for_long_holds_up_retention_and_nobody_else(database: PostgresDatabase) -> None:
    filled(database)
    with psycopg.connect(postgres.conninfo(database.engine.url.set(drivername="postgresql"))) as reader:
        reader.execute("SELECT count(*) FROM audit_event")
        assert tend(database, Keep(since=NOW - 5 * DAY)) == Tended(
            0, False, True, tend(database, Keep()).bytes
        )
        with pytest.raises(StorageUnavailable, match="from end to end"):
            asyncio.run(SqlStore(database).trim_trail(NOW - 5 * DAY, None, NOW))
        write(database, NOW, 50)
        upkeep(database)
        assert_whole(database, 150)
        reader.rollback()
    assert tend(database, Keep(since=NOW - 5 * DAY)).removed
    assert_whole(database, 151 - oldest(database))


def plan(connection: sa.Connection, query: AuditQuery) -> str:
    """How the server looks for what `audit.search` asks."""
    asked: list[tuple[str, Any]] = []

    def hear(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    sa.event.listen(connection, "before_cursor_execute", hear)
    audit.search(connection, query)
    sa.event.remove(connection, "before_cursor_execute", hear)
    driver: Any = connection.connection.driver_connection
    with psycopg.ClientCursor(driver) as cursor:
        cursor.execute(f"EXPLAIN {asked[0][0]}", asked[0][1])
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        (AuditQuery(since=NOW - 3.5 * DAY, until=NOW - 2.5 * DAY), 61),
        (AuditQuery(environment="acme/production", since=NOW - 3.5 * DAY, until=NOW - 2.5 * DAY), 61),
        (AuditQuery(after_id=30, before_id=38), 31),
    ],
)
def test_a_search_by_time_or_id_leaves_the_other_full_partitions_out(
    database: PostgresDatabase, query: AuditQuery, seen: int
) -> None:
    full = [each for each in filled(database) if each.ends is not None and each.ends <= 101]
    assert all(each.timed for each in full)
    shown = database.reading(lambda connection: plan(connection, query))
    named = [each for each in full if f" {each.name}\n" in f"{shown}\n" or f" {each.name} " in shown]
    assert [each.begins <= seen < (each.ends or 0) for each in named] == [True], shown
    events = asyncio.run(SqlStore(database).events(query))
    assert seen in [number for number, _ in events]


def test_the_next_events_and_the_last_are_found_in_the_order_of_partitions(
    database: PostgresDatabase,
) -> None:
    filled(database)
    statement = "EXPLAIN SELECT * FROM audit_event WHERE id > 30 ORDER BY id {} LIMIT 10"
    for way in ("ASC", "DESC"):
        shown = database.reading(lambda c, way=way: c.exec_driver_sql(statement.format(way)).scalars().all())
        assert not any("Sort" in line or "Merge" in line for line in shown), shown


def test_two_nodes_that_tend_together_do_it_once(database: PostgresDatabase) -> None:
    write(database, NOW, 50)

    async def together() -> None:
        other = open_postgres(database.engine.url.set(drivername="postgresql"), AUDIT_KEY)
        other.layout = Partitions(least=FEW)
        stores = [SqlStore(each) for each in (database, other)]
        ends = time.monotonic() + 30
        while not database.reading(partitions)[0].timed:  # each may be in the other's way
            assert time.monotonic() < ends
            await asyncio.gather(*(store.make_room(NOW) for store in stores))
        other.close()

    asyncio.run(together())
    found = database.reading(partitions)
    assert [each.timed for each in found] == [True, *[None] * 5]


def test_a_trail_from_before_partitions_becomes_the_first_one_where_it_lies(empty: PostgresDatabase) -> None:
    schema.create_at(empty, "0015")
    write(empty, NOW - 9 * DAY, 40)
    where = "SELECT pg_relation_filenode('{}')"
    rows = empty.reading(lambda c: c.exec_driver_sql("SELECT * FROM audit_event ORDER BY id").all())
    file = empty.reading(lambda c: c.exec_driver_sql(where.format("audit_event")).scalar_one())
    assert schema.migrate(empty, None) is True
    schema.check(empty)
    assert empty.reading(lambda c: c.exec_driver_sql("SELECT * FROM audit_event ORDER BY id").all()) == rows
    assert empty.reading(lambda c: c.exec_driver_sql(where.format("audit_event_0")).scalar_one()) == file
    assert spans(empty.reading(partitions)) == [(0, 41), (41, None)]
    indexes = "SELECT count(*) FROM pg_index WHERE indrelid = '{}'::regclass"
    for name in ("audit_event", "audit_event_0", OPEN):
        assert empty.reading(lambda c, n=name: c.exec_driver_sql(indexes.format(n)).scalar_one()) == 5
    write(empty, NOW, 10)
    upkeep(empty)
    assert_whole(empty, 50)
    assert tend(empty, Keep(since=NOW - 5 * DAY)).removed == 40
    assert_whole(empty, 10)


def test_a_trail_that_is_moved_arrives_as_one_partition_with_room_behind_it(
    database: PostgresDatabase, empty: PostgresDatabase
) -> None:
    filled(database)
    tend(database, Keep(since=NOW - 5 * DAY))
    count = 101 - oldest(database)
    moving.move(database, empty, lambda done, whole: None)
    found = empty.reading(partitions)
    assert spans(found)[:2] == [(0, 101), (101, 101 + 100_000)]
    write(empty, NOW, 5)
    assert_whole(empty, count + 5)


def test_what_looks_at_the_whole_trail_may_take_its_time(database: PostgresDatabase) -> None:
    """Else a large installation could be neither restored, nor moved, nor given partitions that are overdue."""

    def limit(connection: sa.Connection) -> object:
        return connection.exec_driver_sql("SHOW statement_timeout").scalar()

    def after(connection: sa.Connection) -> object:
        database.renumber(connection)
        return limit(connection)

    assert database.writing(limit) != "0"
    assert database.writing(after) == "0"
    assert database.writing(limit) != "0"
    limits: list[object] = []

    class Watched(Partitions):
        def settle(self, connection: sa.Connection) -> None:
            limits.append(limit(connection))

    database.layout = Watched(FEW)
    database.writing(database.renumber)
    assert limits == ["0"]


def test_a_reader_of_the_whole_holds_the_trail_before_his_snapshot_is_taken(
    database: PostgresDatabase,
) -> None:
    """A part that goes between the snapshot and the first look at it would be missing from the trail and its cut."""
    filled(database)

    def read(connection: sa.Connection) -> int:
        database.layout.hold(connection)
        with pytest.raises(TrailInUse):
            database.writing(lambda other: database.layout.drop(other, 30))
        return len(connection.execute(sa.select(audit_event.c.id)).all())

    assert database.reading(read) == 100
    assert database.writing(lambda other: database.layout.drop(other, 30)) is not None
