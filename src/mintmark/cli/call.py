"""One call of a command: the services, where the installation is, who acts; and running operations in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from mintmark.authorization_server.administration import Act
from mintmark.authorization_server.administration.access import Principal
from mintmark.authorization_server.administration.operation import Operation
from mintmark.authorization_server.ports import Transaction
from mintmark.cli.services import Administration, Place, Services

Result = TypeVar("Result")
Given = TypeVar("Given")
Made = TypeVar("Made")


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

    def run(self, operation: Operation[Given, Made], given: Given) -> Made:
        """Run an operation as the installation itself. Raises what opening it and the operation raise."""

        async def task(opened: Administration, act: Act) -> Made:
            return await opened.run(operation, Principal.installation(act.actor), given)

        return self.administer(task)

    def administer(self, task: Callable[[Administration, Act], Awaitable[Result]]) -> Result:
        """Open the installation and run `task` in it. Raises what opening and the task raise."""

        async def run() -> Result:
            async with self.services.open(self.place) as opened:
                return await task(opened, opened.act(self.actor))

        return asyncio.run(run())

    def write(self, work: Callable[[Transaction, Act], Result]) -> Result:
        """Run `work` in one durable transaction."""

        async def task(opened: Administration, act: Act) -> Result:
            return await opened.store.write(lambda tx: work(tx, act))

        return self.administer(task)

    def read(self, work: Callable[[Transaction, int], Result]) -> Result:
        """Run `work` against one snapshot; it is handed the present second."""

        async def task(opened: Administration, act: Act) -> Result:
            return await opened.store.read(lambda tx: work(tx, act.now))

        return self.administer(task)
