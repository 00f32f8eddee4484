"""argon2id off the loop: one at a time, a bounded queue, and a short memory of successes alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from mintmark.authorization_server.ports import Busy
from mintmark.compose.slow_hash import SECONDS, OneAtATime


class Check:
    """A slow check that counts its calls and how many ran at once."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.most = 0
        self._running = 0
        self.go = threading.Event()
        self.go.set()

    def __call__(self, digest: str, password: str) -> bool:
        self._running += 1
        self.most = max(self.most, self._running)
        self.go.wait(30)
        self.calls.append((digest, password))
        self._running -= 1
        return password == f"right for {digest}"


class World:
    def __init__(self, queue: int = 4) -> None:
        self.check, self.now = Check(), 0.0
        self.hash = OneAtATime(self.check, lambda: self.now, b"k" * 32, queue)

    def close(self) -> None:
        self.check.go.set()
        self.hash.close()

    def verify(self, digest: str, password: str) -> bool:
        return asyncio.run(self.hash.verify(digest, password, "192.0.2.1"))


@pytest.fixture
def world() -> Iterator[World]:
    with closing(World()) as made:
        yield made


def test_a_success_is_remembered_until_five_minutes_have_passed(world: World) -> None:
    assert world.verify("d", "right for d")
    world.now = SECONDS - 1
    assert world.verify("d", "right for d")
    assert len(world.check.calls) == 1
    world.now = SECONDS
    assert world.verify("d", "right for d")
    assert len(world.check.calls) == 2


def test_a_failure_is_never_remembered(world: World) -> None:
    for _ in range(2):
        assert not world.verify("d", "wrong")
    assert len(world.check.calls) == 2


def test_a_success_says_nothing_of_another_digest_or_password(world: World) -> None:
    assert world.verify("d", "right for d")
    assert not world.verify("e", "right for d")
    assert not world.verify("d", "right for e")
    assert not world.verify("dr", "ight for d")
    assert len(world.check.calls) == 4


def test_checks_run_one_at_a_time(world: World) -> None:
    async def all_at_once() -> None:
        await asyncio.gather(*(world.hash.verify("d", str(number), "192.0.2.1") for number in range(4)))

    asyncio.run(all_at_once())
    assert (len(world.check.calls), world.check.most) == (4, 1)


def test_a_full_queue_is_busy_at_once_and_works_again_later(world: World) -> None:
    async def flood() -> None:
        world.check.go.clear()
        waiting = [
            asyncio.ensure_future(world.hash.verify("d", str(number), "192.0.2.1")) for number in range(4)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await world.hash.verify("d", "one too many", "192.0.2.1")
        world.check.go.set()
        await asyncio.gather(*waiting)
        assert await world.hash.verify("d", "right for d", "192.0.2.1")

    asyncio.run(flood())


def test_what_is_remembered_is_still_answered_while_the_queue_is_full(world: World) -> None:
    async def flood() -> None:
        assert await world.hash.verify("d", "right for d", "192.0.2.1")
        world.check.go.clear()
        waiting = [
            asyncio.ensure_future(world.hash.verify("d", str(number), "192.0.2.1")) for number in range(4)
        ]
        await asyncio.sleep(0)
        assert await world.hash.verify("d", "right for d", "192.0.2.1")
        world.check.go.set()
        await asyncio.gather(*waiting)

    asyncio.run(flood())


def test_neither_digest_nor_password_is_kept(world: World) -> None:
    world.verify("d", "right for d")
    assert b"right" not in b"".join(world.hash._known)


@pytest.mark.parametrize(
    ("crowd", "other"),
    [("192.0.2.1", "192.0.2.2"), ("2001:db8:1::1", "2001:db8:2::1")],
    ids=["addresses", "sites of IPv6"],
)
def test_one_network_fills_its_part_of_the_queue_and_no_more(crowd: str, other: str) -> None:
    world = World(queue=64)
    world.check.go.clear()

    async def story() -> None:
        waiting = [asyncio.ensure_future(world.hash.verify("d", str(n), crowd)) for n in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await world.hash.verify("d", "one too many", crowd)
        good = asyncio.ensure_future(world.hash.verify("d", "right for d", other))
        await asyncio.sleep(0)
        world.check.go.set()
        await asyncio.gather(*waiting)
        assert await good
        assert not await world.hash.verify("d", "again", crowd)

    with closing(world):
        asyncio.run(story())
