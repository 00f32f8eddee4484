"""A backup of a server under load brings everything back: the same credentials work, and no event is missing."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from mintmark.cli.services import Failure, UsageFault
from mintmark.compose import backups
from tests.crash.askers import Askers
from tests.crash.site import Site, claims, kill
from tests.end_to_end.server import mintmark

#: Many commands one after another, each of which takes its time on a busy machine.
pytestmark = pytest.mark.timeout(900)


def run(site: Site, *arguments: object, code: int = 0) -> Any:
    """What a command answers as JSON, or its one sentence when it must fail."""
    done = mintmark(*arguments, "--config", site.config, "--json")
    assert done.returncode == code, done.stderr
    return done.stderr if code else json.loads(done.stdout)


def elsewhere(site: Site, directory: Path) -> Site:
    """An empty folder with nothing but the key-encryption key, for an installation on the same port."""
    directory.mkdir()
    shutil.copy(site.directory / "mintmark.key", directory)
    return Site(directory, site.port, site.holders, site.limited)


def counts(site: Site) -> dict[str, int]:
    names = [name for (name,) in site.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    kept = [name for name in names if not name.startswith(("sqlite_", "alembic_"))]
    return {name: site.rows(f"SELECT count(*) FROM {name}")[0][0] for name in kept}


def test_what_was_backed_up_under_load_serves_from_an_empty_folder(site: Site, tmp_path: Path) -> None:
    backup = tmp_path / "one.backup"
    server = site.serve()
    try:
        with Askers(site, site.holders) as askers:
            askers.wait_for(50)
            before = len(askers.received)
            made = run(site, "backup", backup)
            after = len(askers.received)
            askers.wait_for(50)
        assert askers.refused == []
    finally:
        kill(server)
    assert after >= before
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert made["files"] == ["mintmark.toml"]
    assert run(site, "backup", "--check", backup)["rows"] == made["rows"]

    restored = elsewhere(site, tmp_path / "restored")
    done = run(restored, "restore", backup)
    assert done["written"] == [str(restored.database), str(restored.config)]
    assert {stat.S_IMODE(path.stat().st_mode) for path in restored.directory.iterdir()} == {0o600}
    assert restored.config.read_bytes() == site.config.read_bytes()
    found = counts(restored)
    expected = made["rows"] | {
        "audit_event": made["rows"]["audit_event"] + 1,  # that it was restored
        "audit_link": made["rows"]["audit_link"] + 1,
    }
    assert {name: count for name, count in found.items() if count} == expected
    assert run(restored, "audit", "verify")["faults"] == 0
    # Every token that had arrived when the backup began is in it.
    events = set(restored.books().events)
    assert {each.jti for each in askers.received[:before]} <= events
    server = restored.serve()
    try:
        for holder in (*site.holders, site.limited):
            answer = restored.ask(holder)
            assert answer.status == 200
            assert claims(answer.json["access_token"])["kid"] == askers.received[0].kid
        assert restored.accepts(askers.received[0].token)
    finally:
        assert server.stop() == 0
    restored.books().check([])


def test_a_damaged_backup_or_another_key_leaves_nothing_behind(site: Site, tmp_path: Path) -> None:
    backup = tmp_path / "one.backup"
    run(site, "backup", backup)
    text = backup.read_bytes()
    damaged = tmp_path / "damaged.backup"
    contents = (text[:-1], text[: len(text) // 2], text + b"x", text[:90] + b"?" + text[91:])
    for number, content in enumerate(contents):
        damaged.write_bytes(content)
        target = elsewhere(site, tmp_path / f"damaged-{number}")
        with pytest.raises(Failure, match="sealed stream") as fault:
            backups.restore(damaged, target.config, None, "tester", lambda *_: None)
        with pytest.raises(Failure) as again:
            backups.check(damaged, site.config, None, lambda *_: None)
        assert str(again.value) == str(fault.value)
        assert str(damaged) in str(fault.value)
        assert [path.name for path in target.directory.iterdir()] == ["mintmark.key"]
    assert run(target, "restore", damaged, code=1).count("\n") == 1
    assert [path.name for path in target.directory.iterdir()] == ["mintmark.key"]
    other = tmp_path / "other"
    assert mintmark("init", "--directory", other, "--non-interactive").returncode == 0
    target = elsewhere(site, tmp_path / "other-key")
    shutil.copy(other / "mintmark.key", target.directory)
    assert "configure the key that the data was made with" in run(target, "restore", backup, code=1)
    assert [path.name for path in target.directory.iterdir()] == ["mintmark.key"]


def test_neither_a_database_nor_a_backup_nor_a_file_is_ever_replaced(site: Site, tmp_path: Path) -> None:
    backup = tmp_path / "one.backup"
    run(site, "backup", backup)
    database, first = site.database.read_bytes(), backup.read_bytes()
    assert "never replaced" in run(site, "restore", backup, code=2)
    assert "never replaced" in run(site, "backup", backup, code=2)
    assert (site.database.read_bytes(), backup.read_bytes()) == (database, first)
    target = elsewhere(site, tmp_path / "configured")
    target.config.write_text(site.config.read_text() + "workers = 2\n")
    kept = target.config.read_bytes()
    done = run(target, "restore", backup)
    assert (done["written"], done["left_alone"]) == ([str(target.database)], [str(target.config)])
    assert target.config.read_bytes() == kept


def test_the_backup_shows_no_secret_and_names_what_lies_elsewhere(site: Site, tmp_path: Path) -> None:
    (tmp_path / "dialects").mkdir()
    (site.directory / "mail.password").write_text("hunter2hunter2")
    (site.directory / "mail.password").chmod(0o600)
    with site.config.open("a") as config:
        config.write(f'dialects = "{tmp_path}/dialects"\nnotify_smtp_password_file = "mail.password"\n')
    shipped = Path(__file__).parents[2] / "src/mintmark/dialect/data/standard.toml"
    (tmp_path / "dialects" / "own.toml").write_text(shipped.read_text().replace('"standard"', '"own"', 1))
    backup = tmp_path / "one.backup"
    made = run(site, "backup", backup)
    assert made["files"] == ["mintmark.toml", "mail.password"]
    assert made["left_out"] == [str(tmp_path / "dialects" / "own.toml")]
    assert b"hunter2" not in backup.read_bytes()
    target = elsewhere(site, tmp_path / "restored")
    run(target, "restore", backup)
    assert (target.directory / "mail.password").read_text() == "hunter2hunter2"


def test_a_restore_without_a_key_says_where_it_looked(site: Site, tmp_path: Path) -> None:
    backup = tmp_path / "one.backup"
    run(site, "backup", backup)
    empty = tmp_path / "empty"
    empty.mkdir()
    for key, said in (
        (None, "--key-from"),
        ("file:/nowhere", "/nowhere"),
        ("nonsense", "env:NAME"),
        ("env:NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE"),
    ):
        with pytest.raises(UsageFault, match=said):
            backups.restore(backup, empty / "mintmark.toml", key, "tester", lambda *_: None)
    assert list(empty.iterdir()) == []
