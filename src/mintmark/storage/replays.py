"""Identifiers that were accepted in this process and are not accepted again.

Whatever cannot be told for certain is `ReplayUnknown`, never yes: a full memory forgets nothing before its time.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable

from mintmark.authorization_server.ports import ReplayUnknown

#: Identifiers that a process remembers; each costs about 200 bytes.
CAPACITY = 100_000


class MemoryReplays:
    """Implements `ports.ReplayCache` for one process. `clock`: seconds that nobody sets back."""

    def __init__(self, clock: Callable[[], float], capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._known: set[bytes] = set()
        self._ends: list[tuple[float, bytes]] = []

    async def accept_once(self, key: str, seconds: float) -> bool:
        """As the port says; never suspends."""
        now, name = self._clock(), name_of(key)
        while self._ends and self._ends[0][0] <= now:
            self._known.discard(heapq.heappop(self._ends)[1])
        if name in self._known:
            return False
        if len(self._known) >= self._capacity:
            raise ReplayUnknown("too many identifiers are remembered")
        self._known.add(name)
        heapq.heappush(self._ends, (now + seconds, name))
        return True

    def __len__(self) -> int:
        return len(self._known)


def name_of(key: str) -> bytes:
    """Short and of one length, whatever the identifier is."""
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
