"""What every implementation of `ports.Counters` keeps: what fits, when it comes back, all or none."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.authorization_server.ports import Counters, Take, Verdict
from mintmark.storage.counters import SECOND, MemoryCounters
from mintmark.storage.valkey_address import ValkeyAddress
from mintmark.storage.valkey_counters import ValkeyCounters
from mintmark.storage.valkey_server import ValkeyServer
from tests.valkeys import some_url

NOW = 1_800_000_000.0


class Case:
    """Counters and the clock that they go by."""

    def __init__(self, make: Callable[[Case], Counters]) -> None:
        self.now = NOW
        self.counters = make(self)

    def clock(self) -> str:
        """As the script reads it."""
        return "{} {}".format(*divmod(round(self.now * SECOND), SECOND))

    async def take(self, *takes: Take) -> list[Verdict]:
        return list(await self.counters.take(takes, self.now))

    async def one(self, limit: int, period: int, cost: int = 1, key: str = "k") -> Verdict:
        return (await self.take(Take(key, limit, period, cost)))[0]


Opened = Callable[[], AbstractAsyncContextManager[Case]]


@asynccontextmanager
async def in_memory() -> AsyncIterator[Case]:
    yield Case(lambda case: MemoryCounters())


class NotAlone:
    """For when the server is away, which it is not here."""

    async def take(self, takes: tuple[Take, ...], now: float) -> tuple[Verdict, ...]:
        raise AssertionError("the server was given up")


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with some_url(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(scope="session", params=["memory", "valkey"])
def opened(request: pytest.FixtureRequest) -> Opened:
    """Opens counters that nothing was taken from; within one loop they may be several."""
    if request.param == "memory":
        return in_memory
    url: str = request.getfixturevalue("valkey_url")

    @asynccontextmanager
    async def on_valkey() -> AsyncIterator[Case]:
        server = ValkeyServer(ValkeyAddress.parse(url), None, None, lambda there, why: None, 30)
        try:
            prefix = f"test:{uuid.uuid4().hex}:"
            yield Case(lambda case: ValkeyCounters(server, NotAlone(), prefix, case.clock))
        finally:
            await server.close()

    return on_valkey


@given(st.integers(1, 60), st.integers(1, 3600), st.floats(0, 4e9))
def test_exactly_the_limit_fits_into_a_moment(opened: Opened, limit: int, period: int, now: float) -> None:
    async def run() -> None:
        async with opened() as case:
            case.now = now
            verdicts = [await case.one(limit, period) for _ in range(limit + 3)]
        assert [verdict.allowed for verdict in verdicts] == [True] * limit + [False] * 3
        assert [verdict.remaining for verdict in verdicts] == [*range(limit - 1, -1, -1), 0, 0, 0]
        assert 1 <= verdicts[-1].retry_after <= period
        assert verdicts[-1].reset == period

    asyncio.run(run())


@given(st.integers(1, 60), st.integers(1, 600))
def test_a_refused_caller_who_waits_as_told_is_allowed(opened: Opened, limit: int, period: int) -> None:
    async def run() -> None:
        async with opened() as case:
            while (verdict := await case.one(limit, period)).allowed:
                pass
            case.now = NOW + verdict.retry_after
            assert (await case.one(limit, period)).allowed
            case.now += period
            assert (await case.one(limit, period, limit)).allowed

    asyncio.run(run())


#: Key, limit, period, cost, whether it is watched; and by how much the clock has moved before them.
REQUESTS = st.lists(
    st.tuples(
        st.floats(-5, 40),
        st.dictionaries(
            st.sampled_from("abc"),
            st.tuples(st.integers(-1, 9), st.integers(1, 60), st.integers(0, 3), st.booleans()),
            min_size=1,
        ),
    ),
    min_size=1,
    max_size=30,
)


@given(REQUESTS)
def test_they_say_what_memory_says(
    opened: Opened, requests: list[tuple[float, dict[str, tuple[int, int, int, bool]]]]
) -> None:
    async def run() -> None:
        async with opened() as case, in_memory() as memory:
            for moved, keys in requests:
                takes = [Take(key, *numbers) for key, numbers in keys.items()]
                case.now += moved
                memory.now = case.now
                assert await case.take(*takes) == await memory.take(*takes)

    asyncio.run(run())


def test_a_unit_comes_back_at_its_second_and_not_before(opened: Opened) -> None:
    async def run() -> None:
        async with opened() as case:
            for _ in range(6):
                assert (await case.one(6, 60)).allowed
            assert await case.one(6, 60) == Verdict(False, 0, 60, 10)
            case.now = NOW + 9
            assert await case.one(6, 60) == Verdict(False, 0, 51, 1)
            case.now = NOW + 10
            assert (await case.one(6, 60)).allowed
            case.now = NOW + 11
            assert not (await case.one(6, 60)).allowed

    asyncio.run(run())


def test_a_refusal_and_a_look_take_nothing(opened: Opened) -> None:
    async def run() -> None:
        async with opened() as case:
            await case.one(2, 60)
            assert not (await case.one(2, 60, 2)).allowed
            for _ in range(3):
                assert await case.one(2, 60, 0) == Verdict(True, 1, 30, 0)
            assert await case.one(2, 60) == Verdict(True, 0, 60, 0)
            assert await case.one(2, 60, 0, "other") == Verdict(True, 2, 0, 0)

    asyncio.run(run())


def test_a_look_says_when_a_unit_is_free(opened: Opened) -> None:
    async def run() -> None:
        async with opened() as case:
            await case.one(2, 60, 2)
            case.now = NOW + 20
            assert await case.one(2, 60, 0) == Verdict(False, 0, 40, 10)

    asyncio.run(run())


def test_of_several_all_are_taken_or_none(opened: Opened) -> None:
    async def run() -> None:
        async with opened() as case:
            wide, narrow = Take("wide", 5), Take("narrow", 1)
            assert [each.allowed for each in await case.take(wide, narrow)] == [True, True]
            for _ in range(9):
                assert [each.allowed for each in await case.take(wide, narrow)] == [True, False]
                assert [each.allowed for each in await case.take(narrow, wide)] == [False, True]
            assert (await case.take(wide._replace(cost=0)))[0].remaining == 4
            blocked = narrow._replace(cost=0)
            assert [each.allowed for each in await case.take(blocked, wide)] == [False, True]
            assert (await case.take(wide._replace(cost=0)))[0].remaining == 4

    asyncio.run(run())


def test_one_that_is_watched_hinders_nothing_and_takes_nothing_beyond_its_limit(opened: Opened) -> None:
    async def run() -> None:
        async with opened() as case:
            wide, watched = Take("wide", 4), Take("watched", 1, watched=True)
            found = [[each.allowed for each in await case.take(wide, watched)] for _ in range(5)]
            assert found == [[True, True], [True, False], [True, False], [True, False], [False, False]]
            case.now = NOW + 59
            assert [each.allowed for each in await case.take(watched)] == [False]
            case.now = NOW + 60  # what was let through has not put it off
            assert [each.allowed for each in await case.take(watched)] == [True]
            assert [
                each.allowed for each in await case.take(Take("none", 0), Take("other", 1, watched=True))
            ] == [
                False,
                True,
            ]
            assert (await case.one(1, 60, key="other")).allowed

    asyncio.run(run())


def test_keys_do_not_share(opened: Opened) -> None:
    async def run() -> None:
        async with opened() as case:
            assert (await case.one(1, 60, key="a")).allowed
            assert (await case.one(1, 60, key="b")).allowed
            assert not (await case.one(1, 60, key="a")).allowed

    asyncio.run(run())


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_nothing_allows_nothing(opened: Opened, limit: int) -> None:
    async def run() -> None:
        async with opened() as case:
            assert await case.one(limit, 60) == Verdict(False, 0, 60, 60)
            assert [each.allowed for each in await case.take(Take("k", limit), Take("o", 1))] == [False, True]
            assert (await case.one(1, 60, key="o")).allowed

    asyncio.run(run())


def test_a_clock_set_back_locks_nobody_out_for_longer_than_a_period(opened: Opened) -> None:
    async def run() -> None:
        async with opened() as case:
            await case.one(1, 60)
            case.now = NOW - 86_400
            verdict = await case.one(1, 60)
            assert (verdict.allowed, verdict.retry_after) == (False, 60)

    asyncio.run(run())


@pytest.mark.parametrize("limit", [98, 137])
def test_sums_of_fractions_take_no_unit_away(opened: Opened, limit: int) -> None:
    async def run() -> None:
        async with opened() as case:
            case.now = 2_147_483_648.0
            assert all([(await case.one(limit, 1)).allowed for _ in range(limit)])

    asyncio.run(run())


def test_what_many_want_at_once_is_not_given_twice(opened: Opened) -> None:
    async def run() -> None:
        async with opened() as case:
            found = await asyncio.gather(
                *(case.take(Take("k", 100, 3600), Take(f"own {n}", 1, 3600)) for n in range(600))
            )
            assert sum(first.allowed for first, _ in found) == 100
            left = await asyncio.gather(*(case.one(1, 3600, 0, f"own {n}") for n in range(600)))
            assert sum(not each.allowed for each in left) == 100

    asyncio.run(run())
