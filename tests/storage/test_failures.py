"""A disk that is full, read-only or locked: refused in one sentence, nothing half-written, recovery by itself."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mintmark.authorization_server.ports import Allowance, AuditQuery, Committed, StorageUnavailable
from mintmark.storage.database import Database, unavailable_as_such
from mintmark.storage.engines.sqlite import open_sqlite
from mintmark.storage.ledger import SqlLedger
from mintmark.storage.store import SqlStore
from tests.storage.samples import AUDIT_KEY, CLIENT, DAY, NOW, TENANT, A, event, fill, issuance


@contextmanager
def full(database: Database) -> Iterator[None]:
    """No page can be added, as on a full disk."""

    def limit(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    sa.event.listen(database.engine, "connect", limit)
    database.engine.dispose()
    yield
    sa.event.remove(database.engine, "connect", limit)
    database.engine.dispose()


@contextmanager
def read_only(database: Database) -> Iterator[None]:
    """The file may only be read."""

    def refuse(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    sa.event.listen(database.engine, "connect", refuse)
    database.engine.dispose()
    yield
    sa.event.remove(database.engine, "connect", refuse)
    database.engine.dispose()


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Another program holds the write lock for longer than we wait."""
    other = sqlite3.connect(str(database.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


FAULTS = {"full": full, "read-only": read_only, "locked": locked}
SAID = {"full": "is full", "read-only": "readonly", "locked": "is locked"}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_token_is_issued_and_the_next_one_works_when_the_disk_does(
    sqlite_database: Database, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    async def run() -> None:
        store = SqlStore(sqlite_database)
        position = await store.write(fill)
        big = "x" * 4000
        with FAULTS[fault](sqlite_database):
            ledger = SqlLedger(sqlite_database, lambda: NOW, note_delay=3600.0)
            ledger.note(event(outcome="refused"))
            token = issuance(position, Allowance("a", 9), event=event(detail=big))
            outcomes = await asyncio.gather(*(ledger.commit(token) for _ in range(8)), return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [StorageUnavailable] * 8
            assert all(SAID[fault] in str(outcome) for outcome in outcomes)
        await ledger.flush()
        assert [one.outcome for _, one in await store.events(AuditQuery())] == ["refused"]
        assert await ledger.commit(issuance(position, Allowance("a", 9))) == Committed((1,))
        await ledger.close()

    with caplog.at_level(logging.WARNING, "mintmark.storage"):
        asyncio.run(run())
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert SAID[fault] in caplog.records[0].getMessage()


@pytest.mark.parametrize("fault", FAULTS)
def test_administration_is_refused_and_works_again(sqlite_database: Database, fault: str) -> None:
    async def run() -> None:
        store = SqlStore(sqlite_database)
        await store.write(fill)

        def work(transaction: Any) -> None:
            for n in range(100):
                transaction.add(replace(CLIENT, client_id=f"c{n}", client_name="x" * 1000), now=NOW)

        with FAULTS[fault](sqlite_database):
            with pytest.raises(StorageUnavailable, match=SAID[fault]):
                await store.write(work)
            assert await store.read(lambda t: t.find(type(TENANT))) == [TENANT]
        await store.write(work)

    asyncio.run(run())


def test_a_connection_that_could_only_read_is_not_used_again(sqlite_file: Path) -> None:
    """SQLite opens a file that it may not write for reading; such a connection stays that way."""
    database = open_sqlite(sqlite_file, AUDIT_KEY)
    opened: list[Any] = []

    def remember(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA query_only = ON")
        opened.append(connection)

    sa.event.listen(database.engine, "connect", remember)
    for _ in range(2):
        with pytest.raises(StorageUnavailable, match="readonly"):
            database.writing(lambda connection: connection.exec_driver_sql("DELETE FROM tenant"))
    sa.event.remove(database.engine, "connect", remember)
    database.writing(lambda connection: connection.exec_driver_sql("DELETE FROM tenant"))
    assert len(opened) == 2
    database.close()


@pytest.mark.usefixtures("earnest_sqlite")
def test_every_commit_is_synced_to_disk_but_what_is_written_aside(sqlite_file: Path) -> None:
    def mode(connection: sa.Connection) -> object:
        return connection.exec_driver_sql("PRAGMA synchronous").scalar_one()

    database = open_sqlite(sqlite_file, AUDIT_KEY)
    try:
        assert asyncio.run(database.write_aside(mode)) == 1  # NORMAL
        assert [database.writing(mode), database.reading(mode)] == [2, 2]  # FULL
    finally:
        database.close()


def test_what_fails_aside_costs_nobody_else_a_connection(sqlite_database: Database) -> None:
    opened: list[Any] = []
    sqlite_database.writing(lambda connection: connection.exec_driver_sql("DELETE FROM tenant"))
    sa.event.listen(sqlite_database.engine, "connect", lambda connection, _: opened.append(connection))
    with locked(sqlite_database), pytest.raises(StorageUnavailable, match="is locked"):
        asyncio.run(sqlite_database.write_aside(lambda _: None))
    sqlite_database.writing(lambda connection: connection.exec_driver_sql("DELETE FROM tenant"))
    assert opened == []


def test_a_database_that_is_none_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "mintmark.db"
    path.write_bytes(b"this is not a database, but long enough to be looked at" * 100)
    database = open_sqlite(path, AUDIT_KEY)
    with pytest.raises(StorageUnavailable, match="not a database"):
        database.reading(lambda connection: connection.exec_driver_sql("SELECT 1 FROM tenant"))
    database.close()


def test_refusals_wait_until_they_can_be_written(sqlite_database: Database) -> None:
    async def run() -> None:
        store = SqlStore(sqlite_database)
        await store.write(fill)
        ledger = SqlLedger(sqlite_database, lambda: NOW, note_delay=3600.0)
        with read_only(sqlite_database):
            for n in range(4):
                ledger.note(event(outcome="refused", reason=str(n)))
            await ledger.flush()
            assert await store.events(AuditQuery()) == []
        await ledger.flush()
        assert [one.reason for _, one in await store.events(AuditQuery())] == ["3", "2", "1", "0"]
        await ledger.close()

    asyncio.run(run())


def test_a_fault_of_our_own_refuses_its_batch_and_no_other(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        position = await SqlStore(sqlite_database).write(fill)
        ledger = SqlLedger(sqlite_database, lambda: NOW)
        with monkeypatch.context() as broken:
            broken.setattr("mintmark.storage.audit.cleaned", lambda event: 1 / 0)
            with pytest.raises(StorageUnavailable):
                await ledger.commit(issuance(position))
        assert await ledger.commit(issuance(position)) == Committed(())
        await ledger.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (
            sa.exc.OperationalError(
                "SELECT secret", {"secret": "s3cr3t"}, sqlite3.OperationalError("disk I/O error")
            ),
            True,
        ),
        (sa.exc.InternalError("x", {}, sqlite3.InternalError("broken")), True),
        (sa.exc.TimeoutError("no connection"), True),
        (sa.exc.DatabaseError("x", {}, sqlite3.DatabaseError("malformed")), True),
        (sa.exc.IntegrityError("x", {}, sqlite3.IntegrityError("unique")), False),
        (sa.exc.ProgrammingError("x", {}, sqlite3.ProgrammingError("bug")), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_what_is_the_databases_fault_counts_as_unavailable(raised: Exception, expected: bool) -> None:
    def provoke() -> None:
        with unavailable_as_such():
            raise raised

    with pytest.raises(StorageUnavailable if expected else type(raised)) as caught:
        provoke()
    if expected:
        assert "s3cr3t" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_quota_and_trail_agree_after_faults(sqlite_database: Database) -> None:
    async def run(fault: Callable[..., Any]) -> int:
        store = SqlStore(sqlite_database)
        ledger = SqlLedger(sqlite_database, lambda: NOW)
        position = await store.read(lambda t: t.position())
        token = issuance(position, Allowance(A, 10**6), event=event(detail="x" * 4000))
        good = await asyncio.gather(*(ledger.commit(token) for _ in range(5)))
        with fault(sqlite_database):
            await ledger.close()
            ledger = SqlLedger(sqlite_database, lambda: NOW)
            await asyncio.gather(*(ledger.commit(token) for _ in range(5)), return_exceptions=True)
        await ledger.close()
        return len(good)

    async def both() -> None:
        store = SqlStore(sqlite_database)
        await store.write(fill)
        issued = sum([await run(fault) for fault in FAULTS.values()])
        assert await store.read(lambda t: t.used(A, DAY)) == issued
        assert len(await store.events(AuditQuery(outcome="issued"))) == issued

    asyncio.run(both())
