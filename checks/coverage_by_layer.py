"""Report branch coverage per layer and fail when a layer that decides about tokens is below its floor.

Reads the JSON report of coverage.py. A layer's figure is the share of its lines and branches that ran; the
branches alone must reach the floor too, so that straight-line code cannot hide an untried decision.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

FLOOR = 95.0
HELD_TO_THE_FLOOR = ("values", "wire", "dialect", "jose", "crypto", "authorization_server")
PACKAGE = "mintmark"


@dataclass(slots=True)
class Layer:
    """The sums of one layer: lines and branches, all and those that ran."""

    lines: int = 0
    lines_run: int = 0
    branches: int = 0
    branches_run: int = 0

    @property
    def together(self) -> float:
        """Percentage of lines and branches that ran; 100 where there are none."""
        return _percent(self.lines_run + self.branches_run, self.lines + self.branches)

    @property
    def branches_only(self) -> float:
        """Percentage of branches that ran; 100 where there are none."""
        return _percent(self.branches_run, self.branches)


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 100.0


def by_layer(report: dict[str, dict[str, dict[str, dict[str, int]]]]) -> dict[str, Layer]:
    """Add up the files of a coverage.py JSON report by the folder (or module) right under the package.

    Raises KeyError when the report was made without branches.
    """
    layers: dict[str, Layer] = defaultdict(Layer)
    for name, entry in report["files"].items():
        parts = Path(name).with_suffix("").parts
        inside = parts[len(parts) - parts[::-1].index(PACKAGE) :] if PACKAGE in parts else ()
        if not inside:
            continue
        summary = entry["summary"]
        layer = layers[inside[0] if inside != ("__init__",) else PACKAGE]
        layer.lines += summary["num_statements"]
        layer.lines_run += summary["covered_lines"]
        layer.branches += summary["num_branches"]
        layer.branches_run += summary["covered_branches"]
    return dict(layers)


def main(arguments: list[str]) -> int:
    """Print the table; return 1 when a layer is below the floor or was not measured at all."""
    path = Path(arguments[0])
    if not path.exists():
        print(
            f"coverage: {path} does not exist, so no test touched the package: run 'make test'",
            file=sys.stderr,
        )
        return 1
    layers = by_layer(json.loads(path.read_text(encoding="utf-8")))
    print(f"{'layer':<22}{'lines':>7}{'branches':>10}{'branches run':>14}{'together':>10}")
    order = [*HELD_TO_THE_FLOOR, *sorted(set(layers) - set(HELD_TO_THE_FLOOR))]
    low = []
    for name in order:
        layer = layers.get(name, Layer())
        held = name in HELD_TO_THE_FLOOR
        fails = held and (layer.lines_run == 0 or min(layer.together, layer.branches_only) < FLOOR)
        if fails:
            low.append(name)
        note = "" if not fails else f"  below {FLOOR:g} %" if layer.lines else "  not measured"
        shares = f"{layer.branches_only:>12.1f} %{layer.together:>8.1f} %"
        print(f"{name:<22}{layer.lines:>7}{layer.branches:>10}{shares}{note}")
    if low:
        print(f"coverage: {', '.join(low)} must reach {FLOOR:g} %", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
