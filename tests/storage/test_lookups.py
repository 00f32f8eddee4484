"""Looking up entries together: from a snapshot taken after the question, in few transactions, and each by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.storage.lookups import MOST, Key, Lookups


class Snapshots:
    """A store whose reads can be held up, and whose position rises with each."""

    def __init__(self) -> None:
        self.reads = 0
        self.away = False
        self.going_on = asyncio.Event()
        self.going_on.set()

    async def read(self, work: Callable[[Any], Any]) -> Any:
        self.reads += 1
        if self.away:
            raise StorageUnavailable("away")
        found = work(self)
        await self.going_on.wait()
        return found

    def position(self) -> int:
        return self.reads


def echo(_: Any, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], object]:
    if ("home", "spoilt") in keys:
        raise ValueError("cannot be read")
    return {key: key[1].upper() for key in keys if key[1] != "absent"}


def asked(store: Snapshots, *entries: str) -> tuple[Lookups, list[asyncio.Task[tuple[int, object | None]]]]:
    lookups = Lookups(store, {"client": echo, "user": echo})
    return lookups, [asyncio.ensure_future(lookups.find(Key("client", "home", each))) for each in entries]


def test_what_is_asked_at_once_is_one_read() -> None:
    async def story() -> None:
        store = Snapshots()
        lookups, asking = asked(store, "a", "absent", "b", "a")
        other = await lookups.find(Key("user", "home", "a"))
        assert other == (1, "A")
        assert await asyncio.gather(*asking) == [(1, "A"), (1, None), (1, "B"), (1, "A")]
        assert store.reads == 1

    asyncio.run(story())


def test_a_read_is_no_larger_than_it_may_be() -> None:
    async def story() -> None:
        store = Snapshots()
        _, asking = asked(store, *(f"{number}" for number in range(MOST + 1)))
        found = await asyncio.gather(*asking)
        assert [position for position, _ in found] == [1] * MOST + [2]

    asyncio.run(story())


def test_who_asks_while_a_read_is_under_way_gets_a_later_snapshot() -> None:
    async def story() -> None:
        store = Snapshots()
        store.going_on.clear()
        lookups, (early,) = asked(store, "a")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert store.reads == 1
        late = [asyncio.ensure_future(lookups.find(Key("client", "home", "a"))) for _ in range(20)]
        await asyncio.sleep(0)
        assert store.reads == 1
        store.going_on.set()
        assert await early == (1, "A")
        assert set(await asyncio.gather(*late)) == {(2, "A")}
        assert store.reads == 2

    asyncio.run(story())


def test_an_entry_that_cannot_be_read_spoils_nobody_elses_look_up() -> None:
    async def story() -> None:
        _, asking = asked(Snapshots(), "a", "spoilt", "b")
        first, spoilt, last = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(spoilt, ValueError)
        assert isinstance(first, tuple)
        assert isinstance(last, tuple)
        assert (first[1], last[1]) == ("A", "B")

    asyncio.run(story())


def test_who_was_refused_while_the_store_was_away_is_answered_when_it_is_back() -> None:
    async def story() -> None:
        store = Snapshots()
        store.away = True
        lookups, asking = asked(store, "a", "b")
        for one in asking:
            with pytest.raises(StorageUnavailable):
                await one
        assert store.reads == 1
        store.away = False
        assert await lookups.find(Key("client", "home", "a")) == (2, "A")

    asyncio.run(story())


def test_who_stops_waiting_takes_nothing_from_others() -> None:
    async def story() -> None:
        _, asking = asked(Snapshots(), "a", "b", "a")
        await asyncio.sleep(0)
        asking[0].cancel()
        _, *others = await asyncio.gather(*asking, return_exceptions=True)
        assert others == [(1, "B"), (1, "A")]

    asyncio.run(story())


def test_a_read_that_is_broken_off_leaves_nobody_waiting() -> None:
    async def story() -> None:
        store = Snapshots()
        store.going_on.clear()
        before = asyncio.all_tasks()
        _, asking = asked(store, "a", "b")
        await asyncio.sleep(0.01)
        (reading,) = asyncio.all_tasks() - before - set(asking)
        reading.cancel()
        ends = await asyncio.wait_for(asyncio.gather(*asking, return_exceptions=True), 5)
        assert [type(end) for end in ends] == [asyncio.CancelledError] * 2

    asyncio.run(story())
