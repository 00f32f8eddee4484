"""The run: installations are made, servers started, and raw signing, audit on, audit off and a prototype measured in
turns.

Turns, so that a machine that slows down or speeds up in between does so for all of them alike.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import machine
from benchmarks.installation import Installation, install
from benchmarks.load import Result
from benchmarks.processes import cores, family, memory_mib
from benchmarks.report import Report, Served, Signed
from benchmarks.servers import Server, start_fixed_answer, start_prototype, start_server
from mintmark.values.tenancy import Algorithm

WARM_UP = 0.5
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    algorithms: tuple[Algorithm, ...] = ("ES256", "EdDSA", "RS256")
    clients: int = 10_000
    connections: int = 32
    rounds: int = 3
    seconds: float = 4.0
    scale: tuple[int, ...] = (10, 100_000)


@dataclass(slots=True)
class Measured:
    """A running server and what the load has seen of it so far."""

    installation: Installation
    server: Server
    durable: bool
    first: Result | None = None
    rounds: list[Result] = field(default_factory=list)

    def finish(self) -> Served:
        """Read memory, stop the server and count its records."""
        assert self.first is not None
        resident, proportional = memory_mib(self.server.worker)
        self.server.stop()
        books = self.installation.books() if self.durable else None
        return Served(self.first, self.rounds, resident, proportional, books)


class Bench:
    """Measures in `directory`, which is on the disk that the figures are about."""

    def __init__(self, directory: Path, plan: Plan, say: Say) -> None:
        self.directory, self.plan, self.say = directory, plan, say
        self.server_core, self.load_core = cores()

    def run(self) -> Report:
        """Everything, in one go."""
        plan = self.plan
        described = machine.this_machine(self.directory)
        self.say(described.describe())
        ceiling = self._ceiling()
        with ExitStack() as stack:
            algorithms = self._algorithms(stack)
        with ExitStack() as stack:
            scale = self._scale(stack)
        return Report(
            machine=described,
            clients=plan.clients,
            connections=plan.connections,
            seconds=plan.seconds,
            same_core=self.server_core == self.load_core,
            ceiling=ceiling,
            algorithms=algorithms,
            scale=scale,
        )

    @contextmanager
    def running(self, algorithm: Algorithm, clients: int) -> Iterator[Measured]:
        """One real server, every client of which has been asked once."""
        with ExitStack() as stack:
            yield self._start(stack, install(self.directory / algorithm, algorithm, clients), durable=True)

    def load_beside(self, measured: Measured, work: Callable[[], None]) -> Result:
        """Drive a server while `work` runs, which takes at most the seconds of a round."""
        with ThreadPoolExecutor(1) as pool:
            seconds = self.plan.seconds + 4
            made = measured.installation
            loading = pool.submit(self._drive, measured.server, made.requests, [], seconds, WARM_UP, 1)
            work()
            return loading.result()

    def _algorithms(self, stack: ExitStack) -> list[Signed]:
        raw: dict[Algorithm, list[float]] = {name: [] for name in self.plan.algorithms}
        durable: dict[Algorithm, Measured] = {}
        undurable: dict[Algorithm, Measured] = {}
        prototype: dict[Algorithm, Measured] = {}
        for name in self.plan.algorithms:
            self.say(f"{name}: an installation with {self.plan.clients:,} clients ...")
            made = install(self.directory / name, name, self.plan.clients)
            copy = made.copy(self.directory / f"{name}-undurable")
            durable[name] = self._start(stack, made, durable=True)
            undurable[name] = self._start(stack, copy, durable=False)
            bare = stack.enter_context(start_prototype(made, name, self.server_core))
            prototype[name] = Measured(made, bare, durable=False)
        for number in range(self.plan.rounds):
            for name in self.plan.algorithms:
                raw[name].append(raw_on(name, self.plan.seconds, self.server_core))
                self._round(durable[name], number)
                self._round(undurable[name], number)
                self._round(prototype[name], number)
                last = durable[name].rounds[-1]
                self.say(
                    f"round {number + 1}, {name}: {last.tokens / last.seconds:,.0f} tokens/s of "
                    f"{raw[name][-1]:,.0f} signatures/s"
                )
        return [
            Signed(name, raw[name], durable[name].finish(), undurable[name].finish(), prototype[name].rounds)
            for name in self.plan.algorithms
        ]

    def _scale(self, stack: ExitStack) -> dict[int, Served]:
        measured = {}
        for count in self.plan.scale:
            self.say(f"ES256: an installation with {count:,} clients ...")
            made = install(self.directory / f"scale-{count}", "ES256", count)
            measured[count] = self._start(stack, made, durable=True)
        for number in range(self.plan.rounds):
            for one in measured.values():
                self._round(one, number)
        return {count: one.finish() for count, one in measured.items()}

    def _start(self, stack: ExitStack, made: Installation, *, durable: bool) -> Measured:
        server = stack.enter_context(start_server(made, durable=durable, core=self.server_core))
        measured = Measured(made, server, durable)
        measured.first = self._load(made, server, seed=0, once=True)
        return measured

    def _round(self, measured: Measured, number: int) -> None:
        measured.rounds.append(self._load(measured.installation, measured.server, seed=number + 1))

    def _load(self, made: Installation, server: Server, *, seed: int, once: bool = False) -> Result:
        seconds, warm_up = (600.0, 0.0) if once else (self.plan.seconds, WARM_UP)
        return self._drive(server, made.requests, ["--once"] if once else [], seconds, warm_up, seed)

    def _drive(
        self, server: Server, requests: Path, more: list[str], seconds: float, warm_up: float, seed: int
    ) -> Result:
        more = [*more, "--connections", str(self.plan.connections)]
        return drive(server, requests, more, seconds, warm_up, seed, self.load_core, self.say)

    def _ceiling(self) -> Result:
        requests = self.directory / "ceiling-requests"
        body = b"grant_type=client_credentials"
        head = b"POST /t/bench/production/oauth/token HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        head += b"authorization: Basic " + b"x" * 72 + b"\r\ncontent-length: %d\r\n\r\n"
        requests.write_bytes(head % len(body) + body)
        with start_fixed_answer(core=self.server_core) as server:
            return self._drive(server, requests, [], self.plan.seconds, WARM_UP, 1)


def drive(
    server: Server,
    requests: Path,
    more: Sequence[str],
    seconds: float,
    warm_up: float,
    seed: int,
    core: int,
    say: Say,
) -> Result:
    """One run of the load, a process of its own on `core`. `more`: of its options."""
    command = [sys.executable, "-m", "benchmarks.load", "--port", str(server.port), *more]
    command += ["--requests", str(requests), "--warm-up", str(warm_up), "--seconds", str(seconds)]
    command += ["--seed", str(seed), "--core", str(core)]
    for pid in family(server.pid):
        command += ["--server", str(pid)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result = Result(**json.loads(done.stdout))
    if result.first_refusal:
        say(f"refused: {result.refused} {result.first_refusal}")
    return result


def raw_on(algorithm: Algorithm, seconds: float, core: int) -> float:
    """Bare signatures per second, in a process of its own on `core`."""
    command = [sys.executable, "-m", "benchmarks.signing", "--algorithm", algorithm]
    command += ["--seconds", str(seconds), "--core", str(core)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@contextmanager
def fresh_folder(directory: Path) -> Iterator[Path]:
    """A folder of its own below `directory`, removed afterwards."""
    directory.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="mintmark-bench-", dir=directory))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def bench(directory: Path, plan: Plan, say: Say) -> Report:
    """Measure in a fresh folder below `directory`."""
    with fresh_folder(directory) as place:
        return Bench(place, plan, say).run()
