"""Run every check on the repository in the current folder; exit 1 and name each fault if there is one."""

from __future__ import annotations

import sys
from pathlib import Path

from checks import docs, fragments, index_addresses, lock, modules

CHECKS = (docs, fragments, index_addresses, lock, modules)


def main() -> int:
    """Print each problem on its own line; return the exit code."""
    root = Path.cwd()
    found = [problem for check in CHECKS for problem in check.problems(root)]
    for problem in found:
        print(problem, file=sys.stderr)
    names = ", ".join(check.__name__.removeprefix("checks.") for check in CHECKS)
    print(f"checked {names}: " + (f"{len(found)} problems" if found else "nothing to complain of"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
