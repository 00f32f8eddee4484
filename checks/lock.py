"""requirements.lock holds every package that pyproject.toml names, in an admitted version, with hashes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)[^\\]*(?P<more>\\?)$")


def problems(root: Path) -> Iterator[str]:
    """Yield a sentence for each requirement that the lock does not satisfy."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(line for extra in project["project"]["optional-dependencies"].values() for line in extra),
    ]
    locked: dict[str, set[str]] = {}
    for number, line in enumerate((root / "requirements.lock").read_text(encoding="utf-8").splitlines(), 1):
        if re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?", line):
            continue
        pin = PINNED.match(line)
        if pin is None or not pin["more"]:
            yield f"requirements.lock:{number}: not a pinned package with hashes: run 'make lock'"
            continue
        locked.setdefault(canonicalize_name(pin["name"]), set()).add(pin["version"])
    for requirement in map(Requirement, wanted):
        versions = locked.get(canonicalize_name(requirement.name), set())
        if not versions or not all(requirement.specifier.contains(version) for version in versions):
            yield f"requirements.lock: nothing satisfies '{requirement}' of pyproject.toml: run 'make lock'"
