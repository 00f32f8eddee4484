"""Every module opens with its contract, stays short, and is named after what it holds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from checks import tracked

LONGEST = 320
NAMES_THAT_SAY_NOTHING = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}


def problems(root: Path) -> Iterator[str]:
    """Yield a sentence for each module under src/mintmark that breaks a rule of the house."""
    source = root / "src" / "mintmark"
    for path in tracked.files(root, ".py"):
        if not path.is_relative_to(source):
            continue
        place = path.relative_to(root)
        text = path.read_text(encoding="utf-8")
        lines = text.count("\n")
        if ast.get_docstring(ast.parse(text)) is None:
            yield f"{place}:1: the module does not open with a docstring that states its contract"
        if lines >= LONGEST:
            yield f"{place}:{lines}: {lines} lines, {LONGEST - 1} are allowed: look for a second noun"
        for part in place.with_suffix("").parts:
            if part in NAMES_THAT_SAY_NOTHING:
                yield f"{place}:1: '{part}' says nothing: name it after what it holds"
