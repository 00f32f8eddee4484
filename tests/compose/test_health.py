"""What a process says of itself: who does not know what the others did is not ready, though the database answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mintmark.compose.health import Health


class Answers:
    """A database that answers whatever it is asked."""

    async def read(self, work: Any) -> None:
        del work


@pytest.mark.parametrize("lag", [0.0, 12.3])
def test_a_node_that_cannot_follow_the_others_is_not_ready(lag: float) -> None:
    nothing: Mapping[str, Any] = {}
    directory = SimpleNamespace(
        current=lag == 0, following=SimpleNamespace(lag=lag), environments=lambda: nothing
    )
    health = Health(
        cast(Any, Answers()), None, cast(Any, directory), commits=lambda: True, clock=lambda: 1_700_000_000.0
    )
    checks = {check.name: check for check in asyncio.run(_checks(health))}
    assert checks["database"].state == "ok"
    assert checks["changes"].state == ("failed" if lag else "ok")
    assert ("for 12 seconds" in checks["changes"].reason) is bool(lag)


async def _checks(health: Health) -> Any:
    return await health.checks()
