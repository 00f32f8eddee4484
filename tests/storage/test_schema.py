"""The schema's life: created, checked, upgraded after a backup, and never touched when it is newer."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from mintmark.storage import schema
from mintmark.storage.database import Database, open_sqlite
from mintmark.storage.tables import metadata


def set_revision(database: Database, revision: str) -> None:
    database.writing(lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (revision,)))


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Database]:
    database = open_sqlite(tmp_path / "mintmark.db")
    yield database
    database.close()


def test_an_empty_database_gets_its_tables(empty: Database) -> None:
    assert schema.state(empty) == "empty"
    with pytest.raises(schema.SchemaMismatch, match="mintmark init"):
        schema.check(empty)
    schema.create(empty)
    schema.create(empty)
    assert schema.state(empty) == "current"
    schema.check(empty)


def test_the_migrations_make_exactly_the_tables_of_the_program(sqlite_database: Database) -> None:
    def compare(connection):
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return compare_metadata(context, metadata)

    assert sqlite_database.reading(compare) == []

    def shapes(connection):
        rows = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%'"
        )
        return {name: " ".join((sql or "").split()) for name, sql in rows}

    fresh = open_sqlite(Path(str(sqlite_database.engine.url.database)).with_name("fresh.db"))
    fresh.writing(metadata.create_all)
    migrated, made = sqlite_database.reading(shapes), fresh.reading(shapes)
    fresh.close()
    assert migrated.keys() == made.keys()
    assert {name for name, sql in migrated.items() if "WITHOUT ROWID" in sql} == {
        "credential_use",
        "quota_use",
        "revocation",
    }
    assert {name for name, sql in migrated.items() if "AUTOINCREMENT" in sql} == {"audit_event", "change_log"}


def test_every_revision_is_known_to_the_check() -> None:
    folder = Path(schema.__file__).parent / "migrations"
    revisions = [script.revision for script in ScriptDirectory(str(folder)).walk_revisions()]
    assert tuple(reversed(revisions)) == schema.REVISIONS


def test_a_newer_schema_is_refused_and_left_alone(sqlite_database: Database, tmp_path: Path) -> None:
    set_revision(sqlite_database, "9999")
    for attempt in (schema.check, schema.create, lambda d: schema.migrate(d, tmp_path / "backup.db")):
        with pytest.raises(schema.SchemaMismatch, match="newer version"):
            attempt(sqlite_database)
    assert not (tmp_path / "backup.db").exists()
    assert schema.state(sqlite_database) == "newer"


def test_an_older_schema_is_refused_with_the_command_that_upgrades_it(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "9998"))
    with pytest.raises(schema.SchemaMismatch, match="mintmark migrate"):
        schema.check(sqlite_database)


def test_a_migration_backs_up_first(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_database.writing(
        lambda c: c.exec_driver_sql("INSERT INTO tenant VALUES ('acme', 'Acme', 1, NULL, 0)")
    )
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "9998"))
    backup = tmp_path / "backup.db"
    assert schema.migrate(sqlite_database, backup) is True
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    copy = sqlite3.connect(backup)
    assert copy.execute("SELECT handle FROM tenant").fetchall() == [("acme",)]
    assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copy.close()
    with pytest.raises(FileExistsError):
        schema.migrate(sqlite_database, backup)


def test_an_empty_database_is_migrated_without_a_backup(empty: Database, tmp_path: Path) -> None:
    assert schema.migrate(empty, tmp_path / "backup.db") is True
    assert not (tmp_path / "backup.db").exists()
    assert schema.migrate(empty, tmp_path / "backup.db") is False


def test_processes_that_start_together_create_the_tables_once(tmp_path: Path) -> None:
    databases = [open_sqlite(tmp_path / "mintmark.db") for _ in range(4)]
    failures: list[BaseException] = []

    def create(database: Database) -> None:
        try:
            schema.create(database)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=create, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for database in databases:
        database.close()
    assert failures == []
