"""One call of a command: the services, where the installation is, who acts; and running work in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from mintmark.authorization_server.administration import Act
from mintmark.authorization_server.ports import Transaction
from mintmark.cli.services import Opened, Place, Services

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Call:
    """`place` is worked out by the command frame from ``--config``, ``--directory`` and the environment."""

    services: Services = field(repr=False)
    place: Place
    actor: str
    as_json: bool = False

    @property
    def now(self) -> int:
        """The present second."""
        return int(self.services.clock())

    def administer(self, task: Callable[[Opened, Act], Awaitable[Result]]) -> Result:
        """Open the installation and run `task` in it. Raises what opening and the task raise."""

        async def run() -> Result:
            async with self.services.open(self.place) as opened:
                return await task(opened, opened.act(self.actor))

        return asyncio.run(run())

    def write(self, work: Callable[[Transaction, Act], Result]) -> Result:
        """Run `work` in one durable transaction."""

        async def task(opened: Opened, act: Act) -> Result:
            return await opened.store.write(lambda tx: work(tx, act))

        return self.administer(task)

    def read(self, work: Callable[[Transaction, int], Result]) -> Result:
        """Run `work` against one snapshot; it is handed the present second."""

        async def task(opened: Opened, act: Act) -> Result:
            return await opened.store.read(lambda tx: work(tx, act.now))

        return self.administer(task)
