"""The world is made once per process: its guards keep nothing that one test could leave to another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mintmark.compose.guard import Guard
from tests.transport.guards.world import AUDIENCE, ISSUER, World, issuer, tokens


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with issuer() as url:
        guard = Guard(ISSUER, AUDIENCE, jwks_uri=f"{url}/jwks.json")
        cut_off = Guard(ISSUER, AUDIENCE, jwks_uri="http://127.0.0.1:9/jwks.json")  # nobody listens there
        yield World(guard, cut_off, tokens())
        guard.close()
        cut_off.close()
