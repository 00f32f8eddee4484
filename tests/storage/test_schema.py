"""The schema's life: created, checked, upgraded after a backup, and never touched when it is newer."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from mintmark.jose.keyring import Keyring
from mintmark.storage import schema
from mintmark.storage.database import Database
from mintmark.storage.directory import CachedDirectory
from mintmark.storage.engines.sqlite import SqliteDatabase, open_sqlite
from mintmark.storage.store import SqlStore
from mintmark.storage.tables import metadata
from mintmark.values.client import Client
from mintmark.values.person import Person
from tests.storage.together import create_together


def set_revision(database: Database, revision: str) -> None:
    database.writing(lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (revision,)))


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[SqliteDatabase]:
    database = open_sqlite(tmp_path / "mintmark.db")
    yield database
    database.close()


def test_an_empty_database_gets_its_tables(empty: SqliteDatabase) -> None:
    assert schema.state(empty) == "empty"
    with pytest.raises(schema.SchemaMismatch, match="mintmark init"):
        schema.check(empty)
    schema.create(empty)
    schema.create(empty)
    assert schema.state(empty) == "current"
    schema.check(empty)


def test_the_migrations_make_exactly_the_tables_of_the_program(sqlite_database: SqliteDatabase) -> None:
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
        "audit_cut",
        "audit_link",
        "credential_use",
        "quota_use",
        "revocation",
    }
    assert {name for name, sql in migrated.items() if "AUTOINCREMENT" in sql} == {"audit_event", "change_log"}


def test_every_revision_is_known_to_the_check() -> None:
    folder = Path(schema.__file__).parent / "migrations"
    revisions = [script.revision for script in ScriptDirectory(str(folder)).walk_revisions()]
    assert tuple(reversed(revisions)) == schema.REVISIONS


def test_a_newer_schema_is_refused_and_left_alone(sqlite_database: SqliteDatabase, tmp_path: Path) -> None:
    set_revision(sqlite_database, "9999")
    for attempt in (
        schema.check,
        schema.create,
        lambda d: schema.migrate(d, lambda: d.back_up(tmp_path / "backup.db")),
    ):
        with pytest.raises(schema.SchemaMismatch, match="newer version"):
            attempt(sqlite_database)
    assert not (tmp_path / "backup.db").exists()
    assert schema.state(sqlite_database) == "newer"


def test_an_older_schema_is_refused_with_the_command_that_upgrades_it(
    sqlite_database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "9998"))
    with pytest.raises(schema.SchemaMismatch, match="mintmark migrate"):
        schema.check(sqlite_database)


def test_a_migration_backs_up_first(
    sqlite_database: SqliteDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_database.writing(
        lambda c: c.exec_driver_sql(
            "INSERT INTO tenant (handle, name, enabled, created_at) VALUES ('acme', 'Acme', true, 0)"
        )
    )
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "9998"))
    backup = tmp_path / "backup.db"
    assert schema.migrate(sqlite_database, lambda: sqlite_database.back_up(backup)) is True
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    copy = sqlite3.connect(backup)
    assert copy.execute("SELECT handle FROM tenant").fetchall() == [("acme",)]
    assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copy.close()
    with pytest.raises(FileExistsError):
        schema.migrate(sqlite_database, lambda: sqlite_database.back_up(backup))


def test_the_first_revision_is_upgraded_with_all_that_is_in_it(empty: SqliteDatabase, tmp_path: Path) -> None:
    """What a version that knew no revocations has left, with a client and its secret."""

    def first(connection: Any) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in (
            "INSERT INTO tenant (handle, name, enabled, created_at) VALUES ('acme', 'Acme', true, 0)",
            "INSERT INTO environment (tenant, name, issuer, enabled, mounts, hosts, client_id_template, live_secrets,"
            " overlap, rate_limit, variables, created_at, id) VALUES ('acme', 'production', 'https://auth.example', 1,"
            " '[]', '[]', '{id}', 5, 60, 600, '{}', 0, 'acme/production')",
            "INSERT INTO client (environment, client_id, client_name, kind, enabled, grant_types, allowed, needs_user,"
            " imported, created_at) VALUES ('acme/production', 'abc', 'Reports', 'application', 1,"
            " '[\"client_credentials\"]', '{}', 0, 0, 0)",
            "INSERT INTO secret_version (environment, client_id, id, hash_kind, digest, label, created_at) VALUES"
            " ('acme/production', 'abc', 'v00001', 'hmac', 'digest', '', 0)",
            "INSERT INTO operator VALUES ('root', 'digest', 0, 7)",
        ):
            connection.exec_driver_sql(statement)

    empty.writing(first)
    assert schema.state(empty) == "older"
    with pytest.raises(schema.SchemaMismatch, match="mintmark migrate"):
        schema.check(empty)
    assert schema.migrate(empty, lambda: empty.back_up(tmp_path / "backup.db")) is True
    schema.check(empty)

    async def work() -> None:
        store = SqlStore(empty)
        client = await store.read(lambda tx: tx.get(Client, "acme/production", "abc"))
        assert client == Client("acme/production", "abc", "Reports")
        people = await store.read(lambda tx: tx.find(Person))
        assert people == [Person("root", "root", "operator", "", "digest", enabled=False, created_at=7)]
        await store.write(lambda tx: tx.put(replace(client, enabled=False), now=5))
        directory = CachedDirectory(store, lambda _: Keyring(()), lambda name: pytest.fail(name))
        await directory.start()
        log = directory.revocations("acme/production")
        assert log is not None
        assert log.revoked({"client_id": "abc", "iat": 5})

    asyncio.run(work())
    copy = sqlite3.connect(tmp_path / "backup.db")
    assert copy.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
    assert copy.execute("SELECT client_id, id FROM secret_version").fetchall() == [("abc", "v00001")]
    copy.close()


def test_an_empty_database_is_migrated_without_a_backup(empty: SqliteDatabase, tmp_path: Path) -> None:
    assert schema.migrate(empty, lambda: empty.back_up(tmp_path / "backup.db")) is True
    assert not (tmp_path / "backup.db").exists()
    assert schema.migrate(empty, lambda: empty.back_up(tmp_path / "backup.db")) is False


def test_processes_that_start_together_create_the_tables_once(tmp_path: Path) -> None:
    databases = [open_sqlite(tmp_path / "mintmark.db") for _ in range(4)]
    assert create_together(databases) == []
