"""One database for a process: its engine, one thread that writes, a few that read, and what counts as unavailable.

Units of work run on these threads with a synchronous connection, so that a whole transaction costs the event loop
one hop and no lock is ever held across an await. A connection that failed is thrown away, never reused.
"""

from __future__ import annotations

import asyncio
import contextlib
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


class Database:
    """An engine with its threads. Close it last: `close` waits for what runs."""

    def __init__(self, engine: sa.Engine, readers: int = 2) -> None:
        self.engine = engine
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


def open_sqlite(path: Path, *, busy_timeout: float = 5.0, readers: int = 2) -> Database:
    """The SQLite database in the file `path`: write-ahead log, every commit synced to disk, references enforced.

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
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return Database(engine, readers)


def _configure(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA cache_size = -4000")
        cursor.execute("PRAGMA wal_autocheckpoint = 4000")
        # Fails on a file that may only be read, which is in this mode already or will refuse each write anyway.
        with contextlib.suppress(connection.OperationalError):
            cursor.execute("PRAGMA journal_mode = WAL")
    finally:
        cursor.close()


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
