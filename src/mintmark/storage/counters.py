"""Short-window rate limits in memory: the generic cell rate algorithm, one number per key, bounded in keys.

`limit` units fit into `period` seconds and flow back evenly. When there are too many keys, those that are full
again are forgotten first; if that is not enough, the ones that were created first: they lose a limit for a moment.
"""

from __future__ import annotations

import math
from itertools import islice

from mintmark.authorization_server.ports import Verdict


class MemoryCounters:
    """Implements `ports.Counters` for one process. `capacity`: keys that are kept at most."""

    def __init__(self, capacity: int = 200_000) -> None:
        self._capacity = max(1, capacity)
        #: key -> the moment at which all its units are back.
        self._full_at: dict[str, float] = {}

    def take(self, key: str, limit: int, period: int, now: float, cost: int = 1) -> Verdict:
        """Take `cost` units of `limit` per `period` seconds; nothing is taken when refused. `cost` 0 only looks."""
        if limit <= 0:
            return Verdict(False, 0, period, period)
        unit = period / limit
        full_at = max(self._full_at.get(key, now), now)
        # Time may have been set back: a key never owes more than one period.
        full_at = min(full_at, now + period)
        after = full_at + cost * unit
        # A thousandth of a unit of slack, because sums of fractions are not exact.
        allowed = after - now <= period + unit / 1000
        if not allowed:
            wait = after - now - period
            return Verdict(
                False, self._remaining(full_at - now, unit, limit), _ceil(full_at - now), max(1, _ceil(wait))
            )
        if cost:
            if key not in self._full_at and len(self._full_at) >= self._capacity:
                self._make_room(now)
            self._full_at[key] = after
        return Verdict(True, self._remaining(after - now, unit, limit), _ceil(after - now), 0)

    def __len__(self) -> int:
        return len(self._full_at)

    @staticmethod
    def _remaining(owed: float, unit: float, limit: int) -> int:
        return max(0, min(limit, math.floor(limit - owed / unit + 1 / 1000)))

    def _make_room(self, now: float) -> None:
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        surplus = len(self._full_at) - self._capacity * 9 // 10
        for key in list(islice(self._full_at, max(0, surplus))):
            del self._full_at[key]


def _ceil(seconds: float) -> int:
    return max(0, math.ceil(seconds - 1e-6))
