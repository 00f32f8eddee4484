"""Files that only their owner may read, written so that a reader sees the old content or the new, never a part."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mintmark.cli.faults import UsageFault


def write_private(path: Path, content: str | bytes) -> None:
    """Replace `path` by a file of mode 0600 with `content`, synced to disk. Raises UsageFault."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)
                file.write(content.encode() if isinstance(content, str) else content)
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


@contextlib.contextmanager
def new_file(target: Path) -> Iterator[BinaryIO]:
    """A file of mode 0600 that is at `target` when the context ends without a fault, and was not there before."""
    refuse_present(target)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(descriptor)
            _link(Path(name), target)
            _sync(target.parent)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as fault:
        raise UsageFault(f"{target}: this cannot be written: {fault.strerror}") from None


@contextlib.contextmanager
def work_folder(parent: Path) -> Iterator[Path]:
    """A folder to work in, for this user alone, gone when the context ends."""
    try:
        work = Path(tempfile.mkdtemp(prefix=".mintmark-work-", dir=parent))
    except OSError as fault:
        raise UsageFault(f"{parent}: nothing can be written there: {fault.strerror}") from None
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def refuse_present(path: Path) -> None:
    """Raises UsageFault when there is something at `path`, or a write-ahead log of a database there."""
    for each in (path, path.with_name(f"{path.name}-wal")):
        if os.path.lexists(each):
            raise UsageFault(
                f"{each}: this is there already and is never replaced; move it away, or name another place"
            )


def put_all(places: list[tuple[Path, Path]]) -> None:
    """Each draft at its place, or none of them. Raises UsageFault."""
    done: list[Path] = []
    place = Path()
    try:
        for draft, place in places:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _link(draft, place)
            done.append(place)
        for folder in {each.parent for each in done}:
            _sync(folder)
    except OSError as fault:
        for each in done:
            each.unlink()
        raise UsageFault(f"{place}: this cannot be put there: {fault.strerror}") from None


def _link(draft: Path, place: Path) -> None:
    """Move without replacing what is there."""
    try:
        os.link(draft, place)
    except FileExistsError:
        raise
    except OSError:  # A file system without links: between the look and the move somebody could come.
        if os.path.lexists(place):
            raise
        draft.rename(place)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
