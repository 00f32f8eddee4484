"""What every implementation of `ports.ReplayCache` keeps: once, over all who ask, for so long, and never a guess."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from mintmark.authorization_server.ports import ReplayCache, ReplayUnknown
from mintmark.storage.replays import MemoryReplays
from mintmark.storage.valkey_address import ValkeyAddress
from mintmark.storage.valkey_replays import ValkeyReplays
from mintmark.storage.valkey_server import ValkeyServer
from tests.valkeys import PATIENCE, some_url, valkey

Nodes = tuple[ReplayCache, ReplayCache]
Opened = Callable[[], AbstractAsyncContextManager[Nodes]]


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def nobody(there: bool, why: str) -> None:
    """Is told whether the server is there."""


@asynccontextmanager
async def node(
    url: str, prefix: str, patience: float = PATIENCE
) -> AsyncIterator[tuple[ReplayCache, ValkeyServer]]:
    """One of several that share a server."""
    server = ValkeyServer(ValkeyAddress.parse(url), None, None, nobody, patience)
    try:
        yield ValkeyReplays(server, MemoryReplays(Clock()), prefix), server
    finally:
        await server.close()


@pytest.fixture(scope="session")
def replays_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with some_url(tmp_path_factory.mktemp("replays")) as url:
        yield url


@pytest.fixture(params=["memory", "valkey"])
def opened(request: pytest.FixtureRequest) -> Opened:
    """Opens two nodes that share what was accepted; with memory, that is one node twice."""
    if request.param == "memory":

        @asynccontextmanager
        async def alone() -> AsyncIterator[Nodes]:
            only = MemoryReplays(Clock())
            yield only, only

        return alone
    url: str = request.getfixturevalue("replays_url")

    @asynccontextmanager
    async def together() -> AsyncIterator[Nodes]:
        prefix = f"test:{uuid.uuid4().hex}:"
        async with node(url, prefix) as (first, _), node(url, prefix) as (second, _):
            yield first, second

    return together


def play(opened: Opened, work: Callable[[ReplayCache, ReplayCache], Awaitable[None]]) -> None:
    async def run() -> None:
        async with opened() as (first, second):
            await work(first, second)

    asyncio.run(run())


def test_an_identifier_is_accepted_once_on_whichever_node(opened: Opened) -> None:
    async def work(first: ReplayCache, second: ReplayCache) -> None:
        assert await first.accept_once("a", 600)
        assert [await each.accept_once("a", 600) for each in (first, second, first)] == [False] * 3
        assert await second.accept_once("b", 600)
        assert not await first.accept_once("b", 600)

    play(opened, work)


def test_of_many_at_once_on_both_nodes_one_is_accepted(opened: Opened) -> None:
    async def work(first: ReplayCache, second: ReplayCache) -> None:
        for key in "abcde":
            found = await asyncio.gather(*(each.accept_once(key, 600) for each in (first, second) * 50))
            assert sum(found) == 1

    play(opened, work)


def test_identifiers_may_be_long_strange_and_alike(opened: Opened) -> None:
    async def work(first: ReplayCache, second: ReplayCache) -> None:
        keys = [
            "",
            "x" * 100_000,
            "x" * 100_001,
            "\0",
            "\r\nSET a b",
            "ä",
            "a\u0308",
            "\ud800",
            "challenge:a",
            "a",
        ]
        assert [await first.accept_once(key, 600) for key in keys] == [True] * len(keys)
        assert [await second.accept_once(key, 600) for key in keys] == [False] * len(keys)

    play(opened, work)


def test_memory_holds_an_identifier_for_its_time_to_the_second() -> None:
    async def run() -> None:
        clock = Clock()
        replays = MemoryReplays(clock)
        found = []
        for now in (1000.0, 1599.0, 1599.999, 1600.0, 1601.0):
            clock.now = now
            found.append(await replays.accept_once("a", 600))
        assert found == [True, False, False, True, False]
        assert len(replays) == 1

    asyncio.run(run())


def test_a_full_memory_refuses_and_forgets_nothing_early() -> None:
    async def run() -> None:
        clock = Clock()
        replays = MemoryReplays(clock, capacity=3)
        for number in range(3):
            assert await replays.accept_once(f"{number}", 10 + number)
        with pytest.raises(ReplayUnknown):
            await replays.accept_once("another", 10)
        assert not await replays.accept_once("0", 10)  # what is known is known all the same
        clock.now += 9.999
        with pytest.raises(ReplayUnknown):
            await replays.accept_once("another", 10)
        clock.now += 0.001
        assert await replays.accept_once("another", 10)
        assert [await replays.accept_once(f"{number}", 10) for number in (1, 2)] == [False, False]

    asyncio.run(run())


def test_valkey_forgets_an_identifier_by_itself_after_its_time(replays_url: str) -> None:
    async def run() -> None:
        prefix = f"test:{uuid.uuid4().hex}:"
        async with node(replays_url, prefix) as (replays, server):
            assert await replays.accept_once("a", 600)
            (key,) = [key async for key in server._client.scan_iter(match=f"{prefix}*")]
            assert 590_000 < await server.ask("PTTL", key) <= 600_000

    asyncio.run(run())


def test_while_valkey_is_away_nothing_is_accepted_and_then_again_by_itself(tmp_path: Path) -> None:
    async def run() -> None:
        async with node(server.url, "t:", 10) as (replays, link):
            assert await replays.accept_once("before", 600)
            server.kill()
            for key in ("before", "during"):
                with pytest.raises(ReplayUnknown):
                    await replays.accept_once(key, 600)
            assert server.start()
            await link.look()
            assert link.there
            # The server came back empty; this node has not forgotten, and what it refused is not spent.
            assert not await replays.accept_once("before", 600)
            assert await replays.accept_once("during", 600)

    with valkey(tmp_path) as server:
        asyncio.run(run())
