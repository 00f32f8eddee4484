"""A Valkey server goes away and comes back; meanwhile nobody waits, and limits are those of the process."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from mintmark.authorization_server.ports import Take
from mintmark.storage.counters import MemoryCounters
from mintmark.storage.valkey_address import ValkeyAddress
from mintmark.storage.valkey_counters import ValkeyCounters
from mintmark.storage.valkey_server import ValkeyAway, ValkeyServer
from mintmark.values.secret import Secret
from tests.valkeys import PATIENCE, Valkey, valkey

DOCS = Path(__file__).parents[2] / "docs"
PASSWORD = "not in any log"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Valkey]:
    with valkey(tmp_path) as server:
        yield server


class Told:
    """What was said of a server."""

    def __init__(self) -> None:
        self.lines: list[tuple[bool, str]] = []

    def __call__(self, there: bool, why: str) -> None:
        self.lines.append((there, why))

    @property
    def states(self) -> list[bool]:
        return [there for there, _ in self.lines]


def with_server(
    url: str,
    work: Callable[[ValkeyServer, Told], Awaitable[None]],
    password: str | None = None,
    ca: Path | None = None,
) -> None:
    async def run() -> None:
        told = Told()
        secret = None if password is None else Secret(password)
        server = ValkeyServer(ValkeyAddress.parse(url), secret, ca, told, 10)
        try:
            await work(server, told)
        finally:
            await server.close()

    asyncio.run(run())


async def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < ends
        await asyncio.sleep(0.01)


def test_limits_hold_per_process_while_it_is_away_and_together_again_afterwards(running: Valkey) -> None:
    async def work(server: ValkeyServer, told: Told) -> None:
        nodes = [ValkeyCounters(server, MemoryCounters(), "t:") for _ in range(2)]
        take = (Take("k", 5, 3600),)

        async def given() -> int:
            verdicts = [(await node.take(take, time.time()))[0] for _ in range(6) for node in nodes]
            return sum(verdict.allowed for verdict in verdicts)

        assert await given() == 5
        running.kill()
        assert await given() == 10
        assert (server.there, server.losses, told.states) == (False, 1, [False])
        with pytest.raises(ValkeyAway):
            await server.ask("PING")
        following = asyncio.ensure_future(server.follow())
        assert running.start()
        await until(lambda: server.there)
        following.cancel()
        assert told.states == [False, True]
        assert await given() == 5  # it has kept nothing, and knows no script any more

    with_server(running.url, work)


def test_it_is_looked_for_again_and_again_and_said_once(running: Valkey) -> None:
    async def work(server: ValkeyServer, told: Told) -> None:
        running.kill()
        for _ in range(5):
            await server.look()
        assert told.states == [False]
        assert running.start()
        for _ in range(5):
            await server.look()
        assert told.states == [False, True]

    with_server(running.url, work)


def test_whoever_waits_when_it_dies_is_answered(running: Valkey) -> None:
    async def work(server: ValkeyServer, told: Told) -> None:
        counters = ValkeyCounters(server, MemoryCounters(), "t:")
        await counters.take((Take("k", 1),), time.time())
        asking = [asyncio.ensure_future(counters.take((Take(f"k{n}", 1),), time.time())) for n in range(1000)]
        await asyncio.sleep(0)
        running.kill()
        assert all(verdict.allowed for (verdict,) in await asyncio.gather(*asking))
        assert told.states in ([], [False])

    with_server(running.url, work)


def test_a_caller_that_hangs_up_holds_up_nobody(running: Valkey) -> None:
    async def work(server: ValkeyServer, told: Told) -> None:
        counters = ValkeyCounters(server, MemoryCounters(), "t:")
        asking = [asyncio.ensure_future(counters.take((Take("k", 9),), time.time())) for n in range(9)]
        await asyncio.sleep(0)
        asking[3].cancel()
        done = await asyncio.gather(*asking, return_exceptions=True)
        assert [isinstance(each, asyncio.CancelledError) for each in done] == [n == 3 for n in range(9)]
        assert told.states == []

    with_server(running.url, work)


def test_the_servers_clock_decides_and_keys_end_by_themselves(running: Valkey) -> None:
    async def work(server: ValkeyServer, told: Told) -> None:
        counters = ValkeyCounters(server, MemoryCounters(), "t:")
        assert [(await counters.take((Take("k", 2, 3600),), now))[0].allowed for now in (0.0, 4e9, 1.0)] == [
            True,
            True,
            False,
        ]
        assert 3_600_000 < await server.ask("PTTL", "t:k") <= 3_660_000

    with_server(running.url, work)


@pytest.mark.parametrize("password", [None, "wrong"])
def test_a_wrong_password_is_said_and_not_shown(tmp_path: Path, password: str | None) -> None:
    async def work(server: ValkeyServer, told: Told) -> None:
        await server.look()
        assert told.states == [False]
        assert server.why
        assert PASSWORD not in repr(told.lines) and "wrong password" not in server.why

    with valkey(tmp_path, "--requirepass", PASSWORD) as locked:
        with_server(locked.url, work, password)


def test_the_right_password_opens(tmp_path: Path) -> None:
    async def work(server: ValkeyServer, told: Told) -> None:
        await server.look()
        assert await server.ask("PING")
        assert told.states == []

    with valkey(tmp_path, "--requirepass", PASSWORD) as locked:
        with_server(locked.url, work, PASSWORD)
        with_server(locked.url.replace("127", "default@127"), work, PASSWORD)


def test_a_user_needs_no_more_rights_than_the_documentation_says(running: Valkey) -> None:
    rights = re.search(r"`(\+evalsha [^`]*)`", (DOCS / "operations.md").read_text())
    assert rights is not None

    async def allow(server: ValkeyServer, told: Told) -> None:
        await server.ask("ACL", "SETUSER", "few", "on", f">{PASSWORD}", "~t:*", *rights[1].split())

    async def work(server: ValkeyServer, told: Told) -> None:
        counters = ValkeyCounters(server, MemoryCounters(), "t:")
        assert [(await counters.take((Take("k", 1),), 0.0))[0].allowed for _ in range(2)] == [True, False]
        await server.look()
        assert told.states == []

    with_server(running.url, allow)
    with_server(running.url.replace("127", "few@127").replace("/0", "/1"), work, PASSWORD)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("valkey://here", ValkeyAddress("here")),
        ("valkey://here:1/3", ValkeyAddress("here", 1, 3)),
        ("valkeys://[::1]:6380/", ValkeyAddress("::1", 6380, 0, True)),
        ("valkey://me@here/0", ValkeyAddress("here", user="me")),
    ],
)
def test_addresses_are_urls(url: str, address: ValkeyAddress) -> None:
    assert ValkeyAddress.parse(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "here:6379",
        "redis://here",
        "valkey://",
        "valkey://here/x",
        "valkey://here/0?a=1",
        "valkey://h:x",
        "valkey://:secret@here",
        "valkey://me:secret@here:6379/0",
    ],
)
def test_what_is_no_address_or_holds_a_password_is_refused(url: str) -> None:
    with pytest.raises(ValueError) as refused:
        ValkeyAddress.parse(url)
    assert "secret" not in str(refused.value)
    assert ("valkey_password" in str(refused.value)) == (":secret@" in url)
