"""One token request for any herd: threads, tasks, event loops, forked processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mintmark.client.errors import Unreachable
from tests.transport.conftest import Clock, MakeSource, settled
from tests.transport.loopback import Vendor


def test_fifty_threads_and_fifty_tasks_on_three_loops_cost_one_token_request(
    shop: Vendor, source_of: MakeSource
) -> None:
    source = source_of(shop)
    shop.token_gate.clear()
    begun, turned = threading.Semaphore(0), threading.Semaphore(0)

    def ask() -> str:
        begun.release()
        return source.token().reveal()

    async def loop_of(tasks: int) -> list[str]:
        async def ask_async() -> str:
            begun.release()
            return (await source.atoken()).reveal()

        async def turn() -> None:
            # The gate opens only after this: a loop that stood still would never get here.
            for _ in range(100):
                await asyncio.sleep(0)
            turned.release()

        *tokens, _ = await asyncio.gather(*(ask_async() for _ in range(tasks)), turn())
        return tokens

    with ThreadPoolExecutor(53) as pool:
        threads = [pool.submit(ask) for _ in range(50)]
        loops = [pool.submit(asyncio.run, loop_of(tasks)) for tasks in (17, 17, 16)]
        for _ in range(100):
            assert begun.acquire(timeout=30)
        for _ in range(3):
            assert turned.acquire(timeout=30)
        shop.token_gate.set()
        tokens = {future.result() for future in threads}
        tokens.update(*(future.result() for future in loops))
    assert tokens == {"T1-of-the-vendor"}
    assert len(shop.token_requests) == 1


def test_fifty_callers_at_expiry_cost_one_token_request(
    shop: Vendor, source_of: MakeSource, clock: Clock
) -> None:
    source = source_of(shop)
    source.token()
    clock.now += 3600
    with ThreadPoolExecutor(50) as pool:
        tokens = {future.result() for future in [pool.submit(lambda: source.token().reveal())] * 50}
    assert tokens == {"T2-of-the-vendor"}
    assert len(shop.token_requests) == 2


def test_the_old_token_is_served_while_the_new_one_is_on_its_way(
    shop: Vendor, source_of: MakeSource, clock: Clock
) -> None:
    source = source_of(shop)
    source.token()
    shop.token_gate.clear()
    clock.now += 3600 - 120
    for _ in range(10):
        assert source.token().reveal() == "T1-of-the-vendor"
    assert source.status().state == "renewing"
    shop.token_gate.set()
    settled(source)
    assert source.token().reveal() == "T2-of-the-vendor"
    assert len(shop.token_requests) == 2


def test_a_cancelled_task_and_a_dying_loop_take_nobody_along(shop: Vendor, source_of: MakeSource) -> None:
    source = source_of(shop)
    shop.token_gate.clear()

    async def impatient() -> None:
        task = asyncio.create_task(source.atoken())
        while not shop.token_requests:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    asyncio.run(impatient())
    shop.token_gate.set()
    assert source.token().reveal() == "T1-of-the-vendor"
    assert len(shop.token_requests) == 1


def test_a_caller_waits_no_longer_than_the_time_limit(shop: Vendor, source_of: MakeSource) -> None:
    source = source_of(shop, real_time=True)
    source._time_limit = 0.2
    shop.token_gate.clear()
    with pytest.raises(Unreachable, match=r"did not answer within 0\.2 s"):
        source.token()
    with pytest.raises(Unreachable):
        asyncio.run(source.atoken())
    shop.token_gate.set()
    assert source.status().state == "failed"


_FORK = """
import os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)
import mintmark
from tests.transport.conftest import until
from tests.transport.loopback import vendor

def answered(pid):
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, "the child failed"

with vendor() as shop:
    made = dict(token_url=shop.url + "/token", client_id="c", client_secret="s")
    source, cold = mintmark.source(**made), mintmark.source(**made)
    first = source.token().reveal()
    assert len(shop.token_requests) == 1

    # A renewal is in flight when the process forks: the child goes on with the old token and asks for nothing.
    held = source._held
    source._held = type(held)(held.token, 0.0, held.over_at, held.obtained)
    shop.token_gate.clear()
    assert source.token().reveal() == first
    until(lambda: len(shop.token_requests) == 2)
    source._held = held
    pid = os.fork()
    if not pid:
        os._exit(0 if source.token().reveal() == first and source._flight is None else 1)
    answered(pid)
    assert len(shop.token_requests) == 2

    # A first exchange is in flight, and the lock is held, when the process forks: the child is not stuck.
    waiting = threading.Thread(target=cold.token)
    waiting.start()
    until(lambda: len(shop.token_requests) == 3)
    cold._lock.acquire()
    pid = os.fork()
    if not pid:
        import asyncio
        ok = asyncio.run(cold.atoken()).reveal() == cold.token().reveal()
        os._exit(0 if ok else 1)
    cold._lock.release()
    until(lambda: len(shop.token_requests) == 4)
    shop.token_gate.set()
    answered(pid)
    waiting.join()
    assert len(shop.token_requests) == 4
    print("both children went on")
"""


def test_a_forked_child_goes_on_with_the_token_and_waits_for_no_lock() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", _FORK], capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.stdout == "both children went on\n", done.stderr
