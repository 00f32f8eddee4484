"""The engines that the contract is held to. A new engine is one more entry of ENGINES."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from mintmark.storage.database import Database
from mintmark.storage.engines.postgres import open_postgres
from mintmark.storage.engines.sqlite import open_sqlite
from mintmark.storage.store import SqlStore
from tests.storage.samples import AUDIT_KEY

Open = Callable[[], Database]


@contextlib.contextmanager
def on_sqlite(request: pytest.FixtureRequest) -> Iterator[Open]:
    path = request.getfixturevalue("sqlite_file")
    yield lambda: open_sqlite(path, AUDIT_KEY)


@contextlib.contextmanager
def on_postgres(request: pytest.FixtureRequest) -> Iterator[Open]:
    url = request.getfixturevalue("postgres_url")
    yield lambda: open_postgres(url, AUDIT_KEY)


ENGINES = {"sqlite": on_sqlite, "postgres": on_postgres}


@pytest.fixture(params=sorted(ENGINES))
def open_database(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens the same empty database again and again, as several processes would; all are closed in the end."""
    opened: list[Database] = []
    with ENGINES[request.param](request) as open_one:

        def open_and_remember() -> Database:
            opened.append(open_one())
            return opened[-1]

        yield open_and_remember
        for database in opened:
            database.close()


@pytest.fixture
def database(open_database: Open) -> Database:
    """An empty database with its tables."""
    return open_database()


@pytest.fixture
def store(database: Database) -> SqlStore:
    """The store on `database`."""
    return SqlStore(database)
