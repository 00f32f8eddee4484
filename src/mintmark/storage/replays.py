"""Identifiers that were accepted and are not accepted again: in this process, or on the Valkey server that nodes share.

Whatever cannot be told for certain is `ReplayUnknown`, never yes: a memory that is full forgets nothing before its
time, and a server that is away or does not answer in time has perhaps accepted the identifier.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable

from mintmark.authorization_server.ports import ReplayCache, ReplayUnknown
from mintmark.storage.valkey_server import ValkeyAway, ValkeyServer

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
        now, name = self._clock(), _name(key)
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


class ValkeyReplays:
    """Implements `ports.ReplayCache` for all nodes. `own`: what this process has accepted, which it remembers even if
    the server forgets. `prefix`: how keys begin.
    """

    def __init__(self, server: ValkeyServer, own: ReplayCache, prefix: str) -> None:
        self._server = server
        self._own = own
        self._prefix = prefix

    async def accept_once(self, key: str, seconds: float) -> bool:
        """As the port says."""
        name = f"{self._prefix}once:{_name(key).hex()}"
        try:
            stored = await self._server.ask("SET", name, "", "NX", "PX", max(1, round(seconds * 1000)))
        except ValkeyAway as away:
            raise ReplayUnknown(f"Valkey is away: {away}") from None
        return bool(stored) and await self._own.accept_once(key, seconds)


def _name(key: str) -> bytes:
    """Short and of one length, whatever the identifier is."""
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
