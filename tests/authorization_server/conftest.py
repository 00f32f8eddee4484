"""Fixtures of the issuing role's tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.authorization_server.world import World, world

Scenario = Callable[[World], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Scenario], None]:
    """Run a scenario against a fresh server."""

    def run(scenario: Scenario) -> None:
        async def main() -> None:
            async with world(tmp_path) as server:
                await scenario(server)

        asyncio.run(main())

    return run
