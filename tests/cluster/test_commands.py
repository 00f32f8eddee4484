"""The commands of an operator on PostgreSQL: they work as on a file, and say what is different."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mintmark.storage import schema
from mintmark.storage.engines.postgres import open_postgres
from tests import postgres
from tests.end_to_end.server import free_port, mintmark

pytestmark = pytest.mark.timeout(300)


def test_an_installation_is_made_backed_up_restored_and_migrated(
    server: postgres.Postgres, tmp_path: Path
) -> None:
    with postgres.database(server.url()) as here, postgres.database(server.url()) as there:
        first, second = tmp_path / "first", tmp_path / "second"
        init = ("init", "--non-interactive", "--json", "--database", postgres.conninfo(here))
        made = mintmark(*init, "--directory", first)
        assert made.returncode == 0, made.stderr
        assert [Path(path).name for path in json.loads(made.stdout)["written"]] == [
            "mintmark.key",
            "mintmark.toml",
        ]
        again = mintmark(*init, "--directory", second)
        assert again.returncode == 2
        assert "an installation is there already" in again.stderr
        assert not list(second.iterdir())

        config = first / "mintmark.toml"
        done = mintmark("admin", "tenant", "create", "acme", "--name", "Acme", "--config", config)
        assert done.returncode == 0, done.stderr
        backup = tmp_path / "mintmark.backup"
        assert mintmark("backup", backup, "--config", config).returncode == 0

        second.joinpath("mintmark.toml").write_text(
            config.read_text().replace(postgres.conninfo(here), postgres.conninfo(there))
        )
        second.joinpath("mintmark.key").write_bytes((first / "mintmark.key").read_bytes())
        second.joinpath("mintmark.key").chmod(0o600)
        restored = mintmark("restore", backup, "--config", second / "mintmark.toml")
        assert restored.returncode == 0, restored.stderr
        for command in (
            ("admin", "tenant", "create", "other", "--name", "Other"),
            ("admin", "tenant", "show", "acme"),
            ("audit", "verify"),
        ):
            ran = mintmark(*command, "--config", second / "mintmark.toml")
            assert ran.returncode == 0, ran.stderr

        assert mintmark("migrate", "--config", config).returncode == 0


def test_a_migration_wants_to_be_told_that_there_is_a_backup(
    server: postgres.Postgres, tmp_path: Path
) -> None:
    with postgres.database(server.url()) as url:
        database = open_postgres(url)
        schema.create_at(database, schema.REVISIONS[-2])
        database.close()
        config = tmp_path / "mintmark.toml"
        config.write_text(f'database = "{postgres.conninfo(url)}"')
        refused = mintmark("migrate", "--config", config)
        assert refused.returncode == 2
        assert "pg_dump" in refused.stderr
        assert "--no-backup" in refused.stderr
        migrated = mintmark("migrate", "--no-backup", "--json", "--config", config)
        assert json.loads(migrated.stdout) == {
            "before": "older",
            "after": schema.REVISIONS[-1],
            "backup": None,
        }


def test_an_installation_on_a_file_moves_to_postgresql(server: postgres.Postgres, tmp_path: Path) -> None:
    assert mintmark("init", "--non-interactive", "--directory", tmp_path).returncode == 0
    config, file = tmp_path / "mintmark.toml", tmp_path / "mintmark.db"
    with postgres.database(server.url()) as url:
        move = ("migrate-store", file, postgres.conninfo(url))
        moved = mintmark(*move, "--json")
        assert moved.returncode == 0, moved.stderr
        assert json.loads(moved.stdout)["rows"]["person"] == 1
        config.write_text(config.read_text().replace('"mintmark.db"', f'"{postgres.conninfo(url)}"'))
        for command in (
            ("audit", "verify"),
            ("admin", "tenant", "create", "acme", "--name", "Acme"),
            ("migrate",),
        ):
            ran = mintmark(*command, "--config", config)
            assert ran.returncode == 0, ran.stderr
        again = mintmark(*move)
        assert (again.returncode, "there is something already" in again.stderr) == (2, True)


def test_a_server_that_may_have_neighbours_wants_to_share_limits_with_them(
    server: postgres.Postgres, tmp_path: Path
) -> None:
    with postgres.database(server.url()) as url:
        made = mintmark(
            "init", "--non-interactive", "--directory", tmp_path, "--database", postgres.conninfo(url)
        )
        assert made.returncode == 0, made.stderr
        refused = mintmark("serve", "--config", tmp_path / "mintmark.toml", "--port", free_port())
        assert refused.returncode != 0
        assert "set valkey" in refused.stdout + refused.stderr
        assert "single_node = true" in refused.stdout + refused.stderr
