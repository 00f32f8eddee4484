"""A fresh SQLite file or PostgreSQL database per test, copied from one that was made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from mintmark.storage import schema
from mintmark.storage.engines.postgres import PostgresDatabase, open_postgres
from mintmark.storage.engines.sqlite import SqliteDatabase, open_sqlite
from tests import postgres
from tests.databases import with_tables
from tests.storage.samples import AUDIT_KEY


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    """A database file of this test's own."""
    return with_tables(tmp_path / "mintmark.db")


@pytest.fixture
def sqlite_database(sqlite_file: Path) -> Iterator[SqliteDatabase]:
    """That file, opened."""
    database = open_sqlite(sqlite_file, AUDIT_KEY, busy_timeout=0.2)
    yield database
    database.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[sa.URL]:
    """A PostgreSQL of this process's own, or the one that MINTMARK_TEST_POSTGRES names."""
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_tables(postgres_server: sa.URL) -> Iterator[sa.URL]:
    """A database there with the tables, which tests use one after another: emptying is faster than making one."""
    with postgres.database(postgres_server) as url:
        database = open_postgres(url)
        schema.create(database)
        database.close()
        yield url


@pytest.fixture
def empty(postgres_server: sa.URL) -> Iterator[PostgresDatabase]:
    """A database there without any table, opened."""
    with postgres.database(postgres_server) as url:
        database = open_postgres(url, AUDIT_KEY)
        yield database
        database.close()


@pytest.fixture
def postgres_url(postgres_tables: sa.URL) -> sa.URL:
    """A database with the tables and nothing in them."""
    postgres.empty(postgres_tables)
    return postgres_tables


@pytest.fixture
def postgres_database(postgres_url: sa.URL) -> Iterator[PostgresDatabase]:
    """That database, opened."""
    database = open_postgres(postgres_url, AUDIT_KEY)
    yield database
    database.close()
