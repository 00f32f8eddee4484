"""One call of a command: the services, where the installation is, who acts; and running operations in it.

An operation runs in the installation's own database or, with ``--server``, through the admin API of a running server;
what it answers is the same rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from mintmark.authorization_server.administration import Act
from mintmark.authorization_server.administration.access import Principal
from mintmark.authorization_server.administration.operation import Operation
from mintmark.authorization_server.administration.showing import row
from mintmark.cli.services import Administration, Place, Services, UsageFault

Result = TypeVar("Result")
Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Call:
    """`place` is worked out by the command frame from the options and the environment."""

    services: Services = field(repr=False)
    place: Place
    actor: str
    as_json: bool = False

    @property
    def now(self) -> int:
        """The present second."""
        return int(self.services.clock())

    def run(self, operation: Operation[Given, Any], given: Given) -> Any:
        """The row of what the operation makes, a list of rows for a list, None for nothing.

        In place it runs as the installation itself. Raises what opening it, or the server, and the operation raise.
        """
        if self.place.server is not None:
            # Imported here: it brings every operation, which other commands need not wait for.
            from mintmark.cli import remote

            return remote.run(self.services.remote(self.place), operation, given)

        async def task(opened: Administration, act: Act) -> Any:
            return await opened.run(operation, Principal.installation(act.actor), given)

        made = self.administer(task)
        if made is None:
            return None
        return [row(each) for each in made] if isinstance(made, list) else row(made)

    def change(self, operation: Operation[Given, Any], given: Given) -> Any:
        """As `run`. Raises UsageFault when everything that `given` could change is None: then nothing was asked for."""
        values: Any = given
        if all(getattr(given, each.name) is None for each in fields(values) if each.default is None):
            raise UsageFault("Nothing was given to change: name at least one option (see --help).")
        return self.run(operation, given)

    def administer(self, task: Callable[[Administration, Act], Awaitable[Result]]) -> Result:
        """Open the installation and run `task` in it. Raises what opening and the task raise, UsageFault with
        ``--server``.
        """
        if self.place.server is not None:
            raise UsageFault("This command works where the database is: run it there, without --server.")

        async def run() -> Result:
            async with self.services.open(self.place) as opened:
                return await task(opened, opened.act(self.actor))

        return asyncio.run(run())
