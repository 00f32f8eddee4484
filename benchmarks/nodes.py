"""`python -m benchmarks.nodes`: nodes on PostgreSQL beside the one on SQLite, asked for tokens over HTTP.

Every commit is on disk before it is answered, and limits are counted on Valkey. Rounds take turns with each other and
with the bare signing rate. The load, the database and Valkey share this machine with the nodes, so processor time says
more than the clock: of the nodes, and of the database and Valkey on top.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks import machine
from benchmarks.installation import AUDIENCE, ENVIRONMENT, SCOPES, Installation, free_port, install, request
from benchmarks.load import SEPARATOR, Result
from benchmarks.processes import cores, cpu_seconds, family, memory_mib
from benchmarks.report import figure
from benchmarks.servers import Server, start_server
from benchmarks.suite import WARM_UP, Say, drive, fresh_folder, raw_on
from tests.postgres import Postgres
from tests.valkeys import Valkey

#: The least share of the raw signing rate per core, and how much slower many clients may be than few.
BAR, MANY_BAR = 0.20, 0.15


@dataclass(slots=True)
class Row:
    """Servers that are asked together. `others`: processes that work for them."""

    name: str
    made: Sequence[Installation]
    servers: Sequence[Server]
    others: Callable[[], list[int]]
    rounds: list[list[Result]] = field(default_factory=list)
    spent: list[tuple[float, float]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Tokens per second of all its servers, the median of the rounds."""
        return statistics.median(sum(figure(result, "rate") for result in results) for results in self.rounds)

    @property
    def per_core(self) -> float:
        """Tokens per second of its servers' processor time."""
        return statistics.median(1 / own for own, _ in self.spent)

    def line(self, raw: float) -> str:
        """A line of the table."""
        results = [result for results in self.rounds for result in results]
        own, others = (1e6 * statistics.median(spent[place] for spent in self.spent) for place in (0, 1))
        p50, p99 = (statistics.median(getattr(result, name) for result in results) for name in ("p50", "p99"))
        resident = max(memory_mib(server.worker)[0] for server in self.servers)
        return (
            f"{self.name:44}{self.rate:9,.0f}{self.rate / len(self.servers) / raw:7.0%}{self.per_core:10,.0f}"
            f"{self.per_core / raw:7.0%}{own:9.0f}{others:9.0f}{p50:8.1f}{p99:8.1f}{resident:6.0f}"
        )


class Nodes:
    """Measures in `directory`, which is on the disk that the figures are about."""

    def __init__(self, directory: Path, seconds: float, say: Say) -> None:
        self.directory, self.seconds, self.say = directory, seconds, say
        self.cores = cores()
        self.received = 0
        self.faults = 0

    def run(self, few: int, clients: int, active: int, rounds: int) -> int:
        """Everything, in one go; how many bars were missed."""
        with ExitStack() as stack:
            server = Postgres("shared_buffers=256MB", "max_wal_size=4GB", port=free_port())
            stack.callback(server.remove)
            valkey = Valkey(self.directory)
            stack.callback(valkey.kill)
            shared = f'valkey = "{valkey.url}"\n'
            assert server.process is not None
            database = server.process.pid

            def others() -> list[int]:
                return [*family(database), valkey.pid]

            def on_postgres(name: str, count: int) -> Installation:
                with psycopg.connect(str(_url(server, "postgres")), autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE {name}")
                return install(self.directory / name, "ES256", count, _url(server, name), shared)

            self.say(f"installations with {few:,} clients ...")
            on_file = install(self.directory / "sqlite", "ES256", few)
            one = on_postgres("few", few)
            two = one.copy(self.directory / "two")
            self.say(f"an installation with {clients:,} clients, by `mintmark admin client import-file` ...")
            large = on_postgres("many", 0)
            imported = self._import(large, clients, active)
            rows = [
                self._row(stack, f"SQLite, {few:,} clients", [on_file], list),
                self._row(stack, f"PostgreSQL, 1 node, {few:,} clients", [one], others),
                self._row(stack, f"PostgreSQL, 2 nodes, {few:,} clients", [one, two], others),
                self._row(stack, f"PostgreSQL, 1 node, {clients:,} clients, {active:,} ask", [large], others),
            ]
            raw = self._measure(rows, rounds)
            return self._report(rows, raw, imported)

    def _row(
        self, stack: ExitStack, name: str, made: Sequence[Installation], others: Callable[[], list[int]]
    ) -> Row:
        places = [each.copy(self.directory / f"{each.directory.name}-{len(name)}") for each in made]
        servers = [
            stack.enter_context(start_server(each, durable=True, core=self.cores[number % 2]))
            for number, each in enumerate(places)
        ]
        return Row(name, places, servers, others)

    def _import(self, made: Installation, clients: int, active: int) -> str:
        names, secrets = made.directory / "clients.jsonl", made.directory / "secrets.jsonl"
        names.touch(0o600)
        with names.open("w") as file:
            for number in range(clients):
                line = {"client_id": f"client-{number:07}", "allow": [" ".join((AUDIENCE, *SCOPES))]}
                file.write(json.dumps(line) + "\n")
        command = [
            sys.executable,
            "-m",
            "mintmark.compose.main",
            "admin",
            "client",
            "import-file",
            ENVIRONMENT,
        ]
        begun = time.monotonic()
        subprocess.run(
            [*command, str(names), "--output", str(secrets), "--config", str(made.config)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds = time.monotonic() - begun
        step = max(1, clients // active)
        with secrets.open() as file, made.requests.open("wb") as to:
            for number, line in enumerate(file):
                if number % step == 0:
                    told = json.loads(line)
                    sent = request(told["client_id"], told["client_secret"], basic=number // step % 2 == 0)
                    to.write(SEPARATOR * bool(number) + sent)
        return f"{clients:,} clients imported in {seconds:,.0f} s ({clients / seconds:,.0f}/s)"

    def _measure(self, rows: Sequence[Row], rounds: int) -> float:
        for row in rows:
            self.say(f"{row.name}: every client once ...")
            for made, server in zip(row.made, row.servers, strict=True):
                self._count([self._drive(made, server, 0, once=True)])
        raw = []
        for number in range(rounds):
            raw.append(raw_on("ES256", self.seconds, self.cores[0]))
            for row in rows:
                self._round(row, number + 1)
                self.say(
                    f"round {number + 1}, {row.name}: {sum(figure(r, 'rate') for r in row.rounds[-1]):,.0f}/s"
                )
        return statistics.median(raw)

    def _round(self, row: Row, number: int) -> None:
        own = [pid for server in row.servers for pid in family(server.pid)]
        before = cpu_seconds(own), cpu_seconds(row.others())
        with ThreadPoolExecutor(len(row.servers)) as pool:
            driving = [
                pool.submit(self._drive, made, server, number)
                for made, server in zip(row.made, row.servers, strict=True)
            ]
            results = [each.result() for each in driving]
        spent = cpu_seconds(own) - before[0], cpu_seconds(row.others()) - before[1]
        received = self._count(results)
        row.rounds.append(results)
        row.spent.append((spent[0] / received, spent[1] / received))

    def _count(self, results: Sequence[Result]) -> int:
        received = sum(result.received for result in results)
        self.received += received
        self.faults += sum(sum(result.refused.values()) + result.lost for result in results)
        return received

    def _drive(self, made: Installation, server: Server, seed: int, *, once: bool = False) -> Result:
        more, seconds, warm_up = (["--once"], 1200.0, 0.0) if once else ([], self.seconds, WARM_UP)
        return drive(server, made.requests, more, seconds, warm_up, seed, self.cores[1], self.say)

    def _report(self, rows: Sequence[Row], raw: float, imported: str) -> int:
        print(machine.this_machine(self.directory).describe())
        print(f"raw ES256 on one core: {raw:,.0f} signatures/s; medians; shares are of that rate, per node\n")
        print(f"{'':44}     all              per node's CPU   CPU us/token       ms")
        print(f"{'':44} tokens/s  share  tokens/s  share    node    others     p50     p99   MiB")
        for row in rows:
            print(row.line(raw))
        print(f"\n{imported}")
        missed = 0
        for met, sentence in self._verdicts(rows, raw):
            missed += not met
            print(f"{'met   ' if met else 'MISSED'}  {sentence}")
        return missed

    def _verdicts(self, rows: Sequence[Row], raw: float) -> Iterator[tuple[bool, str]]:
        _, one, _, many = rows
        share = one.per_core / raw
        yield (
            share >= BAR,
            f"PostgreSQL: {share:.0%} of the raw signing rate per core of a node (at least {BAR:.0%})",
        )
        slower = 1 - many.per_core / one.per_core
        yield (
            slower <= MANY_BAR,
            f"{many.name}: {-slower:+.0%} tokens of a core against few (at most {MANY_BAR:.0%} slower)",
        )
        recorded = {made.postgres or str(made.directory): made for row in rows for made in row.made}
        books = [made.books() for made in recorded.values()]
        exact = sum(each.events for each in books) == self.received and self.faults == 0
        exact = exact and all(each.counted == each.of_limited for each in books)
        yield (
            exact,
            f"{self.received:,} tokens received, as many audit events and counts; {self.faults} other answers",
        )


def _url(server: Postgres, name: str) -> str:
    return server.url(name).render_as_string(hide_password=False)


def main() -> int:
    """Measure, print, and answer 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nodes", description=__doc__)
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--clients", type=int, default=50_000)
    parser.add_argument("--active", type=int, default=5_000, help="clients of those that ask")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a round")
    parser.add_argument(
        "--directory", type=Path, default=Path("build"), help="where the files are put (a disk)"
    )
    given = parser.parse_args()
    with fresh_folder(given.directory.resolve()) as place:
        nodes = Nodes(place, given.seconds, lambda line: print(line, file=sys.stderr, flush=True))
        return 1 if nodes.run(given.few, given.clients, given.active, given.rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
