"""Changelog fragments are one sentence each, in a file whose name says the type."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from checks import tracked

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def problems(root: Path) -> Iterator[str]:
    """Yield a sentence for each file in changelog.d/ that towncrier or a reader would stumble over."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
    types = sorted(entry["directory"] for entry in settings["type"])
    folder = root / settings["directory"]
    for path in tracked.files(root):
        if not path.is_relative_to(folder) or path.name in settings["ignore"]:
            continue
        place = path.relative_to(root)
        slug, _, ending = path.name.partition(".")
        if not SLUG.fullmatch(slug) or ending not in {f"{name}.md" for name in types}:
            yield f"{place}: the name is not <short-slug>.<type>.md with a type of {', '.join(types)}"
        text = path.read_text(encoding="utf-8").strip()
        if (
            not text
            or "\n\n" in text
            or not text.endswith((".", ".)", ".`"))
            or text.startswith(("-", "*", "#"))
        ):
            yield f"{place}:1: not one plain sentence for users, ending in a full stop"
