"""Moving a whole database: equal there and back, taken up again where it ended, never into what is somebody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mintmark.authorization_server.ports import Allowance, Committed
from mintmark.storage import moving, portable, schema, sealing_key
from mintmark.storage.database import Database
from mintmark.storage.engines.postgres import PostgresDatabase, open_postgres
from mintmark.storage.engines.sqlite import SqliteDatabase, open_sqlite
from mintmark.storage.ledger import SqlLedger
from mintmark.storage.store import SqlStore
from tests import postgres
from tests.storage.samples import AUDIT_KEY, NOW, A, event, fill, issuance


def nothing(done: int, whole: int) -> None:
    """Nobody looks at the progress."""


def filled(database: Database, tokens: int = 30) -> Database:
    async def work() -> None:
        store, ledger = SqlStore(database), SqlLedger(database, lambda: NOW)
        position = await store.write(fill)
        for number in range(tokens):
            detail = ["plain", 'a "quoted" \\ one', "ünï ☃", ""][number % 4]
            token = event(jti=f"j{number}", detail=detail, at=NOW + number / 7)
            given = await ledger.commit(issuance(position, Allowance(A, 100), event=token))
            assert isinstance(given, Committed)
        await ledger.close()

    sealing_key.claim(database, "the-key")
    asyncio.run(work())
    return database


def rows_of(database: Database) -> dict[str, list[list[Any]]]:
    def work(connection: sa.Connection) -> dict[str, list[list[Any]]]:
        return {
            table.name: [list(row) for page in portable.pages(connection, table) for row in page]
            for table in portable.tables()
        }

    return database.reading(work)


@pytest.fixture
def back(tmp_path: Path) -> Any:
    database = open_sqlite(tmp_path / "back.db", AUDIT_KEY)
    yield database
    database.close()


@pytest.fixture
def empty_postgres(postgres_server: sa.URL) -> Any:
    with postgres.database(postgres_server) as url:
        database = open_postgres(url, AUDIT_KEY)
        yield database
        database.close()


def test_what_went_to_postgresql_and_back_is_equal_and_goes_on(
    sqlite_database: SqliteDatabase, empty_postgres: PostgresDatabase, back: SqliteDatabase
) -> None:
    before = rows_of(filled(sqlite_database))
    told: list[tuple[int, int]] = []
    there = moving.move(sqlite_database, empty_postgres, lambda done, whole: told.append((done, whole)))
    assert told[-1] == (2 * sum(there.rows.values()), 2 * sum(there.rows.values()))
    assert rows_of(empty_postgres) == before
    again = moving.move(empty_postgres, back, nothing)
    assert rows_of(back) == before
    assert again == there

    async def go_on(database: Database) -> None:
        store, ledger = SqlStore(database), SqlLedger(database, lambda: NOW)
        position = await store.read(lambda t: t.position())
        assert await ledger.commit(issuance(position, Allowance(A, 100))) == Committed((31,))
        await ledger.close()
        await store.write(lambda t: t.revoke("acme/production", _revocation(), now=NOW))
        assert await store.read(lambda t: t.position()) > position
        assert (await store.check_trail({})).faults == []

    for database in (empty_postgres, back):
        schema.check(database)
        asyncio.run(go_on(database))


def _revocation() -> Any:
    from mintmark.values.revocation import Revocation

    return Revocation("token", "j1", int(NOW) + 600)


class Killed(BaseException):
    """Ends a move as a kill does."""


def killed_after(rows: int) -> Callable[[int, int], None]:
    def progress(done: int, whole: int) -> None:
        if done >= rows:
            raise Killed

    return progress


def test_a_move_that_was_interrupted_is_taken_up_again_and_not_served_meanwhile(
    sqlite_database: SqliteDatabase, empty_postgres: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows_of(filled(sqlite_database))
    monkeypatch.setattr(portable.pages, "__defaults__", (None, 7))
    whole = sum(map(len, before.values()))
    for rows in (3, whole // 2, whole + 1):
        with pytest.raises(Killed):
            moving.move(sqlite_database, empty_postgres, killed_after(rows))
        with pytest.raises(schema.SchemaMismatch, match="repeat the `mintmark migrate-store`"):
            schema.check(empty_postgres)
    moving.move(sqlite_database, empty_postgres, nothing)
    assert rows_of(empty_postgres) == before
    schema.check(empty_postgres)


def test_nothing_is_replaced(sqlite_database: SqliteDatabase, postgres_database: PostgresDatabase) -> None:
    filled(sqlite_database)
    filled(postgres_database, 1)
    with pytest.raises(moving.MoveFault, match="there is something already"):
        moving.move(sqlite_database, postgres_database, nothing)


def test_a_copy_of_another_installation_is_not_gone_on_with(
    sqlite_database: SqliteDatabase, empty_postgres: PostgresDatabase, back: SqliteDatabase
) -> None:
    filled(sqlite_database)
    with pytest.raises(Killed):
        moving.move(
            sqlite_database, empty_postgres, killed_after(sum(map(len, rows_of(sqlite_database).values())))
        )
    schema.create(back)
    sealing_key.claim(back, "another-key")
    with pytest.raises(moving.MoveFault, match="another installation"):
        moving.move(back, empty_postgres, nothing)


def test_a_source_that_was_changed_meanwhile_is_found_out(
    sqlite_database: SqliteDatabase, empty_postgres: PostgresDatabase
) -> None:
    filled(sqlite_database)
    with pytest.raises(Killed):
        moving.move(
            sqlite_database, empty_postgres, killed_after(sum(map(len, rows_of(sqlite_database).values())))
        )
    sqlite_database.writing(lambda c: c.exec_driver_sql("UPDATE client SET client_name = 'changed'"))
    with pytest.raises(moving.MoveFault, match=r"the table 'client' .* begin anew"):
        moving.move(sqlite_database, empty_postgres, nothing)
    with pytest.raises(schema.SchemaMismatch):
        schema.check(empty_postgres)
