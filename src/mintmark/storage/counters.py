"""Short-window rate limits in memory: the generic cell rate algorithm, one number per key, bounded in keys.

`limit` units fit into `period` seconds and flow back evenly. When there are too many keys, those that are full
again are forgotten first; if that is not enough, the ones that were created first: they lose a limit for a moment.
"""

from __future__ import annotations

from itertools import islice

from mintmark.authorization_server.ports import Verdict

_SECOND = 1_000_000_000
#: Nanoseconds by which a clock's floating point may be off.
_SLACK = 1_000


class MemoryCounters:
    """Implements `ports.Counters` for one process. `capacity`: keys that are kept at most."""

    def __init__(self, capacity: int = 200_000) -> None:
        self._capacity = max(1, capacity)
        #: key -> the moment, in whole nanoseconds, at which all its units are back.
        self._full_at: dict[str, int] = {}

    def take(self, key: str, limit: int, period: int, now: float, cost: int = 1) -> Verdict:
        """Take `cost` units of `limit` per `period` seconds; nothing is taken when refused. `cost` 0 only looks."""
        if limit <= 0:
            return Verdict(False, 0, period, period)
        known = self._full_at.get(key)
        if known is None and not cost:
            return Verdict(True, limit, 0, 0)
        window, moment = period * _SECOND, round(now * _SECOND)
        unit = max(1, window // limit)
        # Time may have been set back: a key never owes more than one period.
        owed = 0 if known is None else min(max(known - moment, 0), window)
        after = owed + cost * unit
        if after > window + _SLACK:
            retry_after = max(1, _seconds(after - window))
            return Verdict(False, _units(window - owed, unit, limit), _seconds(owed), retry_after)
        if cost:
            if known is None and len(self._full_at) >= self._capacity:
                self._make_room(moment)
            self._full_at[key] = moment + after
        return Verdict(True, _units(window - after, unit, limit), _seconds(after), 0)

    def __len__(self) -> int:
        return len(self._full_at)

    def _make_room(self, moment: int) -> None:
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > moment}
        surplus = len(self._full_at) - self._capacity * 9 // 10
        for key in list(islice(self._full_at, max(0, surplus))):
            del self._full_at[key]


def _units(room: int, unit: int, limit: int) -> int:
    return max(0, min(limit, (room + _SLACK) // unit))


def _seconds(nanoseconds: int) -> int:
    """Whole seconds, rounded up."""
    return max(0, -((_SLACK - nanoseconds) // _SECOND))
