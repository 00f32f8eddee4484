"""Short-window limits in memory: how many keys there can be. What they mean is in `contract/test_counters.py`."""

from __future__ import annotations

import asyncio

from mintmark.authorization_server.ports import Take, Verdict
from mintmark.storage.counters import MemoryCounters

NOW = 1_800_000_000.0


def take(counters: MemoryCounters, key: str, now: float, cost: int = 1) -> Verdict:
    return asyncio.run(counters.take((Take(key, 1, 60, cost),), now))[0]


def test_a_look_needs_no_room() -> None:
    counters = MemoryCounters()
    take(counters, "k", NOW)
    take(counters, "other", NOW, 0)
    assert len(counters) == 1


def test_keys_that_are_full_again_make_room_first() -> None:
    counters = MemoryCounters(capacity=10)
    for n in range(9):
        take(counters, f"old{n}", NOW)
    take(counters, "busy", NOW + 50)
    take(counters, "new", NOW + 60)
    assert len(counters) == 2
    assert not take(counters, "busy", NOW + 60).allowed


def test_the_number_of_keys_is_bounded() -> None:
    async def run() -> None:
        counters = MemoryCounters(capacity=100)
        for n in range(10_000):
            await counters.take((Take(f"address {n}", 1),), NOW)
        assert len(counters) <= 100
        assert not (await counters.take((Take("address 9999", 1),), NOW))[0].allowed

    asyncio.run(run())


def test_nobody_is_suspended() -> None:
    """So that a token costs no turn of the loop more than it did."""
    step = MemoryCounters().take((Take("k", 1), Take("other", 1, cost=0)), NOW)
    try:
        step.send(None)
    except StopIteration as done:
        assert [verdict.allowed for verdict in done.value] == [True, True]
    else:
        raise AssertionError("it waited")
