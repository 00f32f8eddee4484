"""SQLite, in one file: write-ahead log, every commit synced to disk, one writer at a time over all processes.

A transaction that writes takes the file's write lock when it begins and waits for it in short, fair steps. What is
written aside needs the same lock, so it does not wait for the disk while it holds it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from mintmark.storage.database import ASIDE, WRITES, Database
from mintmark.storage.engines.one_table import OneTable

#: Seconds between two looks at the write lock.
_STEP = 0.0005
#: Seconds that what is written aside waits for the lock at most.
_ASIDE_PATIENCE = 1.0
#: Rows of one statement at most.
_LARGEST = 64


class SqliteDatabase(Database):
    """What `open_sqlite` opens. `path`: its file."""

    mark = "?"

    def __init__(
        self, engine: sa.Engine, aside: sa.Engine, path: Path, audit_key: bytes, readers: int
    ) -> None:
        super().__init__(engine, str(path), audit_key, readers)
        self.layout = OneTable()
        self.aside_engine = aside
        self.path = path

    def rows(self, table: str, names: Sequence[str], after: str = "") -> ValueLists:
        """One statement for each number of rows, so that few statements do the work of many."""
        return ValueLists(table, names, after)

    def announce(self, connection: sa.Connection) -> None:
        """Nobody can be woken: whoever follows the change log looks often."""

    def renumber(self, connection: sa.Connection) -> None:
        """Nothing to do: the next number follows the largest one."""

    def take_time(self, connection: sa.Connection) -> None:
        """Nothing is ended here."""

    def now(self, connection: sa.Connection) -> float:  # noqa: ARG002 - as every engine
        """This machine's."""
        return time.time()

    def size(self, connection: sa.Connection) -> int:
        """Without the write-ahead log."""
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())

    def back_up(self, target: Path) -> None:
        """Copy the running database into the new file `target` (mode 0600), complete and synced to disk.

        Raises FileExistsError.
        """
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.close(descriptor)
        with self.engine.connect() as connection:
            source = connection.connection.driver_connection
            copy = sqlite3.connect(target)
            try:
                source.backup(copy)  # type: ignore[union-attr]
                copy.execute("PRAGMA journal_mode = DELETE")
            finally:
                copy.close()
        for path in (target, target.parent):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class ValueLists:
    """Statements of 1 to 64 rows, each prepared once by the driver."""

    def __init__(self, table: str, names: Sequence[str], after: str) -> None:
        row = f"({', '.join('?' * len(names))})"
        head = f"INSERT INTO {table} ({', '.join(names)}) VALUES "  # noqa: S608 - names of ours
        self._statements = [f"{head}{', '.join([row] * size)} {after}" for size in range(1, _LARGEST + 1)]

    def write(self, cursor: Any, rows: Sequence[tuple[Any, ...]], each: Callable[[], object] = int) -> None:
        """Insert `rows`, 64 at a time."""
        for start in range(0, len(rows), _LARGEST):
            some = rows[start : start + _LARGEST]
            cursor.execute(self._statements[len(some) - 1], tuple(chain.from_iterable(some)))
            each()


def open_sqlite(
    path: Path, audit_key: bytes = b"", *, busy_timeout: float = 5.0, readers: int = 2
) -> SqliteDatabase:
    """The database in the file `path`, with references enforced.

    `audit_key`: as `Database` has it.
    `busy_timeout`: seconds that a writer waits for another process's transaction before StorageUnavailable.
    """
    engine = _engine(path, busy_timeout, readers + 2)
    event.listen(engine, "connect", _configure)
    aside = _engine(path, min(busy_timeout, _ASIDE_PATIENCE), 1).execution_options(**{WRITES: ASIDE})
    event.listen(aside, "connect", _configure_aside)
    return SqliteDatabase(engine, aside, path, audit_key, readers)


def _engine(path: Path, busy_timeout: float, connections: int) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite+pysqlite", database=str(path)),
        hide_parameters=True,
        pool_size=connections,
        max_overflow=2,
        connect_args={
            "timeout": busy_timeout,
            "isolation_level": None,
            "check_same_thread": False,
            "cached_statements": 256,
        },
    )

    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get(WRITES, False):
            _begin_writing(connection, busy_timeout)
        else:
            connection.exec_driver_sql("BEGIN")

    event.listen(engine, "begin", begin)
    return engine


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


def _configure_aside(connection: Any, record: object) -> None:
    _configure(connection, record)
    # What is committed is in order after a crash, and the newest of it may be gone.
    connection.execute("PRAGMA synchronous = NORMAL")


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
