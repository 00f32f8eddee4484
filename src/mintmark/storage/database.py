"""One database for a process: its engine, one thread that writes, a few that read, and what counts as unavailable.

Units of work run on these threads with a synchronous connection, so that a whole transaction costs the event loop
one hop and no lock is ever held across an await. A connection that failed is thrown away, never reused.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event

from mintmark.authorization_server.ports import StorageUnavailable

Result = TypeVar("Result")

#: Execution option: this transaction will write, so it takes SQLite's write lock when it begins, not half-way.
_WRITES = "mintmark_writes"
#: Seconds between two looks at SQLite's write lock.
_STEP = 0.0005


class Database:
    """An engine with its threads. Close it last: `close` waits for what runs.

    `audit_key`: 32 bytes that the links of the audit trail are made with (crypto/audit_chain.py); without them no
    event can be written.
    """

    def __init__(self, engine: sa.Engine, audit_key: bytes, readers: int = 2) -> None:
        self.engine = engine
        self.audit_key = audit_key
        self.write_engine = engine.execution_options(**{_WRITES: True})
        self.writer = ThreadPoolExecutor(1, thread_name_prefix="mintmark-write")
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="mintmark-read")

    async def read(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` on a reading thread against one snapshot. Raises StorageUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.reading, work)

    async def write(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run `work` on the writing thread in one durable transaction. Raises StorageUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self.writer, self.writing, work)

    def reading(self, work: Callable[[sa.Connection], Result]) -> Result:
        """As `read`, on the calling thread."""
        with unavailable_as_such(), self.engine.connect() as connection, connection.begin():
            return work(connection)

    def writing(self, work: Callable[[sa.Connection], Result]) -> Result:
        """As `write`, on the calling thread."""
        with unavailable_as_such(), self.write_engine.connect() as connection:
            try:
                with connection.begin():
                    return work(connection)
            except sa.exc.OperationalError:
                connection.invalidate()
                self.forget_connections()
                raise

    def forget_connections(self) -> None:
        """After a failed write: begin with new connections, for one opened while a file could only be read stays so."""
        self.engine.dispose()

    def close(self) -> None:
        """Let running work end, then close every connection."""
        self.writer.shutdown()
        self._readers.shutdown()
        self.engine.dispose()


@contextlib.contextmanager
def unavailable_as_such() -> Iterator[None]:
    """Turn what a driver raises when nothing can be read or written into StorageUnavailable, in one sentence."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except (sa.exc.OperationalError, sa.exc.InternalError, sa.exc.TimeoutError) as error:
        raise StorageUnavailable(sentence_of(getattr(error, "orig", None) or error)) from None
    except sa.exc.DatabaseError as error:
        if type(error) is not sa.exc.DatabaseError:
            raise
        raise StorageUnavailable(sentence_of(error.orig or error)) from None


def sentence_of(error: BaseException) -> str:
    """What the database said, without statement and values."""
    said = str(error.args[0] if error.args else error).strip().splitlines()
    return f"The database cannot be used: {said[0] if said else type(error).__name__}."


def open_sqlite(
    path: Path, audit_key: bytes = b"", *, busy_timeout: float = 5.0, readers: int = 2
) -> Database:
    """The SQLite database in the file `path`: write-ahead log, every commit synced to disk, references enforced.

    `audit_key`: as `Database` has it.
    `busy_timeout`: seconds that a writer waits for another process's transaction before StorageUnavailable.
    """
    engine = sa.create_engine(
        sa.URL.create("sqlite+pysqlite", database=str(path)),
        hide_parameters=True,
        pool_size=readers + 2,
        max_overflow=2,
        connect_args={
            "timeout": busy_timeout,
            "isolation_level": None,
            "check_same_thread": False,
            "cached_statements": 256,
        },
    )

    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get(_WRITES, False):
            _begin_writing(connection, busy_timeout)
        else:
            connection.exec_driver_sql("BEGIN")

    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", begin)
    return Database(engine, audit_key, readers)


def _configure(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    try:
        # Only a new file takes it: a token dirties a page of the counts, and half a page costs half.
        cursor.execute("PRAGMA page_size = 2048")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA synchronous = FULL")
        # What a statement would need to undo itself stays in memory, else a large group makes and deletes a file.
        cursor.execute("PRAGMA temp_store = MEMORY")
        cursor.execute("PRAGMA cache_size = -4000")
        cursor.execute("PRAGMA wal_autocheckpoint = 8000")
        # Fails on a file that may only be read, which is in this mode already or will refuse each write anyway.
        with contextlib.suppress(connection.OperationalError):
            cursor.execute("PRAGMA journal_mode = WAL")
    finally:
        cursor.close()


def _begin_writing(connection: sa.Connection, busy_timeout: float) -> None:
    """Wait for the write lock in short steps, because SQLite's own steps grow to 0.1 s: unfair among busy workers."""
    deadline = time.monotonic() + busy_timeout
    driver = connection.connection.driver_connection
    driver.execute("PRAGMA busy_timeout = 0")  # type: ignore[union-attr]
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")  # type: ignore[union-attr]
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    break
            time.sleep(_STEP)
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # Once more, to fail in SQLAlchemy's own way.
    finally:
        driver.execute(f"PRAGMA busy_timeout = {int(busy_timeout * 1000)}")  # type: ignore[union-attr]
