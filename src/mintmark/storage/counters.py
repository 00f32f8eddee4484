"""Short-window rate limits in memory: the generic cell rate algorithm, one number per key, bounded in keys.

`limit` units fit into `period` seconds and flow back evenly. When there are too many keys, those that are full
again are forgotten first; if that is not enough, the ones that were created first: they lose a limit for a moment.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice

from mintmark.authorization_server.ports import Take, Verdict

SECOND = 1_000_000_000
#: Nanoseconds by which a clock's floating point may be off.
SLACK = 1_000


def unit_of(take: Take) -> int:
    """Nanoseconds in which one unit flows back; of a limit of nothing, more than its period."""
    window = take.period * SECOND
    return max(1, window // take.limit) if take.limit > 0 else 2 * window


def judge(take: Take, owed: int) -> tuple[Verdict, int]:
    """What is said of `take` when its key owes so many nanoseconds, one period at most; and what it owes after it."""
    _, limit, period, cost, _ = take
    if limit <= 0:
        return Verdict(False, 0, period, period), owed
    if not owed and not cost:
        return _untouched(limit), 0
    window = period * SECOND
    unit = max(1, window // limit)
    after = owed + cost * unit
    room = window + SLACK - after
    if room < (0 if cost else unit):
        left = max(0, min(limit, (window + SLACK - owed) // unit))
        wait = _seconds(owed + max(1, cost) * unit - window)
        return Verdict(False, left, _seconds(owed), max(1, wait)), owed
    return Verdict(True, min(limit, room // unit), _seconds(after), 0), after


@lru_cache(maxsize=1024)
def _untouched(limit: int) -> Verdict:
    """Nothing was taken of it."""
    return Verdict(True, limit, 0, 0)


class MemoryCounters:
    """Implements `ports.Counters` for one process. `capacity`: keys that are kept at most."""

    def __init__(self, capacity: int = 200_000) -> None:
        self._capacity = max(1, capacity)
        #: key -> the moment, in whole nanoseconds, at which all its units are back.
        self._full_at: dict[str, int] = {}

    async def take(self, takes: tuple[Take, ...], now: float) -> tuple[Verdict, ...]:
        """As the port says; never suspends."""
        moment = round(now * SECOND)
        full_at = self._full_at
        verdicts, owing, refused = [], [], False
        for take in takes:
            known = full_at.get(take.key)
            # Time may have been set back: a key never owes more than one period.
            owed = 0 if known is None or known <= moment else min(known - moment, take.period * SECOND)
            verdict, after = judge(take, owed)
            verdicts.append(verdict)
            if not verdict.allowed:
                refused = refused or not take.watched
            elif take.cost:
                owing.append((take.key, moment + after))
        if not refused:
            for key, at in owing:
                if len(full_at) >= self._capacity and key not in full_at:
                    self._make_room(moment)
                self._full_at[key] = at
        return tuple(verdicts)

    def __len__(self) -> int:
        return len(self._full_at)

    def _make_room(self, moment: int) -> None:
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > moment}
        surplus = len(self._full_at) - self._capacity * 9 // 10
        for key in list(islice(self._full_at, max(0, surplus))):
            del self._full_at[key]


def _seconds(nanoseconds: int) -> int:
    """Whole seconds, rounded up."""
    return -((SLACK - nanoseconds) // SECOND)
