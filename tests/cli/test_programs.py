"""demo, serve, init, migrate, version and dialect: what they hand over and what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.cli.services import (
    DemoOptions,
    Failure,
    Initialised,
    InitOptions,
    Place,
    ServeOptions,
    UsageFault,
)
from mintmark.config import Settings
from mintmark.values.secret import Secret
from tests.cli.conftest import Terminal


def test_version_is_one_line_or_json(mintmark: Terminal) -> None:
    assert mintmark("version").out == "mintmark 1.2.3\n"
    assert mintmark("version", "--json").json == {"version": "1.2.3"}


def test_demo_hands_its_options_over_and_shows_lines_without_control_characters(mintmark: Terminal) -> None:
    ran = mintmark("demo", "--port", "9000", "--directory", "d", "--credentials-out", "c.json")
    assert mintmark.asked == [DemoOptions(Path("d"), "127.0.0.1", 9000, Path("c.json"))]
    assert ran.out == "curl \\x1b[31mhttp://127.0.0.1\nsecond line\n"


def test_demo_has_defaults(mintmark: Terminal) -> None:
    mintmark("demo")
    assert mintmark.asked == [DemoOptions(Path(".mintmark"))]


def test_serve_hands_its_options_over(mintmark: Terminal) -> None:
    assert (
        mintmark("serve", "--config", "x.toml", "--workers", "2", "--host", "::1", "--port", "443").code == 0
    )
    assert mintmark.asked == [ServeOptions(Path("x.toml"), 2, "::1", 443)]


def test_serve_wants_certificate_and_key_together(mintmark: Terminal) -> None:
    assert "--tls-key" in mintmark.refused("serve", "--tls-cert", "a.pem")
    assert mintmark("serve", "--tls-cert", "a.pem", "--tls-key", "b.pem").code == 0
    assert mintmark.asked == [
        ServeOptions(Path("mintmark.toml"), tls_cert=Path("a.pem"), tls_key=Path("b.pem"))
    ]


@pytest.mark.parametrize("port", ["-1", "0", "65536", "http"])
def test_a_port_is_a_number_of_16_bits(mintmark: Terminal, port: str) -> None:
    assert "--port" in mintmark.refused("serve", f"--port={port}")


def test_the_demo_takes_any_free_port_as_0(mintmark: Terminal) -> None:
    mintmark("demo", "--port", "0")
    assert mintmark.asked == [DemoOptions(Path(".mintmark"), port=0)]


def test_as_many_workers_as_the_settings_admit(mintmark: Terminal) -> None:
    (most,) = [bound.le for bound in Settings.model_fields["workers"].metadata if hasattr(bound, "le")]
    assert mintmark("serve", "--workers", str(most)).code == 0
    assert "--workers" in mintmark.refused("serve", "--workers", str(most + 1))


def test_init_without_questions_generates_the_password_and_shows_it_once(mintmark: Terminal) -> None:
    mintmark.initialised = Initialised((Path("mintmark.toml"),), "operator", Secret("generated-one"))
    ran = mintmark("init", "--non-interactive", "--json")
    assert mintmark.asked == [InitOptions(Path())]
    assert ran.json == {"written": ["mintmark.toml"], "operator": "operator", "password": "generated-one"}
    assert "this once" in ran.err


def test_init_takes_the_password_from_where_it_is_said(mintmark: Terminal) -> None:
    ran = mintmark(
        "init",
        "--non-interactive",
        "--operator",
        "ada",
        "--public-url",
        "https://mint.example",
        "--password-env",
        "PW",
        env={"PW": "a long password"},
    )
    assert ran.code == 0
    assert mintmark.asked == [InitOptions(Path(), "ada", Secret("a long password"), "https://mint.example")]
    assert "a long password" not in ran.out + ran.err


def test_init_asks_for_what_is_not_said(mintmark: Terminal) -> None:
    ran = mintmark(
        "init", "--password-stdin", "--operator", "ada", "--public-url", "https://a.example", stdin="pw\n"
    )
    assert ran.code == 0
    assert mintmark.asked == [InitOptions(Path(), "ada", Secret("pw"), "https://a.example")]
    mintmark.asked.clear()
    ran = mintmark("init", "--password-env", "PW", stdin="https://b.example\neve\n", env={"PW": "pw"})
    assert ran.code == 0
    assert mintmark.asked == [InitOptions(Path(), "eve", Secret("pw"), "https://b.example")]


def test_init_that_is_refused_is_one_sentence(mintmark: Terminal) -> None:
    mintmark.initialised = UsageFault("mintmark.toml: it exists already; choose another folder.")
    assert "exists already" in mintmark.refused("init", "--non-interactive")


def test_migrate_says_where_the_backup_is(mintmark: Terminal) -> None:
    assert mintmark("migrate", "--config", "x.toml", "--json").json == {
        "before": "0001",
        "after": "0003",
        "backup": str(mintmark.folder / "backup.db"),
    }
    assert mintmark.asked == [Place(config=Path("x.toml"))]


def test_backup_says_what_is_in_it_and_what_lies_elsewhere(mintmark: Terminal) -> None:
    ran = mintmark("backup", "a.backup", "--actor", "cron", "--json")
    assert ran.json == {
        "file": "a.backup",
        "bytes": 9,
        "made_at": "2027-01-15T08:00:00Z",
        "program": "1.2.3",
        "schema": "0009",
        "rows": {"tenant": 2},
        "files": ["mintmark.toml"],
        "left_out": ["/etc/x.toml"],
    }
    assert ran.err == "Not in the backup, because it lies elsewhere: /etc/x.toml.\n"
    assert mintmark.asked == [(Path("mintmark.toml"), Path("a.backup"), "cron")]


def test_check_and_restore_are_told_where_the_key_is(mintmark: Terminal) -> None:
    ran = mintmark("backup", "--check", "a.backup", "--config", "x.toml", "--key-from", "env:KEY")
    assert (ran.code, ran.err) == (0, "")
    env = {"MINTMARK_CONFIG": "y.toml"}
    done = mintmark("restore", "a.backup", "--actor", "me", "--json", env=env).json
    assert (done["rows"], done["as_of"]) == (5, "2027-01-15T08:00:00Z")
    assert mintmark.asked == [
        (Path("a.backup"), Path("x.toml"), "env:KEY"),
        (Path("a.backup"), Path("y.toml"), None, "me"),
    ]
    assert "--check" in mintmark.refused("backup", "a.backup", "--key-from", "env:KEY")


def test_bad_configuration_ends_with_2_and_what_could_not_be_done_with_1(mintmark: Terminal) -> None:
    assert mintmark.refused("admin", "tenant", "list", "--config", "broken.toml") == (
        "broken.toml:3: there is no setting 'colour'."
    )
    for fault in (Failure("The disk is full."), StorageUnavailable("The disk is full.")):
        mintmark.initialised = fault
        assert mintmark.refused("init", "--non-interactive", code=1) == "The disk is full."


def test_stopping_a_command_at_its_question_is_no_traceback(mintmark: Terminal) -> None:
    ran = mintmark("init")
    assert ran.code == 1
    assert ran.err.endswith("mintmark: Interrupted; nothing more was done.\n")
    mintmark.initialised = KeyboardInterrupt()
    ran = mintmark("init", "--non-interactive")
    assert (ran.code, ran.out, ran.err) == (130, "", "")


def test_an_unknown_command_or_option_is_one_sentence_with_the_way_to_help(mintmark: Terminal) -> None:
    assert "`mintmark admin tenant --help`" in mintmark.refused("admin", "tenant", "craete")
    assert "`mintmark admin tenant create --help`" in mintmark.refused("admin", "tenant", "create")
    assert "--colour" in mintmark.refused("version", "--colour")


# --- dialects --------------------------------------------------------------------------------------------------------


def test_dialects_are_listed(mintmark: Terminal) -> None:
    names = [dialect["name"] for dialect in mintmark("dialect", "list", "--json").json]
    assert {
        "standard",
        "omnilab",
        "oleria",
        "fyma",
        "omneo",
        "omneo-shopify",
        "omneo-proxy",
        "omnissa",
    } <= set(names)
    assert mintmark.asked == [None]
    assert "Omnissa Intelligence" in mintmark("dialect", "list", "--config", "x.toml").out
    assert mintmark.asked[-1] == Place(config=Path("x.toml"))


def test_a_dialect_is_shown_with_its_exchanges(mintmark: Terminal) -> None:
    ran = mintmark("dialect", "show", "omnissa")
    assert "POST /oauth/token?grant_type=client_credentials" in ran.out
    assert '"token_type": "bearer"' in ran.out
    assert "Basic (raw)" in ran.out
    shown = mintmark("dialect", "show", "oleria", "--json").json
    assert shown["required"] == ["client_id", "client_secret", "grant_type", "scope"]
    assert shown["forms"] == {"body": "form body", "basic": "form body, Basic (form-encoded)"}
    assert shown["examples"][0]["request"].startswith("POST ")


def test_an_unknown_dialect_is_named_beside_the_known_ones(mintmark: Terminal) -> None:
    sentence = mintmark.refused("dialect", "show", "klingon")
    assert "'klingon'" in sentence
    assert "omnissa" in sentence


def test_a_dialect_file_is_checked_with_the_line_of_its_fault(mintmark: Terminal) -> None:
    (mintmark.folder / "mine.toml").write_text('name = "mine"\ntitel = "typo"\n')
    assert mintmark.refused("dialect", "check", "mine.toml").startswith("mine.toml:2: ")


def test_a_sound_dialect_file_is_shown(mintmark: Terminal) -> None:
    from mintmark.dialect.catalogue import built_in

    texts = dict(built_in())
    (mintmark.folder / "mine.toml").write_text(texts["fyma.toml"].replace('name = "fyma"', 'name = "mine"'))
    assert mintmark("dialect", "check", "mine.toml", "--json").json["name"] == "mine"


def test_a_dialect_file_that_cannot_be_read_is_one_sentence(mintmark: Terminal) -> None:
    assert "No such file" in mintmark.refused("dialect", "check", "nowhere.toml")
    (mintmark.folder / "bytes.toml").write_bytes(b"\xff\xfe")
    assert "UTF-8" in mintmark.refused("dialect", "check", "bytes.toml")
