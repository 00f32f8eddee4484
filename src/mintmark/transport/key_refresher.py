"""One thread per issuer that fetches keys before they grow old, and at once when somebody waits for an unknown one.

It starts with the first token of its issuer, ends with the guard, and starts anew in a forked child. Nobody who has
a known key ever meets its lock, and the lock is never held over a fetch.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from weakref import WeakSet

from mintmark.jose.jwk import KeyFault
from mintmark.resource_server.key_cache import KeyCache, unavailable
from mintmark.transport.key_fetch import Fetched, FetchFault

logger = logging.getLogger("mintmark.guard")
#: The clock may be set while the thread sleeps: it looks again after so many seconds at most.
LONGEST_SLEEP = 30.0


class KeyRefresher:
    """`fetch` raises FetchFault. `clock`: seconds since the epoch. `at_end`: what the thread does last."""

    def __init__(
        self,
        issuer: str,
        cache: KeyCache,
        fetch: Callable[[], Fetched],
        clock: Callable[[], float],
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._issuer, self._cache, self._fetch, self._clock = issuer, cache, fetch, clock
        self._at_end = at_end
        self._renew()
        _ALL.add(self)

    def _renew(self) -> None:
        self._lock = threading.Condition()
        self._started = False
        self._flight: Future[None] | None = None
        self._asked = self._closing = False

    def start(self) -> None:
        """Keep the keys fresh from now on."""
        with self._lock:
            if not self._started and not self._closing:
                self._started = True
                name = f"mintmark keys of {self._issuer}"
                threading.Thread(target=self._run, name=name, daemon=True).start()

    def wanted(self, kid: str | None) -> Future[None]:
        """A fetch in which `kid` may come, shared by all who wait. Raises OAuthError when that is decided already."""
        self.start()
        with self._lock:
            if self._closing:
                raise unavailable(1.0)
            self._cache.want(kid, self._clock(), under_way=self._flight is not None)
            if self._flight is None:
                self._flight = Future()
                self._asked = True
                self._lock.notify()
            return self._flight

    def close(self) -> None:
        """End the thread; who still waits is let go."""
        with self._lock:
            self._closing = True
            flight, self._flight = self._flight, None
            self._lock.notify()
        if flight is not None:
            flight.set_result(None)

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._asked and not self._closing:
                    seconds = self._cache.due(self._clock())
                    if seconds <= 0:
                        break
                    self._lock.wait(min(seconds, LONGEST_SLEEP))
                if self._closing:
                    break
                self._asked = False
                if self._flight is None:
                    self._flight = Future()
            self._refresh()
            with self._lock:
                flight, self._flight = self._flight, None
            if flight is not None:  # `close` may have taken it
                flight.set_result(None)
        self._at_end()

    def _refresh(self) -> None:
        asked_at = self._clock()
        try:
            fetched = self._fetch()
            with self._lock:
                self._cache.accept(fetched.document, fetched.lifetime, asked_at)
        except FetchFault as fault:
            self._failed(str(fault), fault.retry_after)
        except KeyFault as fault:
            self._failed(str(fault))
        except Exception as fault:  # the thread must outlive what nobody foresaw
            self._failed(type(fault).__name__)

    def _failed(self, fault: str, retry_after: float = 0.0) -> None:
        with self._lock:
            self._cache.fail(fault, self._clock(), retry_after)
        logger.warning("the keys of %s could not be fetched: %s", self._issuer, fault)


_ALL: WeakSet[KeyRefresher] = WeakSet()


def _after_fork() -> None:
    for refresher in list(_ALL):
        refresher._renew()


os.register_at_fork(after_in_child=_after_fork)
