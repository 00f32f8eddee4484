"""Print the lines of requirements.lock that `mintmark[server]` needs, with their hashes, and nothing of the rest.

    python server_requirements.py requirements.lock

Run by the interpreter of an environment into which the whole lock was installed: who needs whom is asked there.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"^([A-Za-z0-9._-]+)==")


def needed(extras: set[str]) -> set[str]:
    """The distributions that are needed, by their canonical names, without our own."""
    found: set[tuple[str, str]] = set()
    waiting = [("mintmark", extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        for requirement in map(Requirement, requires(name) or []):
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
                continue
            for each in ("", *requirement.extras):
                key = (canonicalize_name(requirement.name), each)
                if key not in found:
                    found.add(key)
                    waiting.append(key)
    return {name for name, _ in found}


def main(lock: Path) -> None:
    """Print each needed block: the line of the pin and the lines of its hashes."""
    wanted, taking = needed({"server"}), False
    for line in lock.read_text("utf-8").splitlines():
        pin = PIN.match(line)
        if pin is not None:
            taking = canonicalize_name(pin[1]) in wanted
        if taking:
            print(line)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
