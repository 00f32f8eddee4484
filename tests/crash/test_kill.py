"""kill -9 under load: whatever is killed and when, a token that arrived is on record and counted."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.crash.askers import Askers
from tests.crash.site import DAILY_LIMIT, Site, family, kill
from tests.end_to_end.server import in_one_day, until


def kill_again_and_again(site: Site, rounds: int, workers: int) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    keys: bytes | None = None
    first = ""
    received: list[str] = []
    for number in range(rounds):
        server = site.serve("--workers", workers)
        published = site.keys()
        assert keys in (None, published), "the keys changed with a restart"
        keys = published
        with Askers(site, site.holders, seed=seed + number) as askers:
            askers.wait_for(chance.randint(20, 60))
            time.sleep(chance.random() * 0.3)
            kill(server)
        received += askers.jtis
        first = first or askers.received[0].token
        assert askers.refused == []
        site.books().check(received)
    server = site.serve()
    try:
        assert site.ask(site.holders[0]).status == 200
        assert site.accepts(first)
    finally:
        server.stop()
    assert len(site.books().events) > len(received)


@pytest.mark.parametrize(("rounds", "workers"), [(5, 1), (2, 2)])
def test_no_token_is_lost_when_the_server_is_killed(site: Site, rounds: int, workers: int) -> None:
    kill_again_and_again(site, rounds, workers)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("workers", [1, 2])
def test_no_token_is_lost_in_fifty_kills(site: Site, workers: int) -> None:
    kill_again_and_again(site, 50, workers)


def test_a_worker_that_is_killed_alone_loses_nothing_and_is_replaced(site: Site) -> None:
    server = site.serve("--workers", 2)
    try:
        with Askers(site, site.holders) as askers:
            askers.wait_for(50)
            until(lambda: len(workers_of(server.pid)) == 2, "there are not two workers")
            killed = workers_of(server.pid)[0]
            os.kill(killed, signal.SIGKILL)
            askers.wait_for(100)
            until(
                lambda: len(now := workers_of(server.pid)) == 2 and killed not in now,
                "the killed worker was not replaced",
            )
            askers.wait_for(100)
        assert askers.refused == []
    finally:
        server.stop()
    site.books().check(askers.jtis)


def workers_of(pid: int) -> list[int]:
    """The workers of a server, without the process that Python's multiprocessing keeps for itself."""
    found = []
    for child in family(pid)[1:]:
        try:
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
        except OSError:
            continue
    return found


def test_a_restart_in_order_keeps_keys_tokens_and_counts(site: Site) -> None:
    in_one_day()
    server = site.serve()
    keys, tokens = site.keys(), [site.ask(site.limited).json["access_token"] for _ in range(3)]
    assert server.stop() == 0
    server = site.serve()
    try:
        assert site.keys() == keys
        assert all(site.accepts(token) for token in tokens)
        assert f'"day";r={DAILY_LIMIT - 4}' in site.ask(site.limited).headers["ratelimit"]
    finally:
        server.stop()
