"""What is PostgreSQL's own: turns, bounds on waiting, announcements, breaking and coming back."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from mintmark.authorization_server.ports import Allowance, AuditQuery, Committed, StorageUnavailable
from mintmark.storage import schema
from mintmark.storage.engines import postgres as engine
from mintmark.storage.engines.partitions import partitions
from mintmark.storage.engines.postgres import PostgresDatabase, open_postgres, plain_array, text_array
from mintmark.storage.ledger import SqlLedger
from mintmark.storage.store import SqlStore
from mintmark.storage.tables import metadata
from tests import postgres
from tests.storage.samples import AUDIT_KEY, CLIENT, NOW, TENANT, A, event, fill, issuance
from tests.storage.together import create_together

PATIENCE = 30
TEXTS = ("", "a", '"', "\\", '\\"', "NULL", "{}", "a,b", " ä\n\t€ ", "'", "%s", "\N{PILE OF POO}")


def shown(database: PostgresDatabase, name: str) -> str:
    return str(database.reading(lambda c: c.exec_driver_sql(f"SHOW {name}").scalar_one()))


def test_arrays_hold_what_was_put_in_them(postgres_database: PostgresDatabase) -> None:
    def read(connection: sa.Connection) -> Any:
        driver: Any = connection.connection.driver_connection
        rows = [TEXTS, (None, *TEXTS[:3], None), ("x",), ("a", "b")]
        texts = [driver.execute("SELECT %s::text[]", (text_array(row),)).fetchone()[0] for row in rows]
        assert [tuple(found) for found in texts] == rows
        numbers = (0.1, -1.5e-300, 1.8e9, None)
        query = "SELECT %s::double precision[], %s::bigint[], %s::boolean[]"
        given = (plain_array(numbers), plain_array((1, None, 2**62)), plain_array((True, None, False)))
        assert driver.execute(query, given).fetchone() == (
            list(numbers),
            [1, None, 2**62],
            [True, None, False],
        )

    postgres_database.reading(read)


def test_nothing_waits_for_ever(postgres_database: PostgresDatabase) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    assert [shown(postgres_database, name) for name in names] == ["12s", "5s", "8s"]
    options = postgres_database.reading(
        lambda c: c.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
    )
    assert options["connect_timeout"] == "4"
    assert options["tcp_user_timeout"] == "10000"


def test_a_commit_is_durable_even_where_the_server_is_told_otherwise(postgres_url: sa.URL) -> None:
    name = postgres_url.database
    postgres.run(postgres_url, f"ALTER DATABASE {name} SET synchronous_commit = off")
    try:
        database = open_postgres(postgres_url, AUDIT_KEY)
        assert shown(database, "synchronous_commit") == "on"
        database.close()
    finally:
        postgres.run(postgres_url, f"ALTER DATABASE {name} RESET synchronous_commit")


def test_writers_take_turns_and_see_what_was_committed_before_theirs(postgres_url: sa.URL) -> None:
    here, there = (open_postgres(postgres_url, AUDIT_KEY) for _ in range(2))
    inside, go_on = threading.Event(), threading.Event()
    seen: list[int] = []

    def count(connection: sa.Connection) -> int:
        return int(connection.exec_driver_sql("SELECT count(*) FROM notice").scalar_one())

    def slow(connection: sa.Connection) -> None:
        inside.set()
        assert go_on.wait(PATIENCE)
        connection.exec_driver_sql("INSERT INTO notice VALUES ('today', 1)")

    first = threading.Thread(target=here.writing, args=(slow,))
    first.start()
    assert inside.wait(PATIENCE)
    second = threading.Thread(target=lambda: seen.append(there.writing(count)))
    second.start()
    assert there.reading(count) == 0  # who reads waits for nobody
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    ends = time.monotonic() + PATIENCE
    while not there.reading(lambda c: c.exec_driver_sql(waiting).scalar_one()):
        assert time.monotonic() < ends
    go_on.set()
    first.join(PATIENCE)
    second.join(PATIENCE)
    assert seen == [1]
    here.close()
    there.close()


def test_who_holds_the_turn_for_too_long_makes_the_others_unavailable_and_no_more(
    postgres_url: sa.URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_SESSION", "SET lock_timeout = '50ms'")
    database = open_postgres(postgres_url, AUDIT_KEY)

    async def run() -> None:
        store, ledger = SqlStore(database), SqlLedger(database, lambda: NOW)
        position = await store.write(fill)
        assert await ledger.commit(issuance(position)) == Committed(())
        with psycopg.connect(postgres.conninfo(postgres_url)) as other:
            other.execute(f"SELECT pg_advisory_xact_lock({engine.TURN})")
            with pytest.raises(StorageUnavailable, match="lock timeout"):
                await ledger.commit(issuance(position))
            with pytest.raises(StorageUnavailable, match="lock timeout"):
                await store.write(fill)
        assert await ledger.commit(issuance(position)) == Committed(())
        await ledger.close()

    asyncio.run(run())
    database.close()


def test_a_server_that_stands_still_is_given_up(
    postgres_url: sa.URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "ANSWER_PATIENCE", 0.3)
    database = open_postgres(postgres_url, AUDIT_KEY)
    with pytest.raises(StorageUnavailable, match="no answer within"):
        database.reading(lambda c: c.exec_driver_sql("SELECT pg_sleep(60)"))
    monkeypatch.undo()
    assert database.reading(lambda c: c.exec_driver_sql("SELECT 1").scalar_one()) == 1
    database.close()


def break_connections(database: PostgresDatabase) -> None:
    """As a restart of the server does to all that were open."""
    postgres.run(
        database.engine.url.set(drivername="postgresql"),
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )


def test_connections_that_broke_while_nobody_used_them_are_replaced_unseen(
    postgres_database: PostgresDatabase,
) -> None:
    async def run() -> None:
        store, ledger = SqlStore(postgres_database), SqlLedger(postgres_database, lambda: NOW)
        position = await store.write(fill)
        for _ in range(3):
            assert await ledger.commit(issuance(position)) == Committed(())
            assert await store.read(lambda t: t.find(type(TENANT))) == [TENANT]
            await store.write(lambda t: t.put(replace(CLIENT, client_name="x"), now=NOW))
            position = await store.read(lambda t: t.position())
            break_connections(postgres_database)
        await ledger.close()

    asyncio.run(run())


def test_a_connection_that_breaks_in_a_transaction_is_unavailable_and_nothing_was_written(
    postgres_database: PostgresDatabase,
) -> None:
    def work(transaction: Any) -> None:
        transaction.put(replace(TENANT, name="half"), now=NOW)
        break_connections(postgres_database)
        transaction.put(replace(TENANT, name="done"), now=NOW)

    async def run() -> None:
        store = SqlStore(postgres_database)
        await store.write(fill)
        with pytest.raises(StorageUnavailable):
            await store.write(work)
        assert await store.read(lambda t: t.find(type(TENANT))) == [TENANT]
        await store.write(lambda t: t.put(replace(TENANT, name="done"), now=NOW))

    asyncio.run(run())


def test_who_follows_is_woken_by_each_change_of_another_and_by_no_token(postgres_url: sa.URL) -> None:
    here, there = (open_postgres(postgres_url, AUDIT_KEY) for _ in range(2))
    woken: list[float] = []

    def wait_for(count: int) -> None:
        ends = time.monotonic() + PATIENCE
        while len(woken) < count:
            assert time.monotonic() < ends, "nobody was woken"
            time.sleep(0.005)

    async def run() -> None:
        store, ledger = SqlStore(here), SqlLedger(here, lambda: NOW)
        position = await store.write(fill)
        await asyncio.to_thread(wait_for, 2)
        for _ in range(3):
            assert await ledger.commit(issuance(position)) == Committed(())
        break_connections(there)  # it listens again by itself, and looks at once at what it may have missed
        await asyncio.to_thread(wait_for, 3)
        assert len(woken) == 3
        await store.write(lambda t: t.put(CLIENT, now=NOW))
        await asyncio.to_thread(wait_for, 4)
        await ledger.close()

    with there.following(lambda: woken.append(time.monotonic())) as follows:
        assert follows
        wait_for(1)
        asyncio.run(run())
    here.close()
    there.close()


def test_the_migrations_make_exactly_the_tables_of_the_program(empty: PostgresDatabase) -> None:
    schema.create(empty)

    def compare(connection: sa.Connection) -> Any:
        options = {
            "compare_type": True,
            "compare_server_default": True,
            "include_name": lambda name, *_: name not in {part.name for part in partitions(connection)},
        }
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    assert empty.reading(compare) == []
    other = (
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        " AND NOT starts_with(table_name, 'audit_event_')"
    )
    other += " AND data_type <> 'bigint' AND collation_name IS DISTINCT FROM 'C'"
    odd = empty.reading(lambda c: {tuple(row) for row in c.exec_driver_sql(other)})
    kept = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.c
        if isinstance(column.type, sa.Boolean | sa.Double)
    }
    assert odd == {*kept, ("alembic_version", "version_num")}


def test_nodes_that_start_together_create_the_tables_once(empty: PostgresDatabase) -> None:
    databases = [open_postgres(empty.engine.url.set(drivername="postgresql")) for _ in range(3)]
    assert create_together(databases) == []
    schema.check(empty)


def test_a_server_that_is_killed_loses_nothing_that_was_committed() -> None:
    server = postgres.Postgres()
    try:
        database = open_postgres(server.url(), AUDIT_KEY)
        schema.create(database)

        async def run() -> None:
            store, ledger = SqlStore(database), SqlLedger(database, lambda: NOW)
            position = await store.write(fill)
            for number in range(5):
                token = issuance(position, Allowance(A, 100), event=event(jti=f"a{number}"))
                assert await ledger.commit(token) == Committed((number + 1,))
            server.kill()
            with pytest.raises(StorageUnavailable):
                await ledger.commit(token)
            with pytest.raises(StorageUnavailable):
                await store.read(lambda t: t.position())
            server.start()
            assert await ledger.commit(token) == Committed((6,))
            assert len(await store.events(AuditQuery(limit=100))) == 6
            assert (await store.check_trail({})).faults == []
            await ledger.close()

        asyncio.run(run())
        database.close()
    finally:
        server.remove()
