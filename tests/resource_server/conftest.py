"""A loopback issuer for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.resource_server.loopback import LoopbackIssuer


@pytest.fixture
def issuer() -> Iterator[LoopbackIssuer]:
    made = LoopbackIssuer()
    yield made
    made.close()
