"""Which files belong to the project: those that git tracks or would track, never what the commands made."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

BINARY_SNIFF = 4096


def files(root: Path, suffix: str = "") -> list[Path]:
    """Return the project's files under `root`, sorted, that end in `suffix`.

    Without git (an unpacked release, say) every file counts that stands in no hidden folder.
    """
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        env={
            name: value for name, value in os.environ.items() if not name.startswith("GIT_")
        },  # set in hooks
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0:
        found = [root / name for name in listing.stdout.decode().split("\0") if name]
    else:
        found = [
            path
            for path in root.rglob("*")
            if not any(part.startswith(".") for part in path.relative_to(root).parts[:-1])
        ]
    return sorted(path for path in found if path.is_file() and path.name.endswith(suffix))


def texts(root: Path) -> list[tuple[Path, str]]:
    """Return each of the project's text files with its content; binary files are left out."""
    pairs = []
    for path in files(root):
        content = path.read_bytes()
        if b"\0" not in content[:BINARY_SNIFF]:
            pairs.append((path, content.decode("utf-8", "replace")))
    return pairs
