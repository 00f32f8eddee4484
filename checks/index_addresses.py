"""No file of the project names a package index: which one serves an installation is the machine's affair."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from checks import tracked

# Written in pieces, so that this file does not find itself.
INDEX = re.compile(
    r"--(?:extra-)?index"
    + r"-url|--find"
    + r"-links|PIP_(?:EXTRA_)?INDEX"
    + r"_URL|\[\[tool\.uv\.index"
    + r"\]\]"
    r"|https?://[^\s/\"'<>]+(?:/[^\s\"'<>]*)?/sim"
    + r"ple\b|https?://(?:files\.python"
    + r"hosted|pypi\.python)\.org",
    re.IGNORECASE,
)


def problems(root: Path) -> Iterator[str]:
    """Yield a sentence for each line that names a package index."""
    for path, text in tracked.texts(root):
        for number, line in enumerate(text.splitlines(), 1):
            if INDEX.search(line):
                yield f"{path.relative_to(root)}:{number}: names a package index; leave that to the machine"
