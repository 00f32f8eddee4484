"""The load: keep-alive connections that each send the next prebuilt request as soon as the last one is answered.

A process of its own, so that it can be pinned to another core than the server. It prints one JSON object, a `Result`;
`python -m benchmarks` also measures its ceiling against a server that answers without thinking.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import uvloop

from benchmarks.processes import cpu_seconds, pin

SEPARATOR = b"\0"
#: Seconds that the last requests may take to be answered after the end.
PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class Result:
    """What one run saw. `seconds`, `tokens`, latencies (ms) and CPU seconds are of the measured window alone.

    `received`: tokens received in the whole run, warm-up and stragglers included, for comparison with the audit
    trail. `refused`: answers other than 200 by status, in the whole run; `lost`: connections that broke.
    """

    seconds: float
    tokens: int
    received: int
    refused: dict[str, int]
    lost: int
    p50: float
    p99: float
    longest: float
    server_cpu: float
    load_cpu: float
    first_refusal: str = ""


class Run:
    """What the connections share: the requests to come, the window, and what was seen."""

    def __init__(self, requests: Iterator[bytes], warm_up: float, seconds: float) -> None:
        self.requests = requests
        self.begins = time.perf_counter() + warm_up
        self.ends = self.begins + seconds
        self.received = 0
        self.lost = 0
        self.refused: Counter[str] = Counter()
        self.first_refusal = ""
        self.answered_at = array("d")
        self.latencies = array("d")
        self.open = 0
        self.finished = asyncio.get_running_loop().create_future()

    def close(self) -> None:
        """A connection has ended; the last one ends the run."""
        self.open -= 1
        if self.open == 0 and not self.finished.done():
            self.finished.set_result(None)


class Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.buffer = b""
        self.sent = 0.0
        self.transport: asyncio.Transport
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.run.open += 1

    def ask(self) -> None:
        """Send the next request, unless the time or the requests are over."""
        self.sent = time.perf_counter()
        request = next(self.run.requests, None) if self.sent < self.run.ends else None
        if request is None:
            self.ended = True
            self.transport.close()
        else:
            self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self.buffer:
            data = self.buffer + data
        head = data.find(b"\r\n\r\n")
        at = data.find(b"content-length: ", 0, head)
        if head < 0 or len(data) < head + 4 + int(data[at + 16 : data.find(b"\r", at)]):
            self.buffer = data
            return
        self.buffer = b""
        now = time.perf_counter()
        run = self.run
        if data.startswith(b"HTTP/1.1 200 ") and data.find(b'"access_token"', head) > 0:
            run.received += 1
            run.answered_at.append(now)
            run.latencies.append(now - self.sent)
        else:
            run.refused[data[9:12].decode("ascii", "replace")] += 1
            run.first_refusal = run.first_refusal or data[head + 4 :].decode("utf-8", "replace")[:300]
        self.ask()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.ended:
            self.run.lost += 1
        self.run.close()


async def drive(
    port: int, requests: Iterator[bytes], connections: int, warm_up: float, seconds: float, servers: list[int]
) -> Result:
    """Ask until the time or the requests are over. `servers`: processes whose CPU seconds are counted."""
    loop = asyncio.get_running_loop()
    run = Run(requests, warm_up, seconds)
    opened = [
        (await loop.create_connection(lambda: Connection(run), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    run.begins = time.perf_counter() + warm_up
    run.ends = run.begins + seconds
    for connection in opened:
        connection.ask()
    if warm_up:
        await asyncio.wait([run.finished], timeout=warm_up)
    begins, cpu_before, own_before = time.perf_counter(), cpu_seconds(servers), time.process_time()
    await asyncio.wait([run.finished], timeout=seconds)
    ends = time.perf_counter()
    server_cpu, load_cpu = cpu_seconds(servers) - cpu_before, time.process_time() - own_before
    await asyncio.wait([run.finished], timeout=PATIENCE)
    window = [index for index, at in enumerate(run.answered_at) if begins <= at < ends]
    latencies = sorted(run.latencies[index] for index in window) or [0.0]
    return Result(
        seconds=ends - begins,
        tokens=len(window),
        received=run.received,
        refused=dict(run.refused),
        lost=run.lost + (run.open if not run.finished.done() else 0),
        p50=latencies[len(latencies) // 2] * 1000,
        p99=latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)] * 1000,
        longest=latencies[-1] * 1000,
        server_cpu=server_cpu,
        load_cpu=load_cpu,
        first_refusal=run.first_refusal,
    )


def in_random_order(requests: list[bytes], seed: int, once: bool) -> Iterator[bytes]:
    """Every request once in random order, and then again in that order, unless `once`."""
    order = list(requests)
    random.Random(seed).shuffle(order)
    return iter(order) if once else itertools.cycle(order)


def main() -> None:
    """The command line of the load process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--requests", type=Path, required=True, help="prebuilt requests, separated by NUL")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--warm-up", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--once", action="store_true", help="send every request once, then stop")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--core", type=int, default=None)
    parser.add_argument("--server", type=int, action="append", default=[], help="process id of the server")
    given = parser.parse_args()
    pin(given.core)
    requests = in_random_order(given.requests.read_bytes().split(SEPARATOR), given.seed, given.once)
    result = uvloop.run(
        drive(given.port, requests, given.connections, given.warm_up, given.seconds, given.server)
    )
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    main()
