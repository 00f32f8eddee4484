"""Retention by itself: what the settings let go, and what an operator is told of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from mintmark.compose.background import DAY, Background
from mintmark.config import Settings
from mintmark.storage.engines.sqlite import SqliteDatabase, open_sqlite
from mintmark.storage.store import SqlStore
from mintmark.storage.trail import Trail
from tests.databases import with_tables
from tests.storage.samples import AUDIT_KEY, event


class Heard:
    """A log that remembers."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, dict[str, Any]]] = []

    def info(self, name: str, **more: Any) -> None:
        self.said.append(("info", name, more))

    def warning(self, name: str, **more: Any) -> None:
        self.said.append(("warning", name, more))

    def error(self, name: str, **more: Any) -> None:
        self.said.append(("error", name, more))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    database = open_sqlite(with_tables(tmp_path / "mintmark.db"), AUDIT_KEY)
    trail = Trail(database)

    def append(connection: sa.Connection, at: float) -> None:
        with closing(connection.connection.cursor()) as cursor:
            trail.append(cursor, [event(at=at)] * 50)

    for days in (9, 8, 7, 0):
        database.writing(lambda connection, days=days: append(connection, time.time() - days * DAY))  # type: ignore[misc]
    yield database
    database.close()


def trimmed(database: SqliteDatabase, **settings: int) -> tuple[list[tuple[str, str, int]], Background]:
    log = Heard()
    installation: Any = SimpleNamespace(store=SqlStore(database))
    background = Background(installation, lambda: Settings(**settings), log)  # type: ignore[arg-type]
    asyncio.run(background.trim())
    return [(level, name, more.get("events", 0)) for level, name, more in log.said], background


def test_without_a_limit_the_trail_is_measured_and_nothing_else(database: SqliteDatabase) -> None:
    said, background = trimmed(database)
    assert said == []
    assert background.trail.bytes > 0
    assert not background.trail.removed["bytes"]


def test_whichever_limit_is_reached_first_counts_and_the_one_in_bytes_is_said_aloud(
    database: SqliteDatabase,
) -> None:
    size = trimmed(database)[1].trail.bytes
    said, background = trimmed(database, audit_keep_days=300, audit_keep_bytes=size * 6 // 10)
    assert said == [("warning", "audit_trimmed_for_bytes", 100)]
    assert background.trail.removed == {"bytes": 100}
    assert background.trail.bytes <= size * 6 // 10
    said, background = trimmed(database, audit_keep_days=3, audit_keep_bytes=size)
    assert said == [("info", "audit_trimmed", 50)]
    assert background.trail.removed == {"age_or_number": 50}


def test_what_must_stay_though_it_is_too_much_is_said(database: SqliteDatabase) -> None:
    said, _ = trimmed(database, audit_keep_bytes=1)
    assert said == [("warning", "audit_trimmed_for_bytes", 150), ("warning", "audit_beyond_bytes", 0)]
