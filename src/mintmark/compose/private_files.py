"""Files that only their owner may read, written so that a reader sees the old content or the new, never a part."""

from __future__ import annotations

import os
from pathlib import Path

from mintmark.cli.faults import UsageFault


def write_private(path: Path, text: str) -> None:
    """Replace `path` by a file of mode 0600 with `text`, synced to disk. Raises UsageFault."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(descriptor, 0o600)
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as fault:
        raise UsageFault(f"{path}: this file cannot be written: {fault.strerror}") from None


def private_directory(path: Path) -> None:
    """Make the directory, for its owner alone, if it is not there. Raises UsageFault."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise UsageFault(f"{path}: this directory cannot be made: {fault.strerror}") from None
