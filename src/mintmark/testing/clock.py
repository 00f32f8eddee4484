"""The time of a fake vendor and of the sources made for it: real time, or time that moves only when it is told to."""

from __future__ import annotations

import threading
import time


class Clock:
    """Call it for the seconds since the epoch. `at`: where a clock that stands still begins; None follows real time.

    May be used from any thread.
    """

    def __init__(self, at: float | None = None) -> None:
        self._at = at
        self._ahead = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return (time.time() if self._at is None else self._at) + self._ahead

    def monotonic(self) -> float:
        """Seconds that never go back; they move along with the clock."""
        return (time.monotonic() if self._at is None else self._at) + self._ahead

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds. Raises ValueError when they are negative."""
        if not seconds >= 0:
            raise ValueError("a clock only moves on: the seconds must not be negative")
        with self._lock:
            self._ahead += seconds

    def sleep(self, seconds: float) -> None:
        """Wait so long; a clock that stands still moves on instead, so that no test waits."""
        if self._at is None:
            time.sleep(seconds)
        else:
            self.advance(seconds)
