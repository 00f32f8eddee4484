"""`mintmark migrate-store`: everything of one database into another, each named as the setting `database` names it."""

from __future__ import annotations

import os
from pathlib import Path

from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.cli.services import Failure, MovedStore, Progress, StoreMove, UsageFault
from mintmark.compose.installation import open_database_at
from mintmark.storage import moving, schema
from mintmark.storage.database import Database
from mintmark.storage.engines.place import place


def move_store(options: StoreMove, progress: Progress) -> MovedStore:
    """Move it. Raises UsageFault before anything is copied, Failure when the copy is not good."""
    source, target = _place("FROM", options.source), _place("TO", options.target)
    if source == target:
        raise UsageFault("FROM and TO are the same database")
    if isinstance(source, Path) and not source.is_file():
        raise UsageFault(f"{source}: there is no database")
    here = open_database_at(source, options.source_password)
    try:
        if isinstance(target, Path):
            _make_private(target)
        there = open_database_at(target, options.target_password)
        try:
            return _move(here, there, progress)
        finally:
            there.close()
    finally:
        here.close()


def _move(here: Database, there: Database, progress: Progress) -> MovedStore:
    try:
        moved = moving.move(here, there, progress)
    except (moving.MoveFault, schema.SchemaMismatch) as fault:
        raise UsageFault(str(fault)) from None
    except StorageUnavailable as fault:
        raise Failure(f"{fault} What was copied stays: repeat the command to go on.") from None
    return MovedStore(here.name, there.name, moved.rows, moved.digests)


def _place(name: str, text: str) -> Path | str:
    try:
        found = place(text)
    except ValueError as fault:
        raise UsageFault(f"{name}: {fault}") from None
    return found.resolve() if isinstance(found, Path) else found


def _make_private(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as fault:
        raise UsageFault(f"{path}: this file cannot be made: {fault.strerror}") from None
