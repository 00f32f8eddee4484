"""A fresh SQLite file per test, copied from one that was made once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mintmark.storage import schema
from mintmark.storage.database import Database, open_sqlite
from tests.storage.samples import AUDIT_KEY


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the tables and nothing in them."""
    path = tmp_path_factory.mktemp("empty") / "mintmark.db"
    database = open_sqlite(path)
    schema.create(database)
    database.close()
    return path


@pytest.fixture
def sqlite_file(empty_sqlite: Path, tmp_path: Path) -> Path:
    """A database file of this test's own."""
    path = tmp_path / "mintmark.db"
    shutil.copy(empty_sqlite, path)
    return path


@pytest.fixture
def sqlite_database(sqlite_file: Path) -> Iterator[Database]:
    """That file, opened."""
    database = open_sqlite(sqlite_file, AUDIT_KEY, busy_timeout=0.2)
    yield database
    database.close()
