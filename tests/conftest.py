"""Every test: property tests have no deadline (a machine may be busy) and print how to repeat a failure."""

from __future__ import annotations

import logging
from collections.abc import Iterator

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
