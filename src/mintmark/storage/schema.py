"""The schema's life: created on an empty database, checked at every start, upgraded only by an explicit migration.

A database that a newer program wrote is refused; an older one is refused too, with the command that upgrades it.
The steps are Alembic's, in `migrations/versions`, each run wholly or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from mintmark.storage.database import Database

#: Every revision of the schema, oldest first; the last is this program's.
REVISIONS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
    "0015",
    "0017",
    "0018",
)
State = Literal["empty", "older", "current", "newer", "unfinished"]
#: The revision of a database that another one is being moved into (moving.py); it becomes the newest when all is there.
UNFINISHED = "moving"
_ALEMBIC_TABLE = "alembic_version"


class SchemaMismatch(Exception):
    """The database was made by another version of the program. The text says what to do."""


def state(database: Database) -> State:
    """How the database's schema stands to this program. Raises StorageUnavailable."""

    def revision(connection: sa.Connection) -> str | None:
        if not sa.inspect(connection).has_table(_ALEMBIC_TABLE):
            return None
        version = sa.column("version_num", sa.Text)
        return connection.execute(
            sa.select(version).select_from(sa.table(_ALEMBIC_TABLE))
        ).scalar_one_or_none()

    present = database.reading(revision)
    if present is None:
        return "empty"
    if present == UNFINISHED:
        return "unfinished"
    if present not in REVISIONS:
        return "newer"
    return "current" if present == REVISIONS[-1] else "older"


def check(database: Database) -> None:
    """Raises SchemaMismatch unless the schema is this program's; StorageUnavailable."""
    match state(database):
        case "empty":
            raise SchemaMismatch("The database is empty: run `mintmark init` or `mintmark migrate` first.")
        case "older":
            raise SchemaMismatch(
                "The database was made by an older version: run `mintmark migrate`, which backs it up first."
            )
        case "newer":
            raise SchemaMismatch(
                "The database was made by a newer version of Mintmark than this one: run that version, "
                "or restore a backup that was made before the upgrade."
            )
        case "unfinished":
            raise SchemaMismatch(
                "This is the unfinished copy of another database: repeat the `mintmark migrate-store` that began it."
            )
        case "current":
            pass


def create(database: Database) -> None:
    """Make the tables when the database is empty, then `check` it. Several processes may do so at once."""
    if state(database) == "empty":
        _upgrade(database)
    check(database)


def create_at(database: Database, revision: str) -> None:
    """Make the tables of that revision in an empty database.

    Raises SchemaMismatch when this program does not know the revision or the database is not empty; StorageUnavailable.
    """
    if revision not in REVISIONS:
        raise SchemaMismatch(
            "It was made by a newer version of Mintmark than this one: restore it with that version."
        )
    if state(database) != "empty":
        raise SchemaMismatch("The database is not empty.")
    _upgrade(database, revision)


def migrate(database: Database, back_up: Callable[[], object] | None) -> bool:
    """Bring the schema up to this program's; False when it is already.

    `back_up`: called before a database that holds something is changed. Raises SchemaMismatch when
    the database is newer, StorageUnavailable, and what `back_up` raises.
    """
    match state(database):
        case "current":
            return False
        case "newer" | "unfinished":
            check(database)
        case "older" if back_up is not None:
            back_up()
    _upgrade(database)
    return True


def _upgrade(database: Database, revision: str = "head") -> None:
    # Imported here: a server that finds its schema current never loads Alembic.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))

    def upgrade(connection: sa.Connection) -> None:
        database.take_time(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    database.writing(upgrade)
