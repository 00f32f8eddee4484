"""Every test: property tests have no deadline (a machine may be busy) and print how to repeat a failure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
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


@pytest.fixture(scope="session", autouse=True)
def earnest_sqlite() -> Iterator[Callable[[Any, object], None]]:
    """How SQLite's connections are set up in earnest. In this process they sync nothing to disk, for no test here cuts
    the power and a disk may be slow; programs that tests start do sync.
    """
    from mintmark.storage.engines import sqlite

    earnest = sqlite._configure

    def quickly(connection: Any, record: object) -> None:
        earnest(connection, record)
        connection.execute("PRAGMA synchronous = OFF")

    sqlite._configure = quickly
    yield earnest
    sqlite._configure = earnest
