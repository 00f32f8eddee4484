"""The figures of one run: what was measured, the bars they are held against, and how they are shown."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.installation import Books
from benchmarks.load import Result
from benchmarks.machine import Machine
from mintmark.values.tenancy import Algorithm

#: The least share of the raw signing rate, durable audit on.
BARS: dict[Algorithm, float] = {"ES256": 0.20, "RS256": 0.70}
#: The most memory of a worker, MiB, and how much slower many clients may be than few.
MEMORY_BAR, SCALE_BAR = 150.0, 0.10


@dataclass(frozen=True, slots=True)
class Served:
    """One server's part of a run: its rounds, its memory after them, and what its audit trail holds.

    `first`: every client asked once, with nothing in memory yet. `books`: what is on record, None for a server
    that keeps nothing.
    """

    first: Result
    rounds: Sequence[Result]
    resident: float
    proportional: float
    books: Books | None

    @property
    def received(self) -> int:
        """Tokens that the load received."""
        return sum(result.received for result in (self.first, *self.rounds))

    @property
    def faults(self) -> int:
        """Answers other than a token, and connections that broke."""
        return sum(sum(result.refused.values()) + result.lost for result in (self.first, *self.rounds))

    @property
    def true(self) -> bool:
        """Whether there was no fault, and exactly the tokens that were received are on record."""
        books = self.books
        recorded = books is None or (books.events == self.received and books.counted == books.of_limited)
        return recorded and self.faults == 0

    def median(self, of: str) -> float:
        """The median of a figure over the rounds: ``rate``, ``per_cpu_second``, ``busy``, ``p50``, ``p99`` ..."""
        return statistics.median(figure(result, of) for result in self.rounds)

    def spread(self) -> float:
        """How far the slowest and the fastest round lie apart, as a share of the median rate."""
        rates = [figure(result, "rate") for result in self.rounds]
        return (max(rates) - min(rates)) / statistics.median(rates)


def figure(result: Result, of: str) -> float:
    """A figure of one run of the load."""
    if of == "rate":
        return result.tokens / result.seconds
    if of == "per_cpu_second":
        return result.tokens / result.server_cpu if result.server_cpu else 0.0
    if of == "busy":
        return result.server_cpu / result.seconds
    return float(getattr(result, of))


@dataclass(frozen=True, slots=True)
class Signed:
    """One algorithm: bare signatures per second, the server with and without a durable audit trail, and the rounds of a
    prototype (`prototype.py`) on the same machine.
    """

    algorithm: Algorithm
    raw: Sequence[float]
    durable: Served
    undurable: Served | None
    prototype: Sequence[Result]

    @property
    def ratio(self) -> float:
        """Tokens per second of one core, durable audit on, as a share of the raw signing rate."""
        return self.durable.median("rate") / statistics.median(self.raw)

    def prototype_ratio(self, of: str) -> float:
        """What the prototype reaches of the raw signing rate."""
        return statistics.median(figure(result, of) for result in self.prototype) / statistics.median(
            self.raw
        )

    @property
    def ratio_of_processor_time(self) -> float:
        """The same by processor time: what the ratio would be if the server never waited for disk or core."""
        return self.durable.median("per_cpu_second") / statistics.median(self.raw)


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. `scale`: clients in the database -> the same ES256 server with so many. `ceiling`: the load alone."""

    machine: Machine
    clients: int
    connections: int
    seconds: float
    same_core: bool
    ceiling: Result
    algorithms: Sequence[Signed]
    scale: dict[int, Served] = field(default_factory=dict)

    def verdicts(self) -> Iterable[tuple[bool, str]]:
        """Each bar: whether it is met, and a sentence with the figures."""
        for signed in self.algorithms:
            bar, busy = BARS.get(signed.algorithm), signed.durable.median("busy")
            if bar is not None:
                clock, processor = (signed.prototype_ratio(of) for of in ("rate", "per_cpu_second"))
                yield (
                    signed.ratio >= bar,
                    f"{signed.algorithm}: {signed.ratio:.0%} of the raw signing rate (at least {bar:.0%}; by processor "
                    f"time {signed.ratio_of_processor_time:.0%}; a bare prototype {clock:.0%}, {processor:.0%}; "
                    f"the server ran {busy:.0%} of the time)",
                )
        if len(self.scale) > 1:
            few, many = min(self.scale), max(self.scale)
            rates = {count: self.scale[count].median("rate") for count in (few, many)}
            slower = 1 - rates[many] / rates[few]
            yield (
                slower <= SCALE_BAR,
                f"{many:,} clients: {rates[many]:,.0f} tokens/s, {few:,} clients: {rates[few]:,.0f} "
                f"({-slower:+.0%}; at most {SCALE_BAR:.0%} slower)",
            )
        servers = [signed.durable for signed in self.algorithms]
        largest = max(server.resident for server in servers)
        yield (
            largest < MEMORY_BAR,
            f"a worker holds {largest:.0f} MiB with {self.clients:,} clients (under {MEMORY_BAR:.0f})",
        )
        everything = [*servers, *self.scale.values()]
        everything += [signed.undurable for signed in self.algorithms if signed.undurable]
        tokens, faults = sum(one.received for one in servers), sum(one.faults for one in everything)
        yield (
            all(one.true for one in everything),
            f"{tokens:,} tokens received, as many audit events and counts; {faults} other answers",
        )

    def write(self, path: Path) -> None:
        """Everything that was measured, as JSON."""
        verdicts = [{"met": met, "bar": sentence} for met, sentence in self.verdicts()]
        path.write_text(json.dumps({**asdict(self), "verdicts": verdicts}, indent=1) + "\n")

    def text(self) -> str:
        """A table for people."""
        rounds = len(self.algorithms[0].raw)
        lines = [
            self.machine.describe(),
            f"{self.connections} keep-alive connections, {self.clients:,} clients in random order, half of them "
            "client_secret_basic, half client_secret_post;",
            f"medians of {rounds} interleaved rounds of {self.seconds:g} s; one worker on one core, the load on "
            f"{'the same core (there is only one)' if self.same_core else 'another'};",
            f"the load drives {figure(self.ceiling, 'rate'):,.0f} requests/s at a fixed answer "
            f"(p99 {self.ceiling.p99:.2f} ms).",
            "",
            "              raw sign   ---------------- durable audit on ----------------   ---- audit off ----",
            "                    /s   tokens/s  of raw   /CPU s     p50     p99 ms  spread   tokens/s   /CPU s   MiB",
        ]
        for signed in self.algorithms:
            durable, other = signed.durable, signed.undurable
            lines.append(
                f"{signed.algorithm:10}{statistics.median(signed.raw):12,.0f}{durable.median('rate'):11,.0f}"
                f"{signed.ratio:8.0%}{durable.median('per_cpu_second'):9,.0f}{durable.median('p50'):8.2f}"
                f"{durable.median('p99'):11.2f}{durable.spread():8.0%}"
                + (
                    f"{other.median('rate'):11,.0f}{other.median('per_cpu_second'):9,.0f}"
                    if other
                    else f"{'-':>11}{'-':>9}"
                )
                + f"{durable.resident:6.0f}"
            )
        if self.scale:
            lines += ["", "ES256, clients in the database, all of them asked:"]
            lines += ["   clients   asked first: tokens/s   then: tokens/s   /CPU s     p50     p99 ms   MiB"]
        for count, served in sorted(self.scale.items()):
            lines.append(
                f"{count:10,}{figure(served.first, 'rate'):24,.0f}{served.median('rate'):17,.0f}"
                f"{served.median('per_cpu_second'):9,.0f}{served.median('p50'):8.2f}{served.median('p99'):11.2f}"
                f"{served.resident:6.0f}"
            )
        lines.append("")
        lines += [f"{'met   ' if met else 'MISSED'}  {sentence}" for met, sentence in self.verdicts()]
        return "\n".join(lines)
