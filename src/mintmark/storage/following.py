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
    """`look()`: catches up with the change log now, and says so by `looked`. Raises StorageUnavailable."""

    def __init__(self, look: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._look = look
        self._begun = False
        self._one = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None
        self._as_of = time.monotonic()

    def looked(self, as_of: float) -> None:
        """All that was committed before `as_of` (monotonic seconds) is known."""
        self._as_of = as_of

    @property
    def lag(self) -> float:
        """Seconds since everything was known; 0 before anybody follows."""
        return time.monotonic() - self._as_of if self._begun else 0.0

    @property
    def current(self) -> bool:
        """Whether `lag` is within bounds."""
        return self.lag < LONGEST_LAG

    async def settle(self, patience: float) -> bool:
        """Catch up with all that was committed before now; whether that could be done within `patience` seconds."""
        looking = self._next
        if looking is None:
            looking = self._next = asyncio.ensure_future(self._look_next())
            # A look that hangs is left to end by itself: cancelled, it would let the next one hang beside it.
            looking.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait((looking,), timeout=patience)
        return looking.done() and not looking.cancelled() and looking.exception() is None

    async def _look_next(self) -> None:
        """However many ask, one look is under way and one waits, which all share who come before it begins."""
        async with self._one:
            self._next = None
            await self._look()

    async def forever(self, interval: float, wake: asyncio.Event) -> None:
        """Look every `interval` seconds and whenever `wake` is set, until cancelled, even while nothing can be read."""
        self._begun = reachable = True
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), interval)
            wake.clear()
            try:
                await self._look()
            except StorageUnavailable as error:
                if reachable:
                    _log.error("Changes by other processes cannot be read. %s", error)
                reachable = False
            else:
                reachable = True
