"""Every test: property tests have no deadline (a machine may be busy) and print how to repeat a failure."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

settings.register_profile(
    "mintmark", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("mintmark")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Programs set up logging for their whole process; a test that runs one leaves nothing of it to the next."""
    names = ("", "mintmark", "uvicorn.error")
    before = [(logging.getLogger(name).level, list(logging.getLogger(name).handlers)) for name in names]
    yield
    for name, (level, handlers) in zip(names, before, strict=True):
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).handlers[:] = handlers


def _quickly(connection: Any, *_: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture(scope="session", autouse=True)
def _quick_sqlite() -> Iterator[None]:
    """SQLite syncs nothing to disk in this process, for no test here cuts the power and a disk may be slow; programs
    that tests start do sync.
    """
    sa.event.listen(sa.Pool, "checkout", _quickly)
    yield
    sa.event.remove(sa.Pool, "checkout", _quickly)


@pytest.fixture
def earnest_sqlite() -> Iterator[None]:
    """SQLite as servers have it."""
    sa.event.remove(sa.Pool, "checkout", _quickly)
    yield
    sa.event.listen(sa.Pool, "checkout", _quickly)
