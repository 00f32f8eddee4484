"""A hundred nodes on one database, simulated: group commits that take turns, and a quota that all of them count.

    python -m benchmarks.cluster                          the table and docs/images/scale.svg
    python -m benchmarks.cluster --per-token 0.04         with another measured constant (milliseconds)

Only the standard library, and the same figures for the same seed. Each node has one writing thread, as the server has:
it takes what waits (at most 512), queues for the one turn, holds it for `fixed + per_token * size`, and begins again.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

IMAGE = Path(__file__).parents[1] / "docs" / "images" / "scale.svg"
MOST = 512


@dataclass(frozen=True)
class Costs:
    """Milliseconds that a turn is held: for itself, and for each token in it."""

    fixed: float = 1.4
    per_token: float = 0.10

    def turn(self, size: int) -> float:
        """Seconds that a group of `size` holds the turn."""
        return (self.fixed + self.per_token * size) / 1000

    @property
    def ceiling(self) -> float:
        """Tokens a second when every group is full."""
        return MOST / self.turn(MOST)


@dataclass
class Outcome:
    """`waits`: seconds from the request to the commit of each token, sorted. `sizes`: of the groups.

    `issued`: tokens of the one client with a quota that were committed.
    """

    waits: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    issued: int = 0

    def quantile(self, share: float) -> float:
        """Milliseconds within which that share was committed."""
        return 1000 * self.waits[min(len(self.waits) - 1, int(share * len(self.waits)))]


class ExactCount:
    """As the server counts: in the transaction, raised by the group and what is beyond the limit given back."""

    def __init__(self, limit: int) -> None:
        self._limit, self._used = limit, 0

    def grant(self, _node: int, asked: int, _now: float) -> int:
        """How many of `asked` tokens may leave."""
        self._used += asked
        beyond = max(0, self._used - self._limit)
        self._used -= beyond
        return asked - beyond


class CountsNowAndThen:
    """For comparison: every node counts by itself and learns what the others have counted once in `period` seconds."""

    def __init__(self, limit: int, period: float) -> None:
        self._limit, self._period = limit, period
        self._used = 0
        self._seen: dict[int, tuple[float, int]] = {}

    def grant(self, node: int, asked: int, now: float) -> int:
        """How many of `asked` tokens the node believes may leave."""
        at, known = self._seen.get(node, (0.0, 0))
        if now - at >= self._period:
            at, known = now, self._used
        granted = max(0, min(asked, self._limit - known))
        self._used += granted
        self._seen[node] = at, known + granted
        return granted


def simulate(
    nodes: int,
    rate: float,
    seconds: float,
    costs: Costs,
    seed: int,
    *,
    share: float = 0.0,
    grant: Callable[[int, int, float], int] | None = None,
) -> Outcome:
    """`rate` tokens a second over all nodes, arriving at random. `share` of them are one client's: `grant` counts."""
    chance = random.Random(f"{seed}-{nodes}-{rate}")
    arrivals: list[tuple[float, int]] = []
    now = 0.0
    while (now := now + chance.expovariate(rate)) < seconds:
        arrivals.append((now, chance.randrange(nodes)))
    waiting: list[list[float]] = [[] for _ in range(nodes)]
    queue: deque[tuple[int, list[float]]] = deque()
    busy = [False] * nodes
    outcome = Outcome()
    ends: list[tuple[float, int, list[float]]] = []  # at most one: the turn that is held
    place = 0

    def join(node: int) -> None:
        if waiting[node] and not busy[node]:
            group, waiting[node] = waiting[node][:MOST], waiting[node][MOST:]
            busy[node] = True
            queue.append((node, group))

    def begin(at: float) -> None:
        if queue and not ends:
            node, group = queue.popleft()
            heapq.heappush(ends, (at + costs.turn(len(group)), node, group))

    while place < len(arrivals) or ends:
        if ends and (place >= len(arrivals) or ends[0][0] <= arrivals[place][0]):
            at, node, group = heapq.heappop(ends)
            outcome.sizes.append(len(group))
            outcome.waits += [at - came for came in group]
            if grant is not None:
                asked = sum(chance.random() < share for _ in group)
                outcome.issued += grant(node, asked, at)
            busy[node] = False
            join(node)
        else:
            at, node = arrivals[place]
            place += 1
            waiting[node].append(at)
            join(node)
        begin(at)
    outcome.waits.sort()
    return outcome


# --- what is shown ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One line of a plot: its name, its colour and (x, y)."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]


def plot(title: str, below: str, lines: Sequence[Line], left: int, highest: float) -> str:
    """One plot as SVG, its left edge at `left`; what is above `highest` runs out of the picture at the top."""
    width, height, top = 330, 220, 46
    widest = 100

    def at(x: float, y: float) -> str:
        return f"{left + width * x / widest:.1f},{top + height * (1 - min(y, highest) / highest):.1f}"

    parts = [
        f'<text x="{left}" y="24" class="title">{title}</text>',
        f'<text x="{left + width}" y="{top + height + 34}" text-anchor="end">{below}</text>',
    ]
    for step in range(5):
        y = top + height * (1 - step / 4)
        x = left + width * step / 4
        parts.append(f'<path d="M{left},{y:.1f}h{width}" class="grid"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{highest * step / 4:g}</text>')
        parts.append(
            f'<text x="{x:.1f}" y="{top + height + 16}" text-anchor="middle">{widest * step / 4:,.0f}</text>'
        )
    for number, line in enumerate(lines):
        points = " ".join(at(x, y) for x, y in line.points)
        parts.append(f'<polyline points="{points}" stroke="{line.colour}"/>')
        parts.append(
            f'<text x="{left + 10}" y="{top + 16 + 16 * number}" fill="{line.colour}">{line.name}</text>'
        )
    return "\n".join(parts)


def picture(plots: Sequence[str]) -> str:
    """The whole image."""
    style = (
        "text{font:12px system-ui,sans-serif}.title{font-weight:600}"
        ".grid{stroke:#d0d4da;fill:none}polyline{fill:none;stroke-width:2}"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 820 310" role="img"><style>{style}</style>'
    return "\n".join([head, '<rect width="820" height="310" fill="#fff"/>', *plots, "</svg>\n"])


def main() -> None:
    """Print the tables and write the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--fixed", type=float, default=Costs.fixed, help="milliseconds that a turn costs by itself"
    )
    parser.add_argument(
        "--per-token", type=float, default=Costs.per_token, help="milliseconds for each token in it"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--image", type=Path, default=IMAGE)
    given = parser.parse_args()
    costs = Costs(given.fixed, given.per_token)
    print(f"a turn: {costs.fixed} ms + {costs.per_token} ms a token; at most {costs.ceiling:,.0f} tokens/s\n")
    print(f"{'nodes':>6}{'load':>7}{'tokens/s':>10}{'group':>7}{'p50 ms':>9}{'p99 ms':>9}")
    lines = []
    for nodes, colour in ((1, "#2f6fde"), (10, "#1d8a4e"), (100, "#c2410c")):
        points = []
        for share in (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95):
            rate = share * costs.ceiling
            outcome = simulate(nodes, rate, 4.0, costs, given.seed)
            group = sum(outcome.sizes) / len(outcome.sizes)
            half, most = outcome.quantile(0.5), outcome.quantile(0.99)
            print(f"{nodes:>6}{100 * share:>6.0f}%{rate:>10,.0f}{group:>7.1f}{half:>9.1f}{most:>9.1f}")
            points.append((100 * share, most))
        lines.append(Line(f"{nodes} nodes" if nodes > 1 else "1 node", colour, points))
    print(f"\n{'nodes':>6}{'quota':>8}{'exact':>8}{'a look a second':>17}")
    exact_points, loose_points = [], []
    for nodes in (1, 2, 4, 10, 25, 50, 100):
        limit, rate = 1000, 0.5 * costs.ceiling
        counts = ExactCount(limit), CountsNowAndThen(limit, 1.0)
        exact, loose = (
            simulate(nodes, rate, 4.0, costs, given.seed, share=0.2, grant=count.grant).issued
            for count in counts
        )
        assert exact == limit, f"{exact} tokens for a quota of {limit}"
        print(f"{nodes:>6}{limit:>8}{exact:>8}{loose:>17}")
        exact_points.append((nodes, exact))
        loose_points.append((nodes, loose))
    highest = 1600.0
    quota = [
        Line("counted in the transaction (ours)", "#1d8a4e", exact_points),
        Line("each node looks once a second", "#c2410c", loose_points),
    ]
    given.image.write_text(
        picture(
            [
                plot("99 % committed within (ms)", "load, % of the database's ceiling", lines, 60, highest),
                plot("tokens issued for a quota of 1,000", "nodes", quota, 470, 3000.0),
            ]
        ),
        "utf-8",
    )


if __name__ == "__main__":
    main()
