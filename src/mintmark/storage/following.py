"""Following the change log: a look every so often and whenever one is called for, and how long ago the last one was.

A node that could not look for too long must not speak as if it knew what the others did.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from mintmark.authorization_server.ports import StorageUnavailable

_log = logging.getLogger("mintmark.storage")
#: Seconds without a look after which a node is behind. A signing key is published for at least ten minutes before it
#: signs (`config.py`): for this, for what verifiers cache (`metadata.py`), and for load balancers to hear of it.
LONGEST_LAG = 10.0


class Following:
    """`catch_up()`: applies what the change log has now. Raises StorageUnavailable."""

    def __init__(self, catch_up: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._catch_up = catch_up
        self._begun = False
        self._one = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None
        self._as_of = time.monotonic()

    @property
    def lag(self) -> float:
        """Seconds since everything was known; 0 before anybody follows."""
        return time.monotonic() - self._as_of if self._begun else 0.0

    @property
    def current(self) -> bool:
        """Whether `lag` is within bounds."""
        return self.lag < LONGEST_LAG

    async def look(self) -> None:
        """Catch up with all that was committed before now. Raises StorageUnavailable."""
        await asyncio.shield(self._soon())

    async def settle(self, seconds: float) -> bool:
        """As `look`; whether it could be done within so many seconds."""
        looking = self._soon()
        await asyncio.wait((looking,), timeout=seconds)
        return looking.done() and not looking.cancelled() and looking.exception() is None

    def _soon(self) -> asyncio.Task[None]:
        """The look that begins next. However many ask, one is under way and one waits, which is shared, with its
        failure, by all who come before it begins. It ends by itself, whoever has stopped waiting for it.
        """
        if self._next is None:
            self._next = asyncio.ensure_future(self._turn())
            self._next.add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._next

    async def _turn(self) -> None:
        async with self._one:
            self._next = None
            as_of = time.monotonic()
            await self._catch_up()
            self._as_of = as_of

    async def forever(self, interval: float, wake: asyncio.Event) -> None:
        """Look every `interval` seconds and whenever `wake` is set, until cancelled, even while nothing can be read."""
        self._begun = reachable = True
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), interval)
            wake.clear()
            try:
                await self.look()
            except StorageUnavailable as error:
                if reachable:
                    _log.error("Changes by other processes cannot be read. %s", error)
                reachable = False
            else:
                reachable = True
