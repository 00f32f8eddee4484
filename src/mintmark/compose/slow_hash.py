"""argon2id off the event loop: one at a time in one thread, behind a bounded queue.

Successes alone are remembered, for at most five minutes, under a hash keyed by this process that covers the stored
digest and the password; a changed password is a changed digest, and so forgotten at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from mintmark.authorization_server.ports import Busy
from mintmark.authorization_server.wider_limits import network_of

QUEUE = 64
#: Checks that one network may have waiting, so that nobody keeps the others out: an IPv4 address, an IPv6 /48.
PER_NETWORK = 4
SECONDS = 300.0
REMEMBERED = 10_000


class OneAtATime:
    """Implements the port `SlowHash`.

    `verify(digest, password)`: the slow check itself. `monotonic()`: seconds that only go forward.
    `key`: random bytes of this process.
    """

    def __init__(
        self,
        verify: Callable[[str, str], bool],
        monotonic: Callable[[], float],
        key: bytes,
        queue: int = QUEUE,
    ) -> None:
        self._verify = verify
        self._monotonic = monotonic
        self._key = key
        self._queue = queue
        self._waiting = 0
        self._waiting_of: dict[str, int] = {}
        self._known: dict[bytes, float] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="argon2id")

    async def verify(self, digest: str, password: str, peer: str) -> bool:
        """Whether `password` matches. Raises Busy when the queue is full, or the part that one network may fill."""
        mark = hmac.digest(
            self._key,
            hashlib.sha256(digest.encode()).digest() + password.encode("utf-8", "surrogatepass"),
            "sha256",
        )
        until = self._known.get(mark)
        if until is not None and self._monotonic() < until:
            return True
        network = _wide_network_of(peer)
        mine = self._waiting_of.get(network, 0)
        if self._waiting >= self._queue or mine >= PER_NETWORK:
            raise Busy
        self._waiting += 1
        self._waiting_of[network] = mine + 1
        try:
            right = await asyncio.get_running_loop().run_in_executor(
                self._thread, self._verify, digest, password
            )
        finally:
            self._waiting -= 1
            self._waiting_of[network] -= 1
            if not self._waiting_of[network]:
                del self._waiting_of[network]
        if right:
            self._remember(mark)
        return right

    def _remember(self, mark: bytes) -> None:
        now = self._monotonic()
        if len(self._known) >= REMEMBERED:
            self._known = {known: until for known, until in self._known.items() if now < until}
            if len(self._known) >= REMEMBERED:
                self._known.clear()
        self._known[mark] = now + SECONDS

    def close(self) -> None:
        """Let the running check end and start no other."""
        self._thread.shutdown(wait=True, cancel_futures=True)


def _wide_network_of(peer: str) -> str:
    """As `wider_limits.network_of`, but an IPv6 site (/48): one customer of a provider has 65,536 networks of /64."""
    network = network_of(peer)
    return ":".join(network.split(":")[:3]) if ":" in network else network
