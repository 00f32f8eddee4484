"""The pytest plugin: the fixture `fake_vendor`, which starts vendors and ends them after the test.

Loaded by pytest itself wherever Mintmark is installed, so it imports nothing else until a test asks for a vendor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mintmark.testing.vendor import FakeVendor


@pytest.fixture
def fake_vendor() -> Iterator[Callable[..., FakeVendor]]:
    """Start a vendor: ``vendor = fake_vendor("oleria")``; see `mintmark.testing.FakeVendor` for what it takes."""
    from mintmark.testing.vendor import FakeVendor

    with ExitStack() as running:

        def start(*arguments: object, **options: object) -> FakeVendor:
            vendor: FakeVendor = FakeVendor(*arguments, **options)  # type: ignore[arg-type]
            return running.enter_context(vendor)

        yield start
