"""SQLite files that have their tables: migrated once per process, then copied."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from mintmark.storage import schema
from mintmark.storage.engines.sqlite import open_sqlite


def with_tables(path: Path) -> Path:
    """Write a database with its tables and nothing in them to `path`, and return that."""
    path.write_bytes(_migrated())
    return path


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.sqlite"
        database = open_sqlite(path)
        schema.create(database)
        database.close()
        return path.read_bytes()
