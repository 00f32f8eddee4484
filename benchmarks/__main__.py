"""`python -m benchmarks`: tokens per second and core, against the raw signing rate of the same key, in one run."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.profiling import profile
from benchmarks.suite import Plan, bench


def main() -> int:
    """Measure, print, and answer 1 when a bar is missed."""
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round of each, for a first look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure there")
    parser.add_argument(
        "--directory", type=Path, default=Path("build"), help="where databases are put (a disk)"
    )
    parser.add_argument("--clients", type=int, default=usual.clients)
    parser.add_argument("--rounds", type=int, default=usual.rounds)
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="length of a round")
    parser.add_argument(
        "--no-scale", action="store_true", help="leave out the runs with 10 and 100,000 clients"
    )
    parser.add_argument("--profile", action="store_true", help="say instead where the time of a token goes")
    given = parser.parse_args()
    plan = Plan(clients=given.clients, rounds=given.rounds, seconds=given.seconds)
    if given.profile:
        print(profile(given.directory, plan, say))
        return 0
    if given.quick:
        plan = replace(plan, rounds=1, seconds=1.5, scale=(10, 20_000))
    if given.no_scale:
        plan = replace(plan, scale=())
    report = bench(given.directory, plan, say)
    print(f"\n{report.text()}")
    if given.json is not None:
        report.write(given.json)
    return 0 if all(met for met, _ in report.verdicts()) else 1


def say(line: str) -> None:
    """Progress goes to standard error, so that standard output is the report."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
