"""`mintmark admin client import-file`: two formats, faults with their line, secrets in private files, and going on."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from mintmark.cli.admin import client_file
from mintmark.crypto.secret_hash import dummy_digest
from tests.cli.conftest import AUDIENCE, ENVIRONMENT, Terminal

COMMAND = ("client", "import-file", ENVIRONMENT)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_file, "PAGE", 3)


def line(number: int, **fields: Any) -> dict[str, Any]:
    return {"client_id": f"c{number}", "allow": [f"{AUDIENCE} orders:read"], **fields}


def write(folder: Path, *lines: object, name: str = "clients.jsonl", mode: int = 0o600) -> Path:
    path = folder / name
    path.write_text("".join(each if isinstance(each, str) else json.dumps(each) + "\n" for each in lines))
    path.chmod(mode)
    return path


def ids(terminal: Terminal) -> list[str]:
    return [client["client_id"] for client in terminal.made("client", "list", ENVIRONMENT)]


def secrets(path: Path) -> list[str]:
    return [json.loads(text)["client_id"] for text in path.read_text().splitlines()]


def test_json_lines_are_imported_and_made_secrets_are_in_a_private_file(acme: Terminal) -> None:
    file = write(acme.folder, *(line(number) for number in range(7)), "\n", line(7, secret="hunter2"))
    ran = acme.admin(*COMMAND, str(file), "-o", "made.jsonl", "--json")
    assert ran.json == {"imported": 8, "there_already": 0, "secrets": "made.jsonl"}
    made = acme.folder / "made.jsonl"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert secrets(made) == [f"c{number}" for number in range(7)]
    assert all(json.loads(text)["client_secret"].startswith("mms") for text in made.read_text().splitlines())
    assert ids(acme) == [f"c{number}" for number in range(8)]
    assert acme.made("client", "show", ENVIRONMENT, "c1")["allowed"] == {AUDIENCE: ["orders:read"]}
    assert "mms" not in ran.out + ran.err


def test_csv_has_the_same_fields(acme: Terminal) -> None:
    acme.admin("api", "create", ENVIRONMENT, "https://other", "--scope", "a")
    digest = dummy_digest()
    file = write(
        acme.folder,
        "client_id,name,allow,protects,needs_user,daily_token_limit,rate_limit,label,expires,secret_hash\n",
        f'one,"Nightly, import",{AUDIENCE} *; https://other a,https://other,true,5,6,old,30d,"{digest}"\n',
        f'two,,,,,,,,,"{digest}"\n',
        name="clients.csv",
    )
    assert acme.made(*COMMAND, str(file)) == {"imported": 2, "there_already": 0, "secrets": None}
    one = acme.made("client", "show", ENVIRONMENT, "one")
    assert one["name"] == "Nightly, import"
    assert one["allowed"] == {AUDIENCE: ["orders:read", "orders:write"], "https://other": ["a"]}
    assert (one["needs_user"], one["daily_token_limit"], one["rate_limit"]) == (True, 5, 6)
    (secret,) = acme.made("secret", "list", ENVIRONMENT, "one")
    assert [(secret["label"], secret["expires_at"])] == [("old", "2027-02-14T08:00:00Z")]
    assert acme.made("client", "show", ENVIRONMENT, "two")["name"] == "two"


def test_an_import_that_was_stopped_goes_on_and_loses_no_secret(acme: Terminal) -> None:
    lines = [line(number) for number in range(8)]
    write(acme.folder, *lines[:4], {**lines[4], "allow": ["https://nowhere x"]}, *lines[5:])
    arguments = ("admin", *COMMAND, "clients.jsonl", "-o", "made.jsonl")
    sentence = acme.refused(*arguments, code=1)
    assert "Line 5" in sentence
    assert "3 clients" in sentence
    assert ids(acme) == ["c0", "c1", "c2"]
    write(acme.folder, *lines)
    assert acme.made(*arguments[1:]) == {"imported": 5, "there_already": 3, "secrets": "made.jsonl"}
    assert secrets(acme.folder / "made.jsonl") == [f"c{number}" for number in range(8)]
    assert acme.made(*arguments[1:])["imported"] == 0


def test_nothing_is_imported_when_the_secrets_cannot_be_kept(acme: Terminal) -> None:
    write(acme.folder, line(1))
    assert "--output" in acme.refused("admin", *COMMAND, "clients.jsonl")
    (acme.folder / "open.jsonl").touch(0o644)
    for place in ("open.jsonl", "nowhere/made.jsonl", "/dev/full"):
        acme.refused("admin", *COMMAND, "clients.jsonl", "-o", place)
    assert ids(acme) == []


def test_a_file_with_secrets_must_be_its_owners_alone(acme: Terminal) -> None:
    write(acme.folder, line(1, secret="hunter2"), mode=0o640)
    assert "chmod 600" in acme.refused("admin", *COMMAND, "clients.jsonl")
    write(acme.folder, line(1), name="without.jsonl", mode=0o644)
    assert acme.made(*COMMAND, "without.jsonl", "-o", "made.jsonl")["imported"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        "nonsense\n",
        "[1]\n",
        '{"client_id": "' + "x" * 70_000 + '"}\n',
        "[" * 40_000 + "\n",
        {"client_id": 5},
        {"name": "without an id"},
        line(2, colour="red"),
        line(2, allow="a b; a c"),
        line(2, allow=[5]),
        line(2, needs_user="perhaps"),
        line(2, daily_token_limit=True),
        line(2, rate_limit="many"),
        line(2, expires="soon"),
        line(2, secret="hunter2", secret_hash=dummy_digest()),
        line(2, secret="not ascii é"),
    ],
)
def test_what_is_wrong_in_a_line_is_found_before_anything_is_imported(acme: Terminal, wrong: object) -> None:
    write(acme.folder, line(1), wrong)
    sentence = acme.refused("admin", *COMMAND, "clients.jsonl", "-o", "made.jsonl")
    assert sentence.startswith("clients.jsonl, line 2: ")
    assert "hunter2" not in sentence
    assert ids(acme) == []
    assert not (acme.folder / "made.jsonl").exists()


def test_what_is_no_table_or_no_text_is_refused(acme: Terminal) -> None:
    write(acme.folder, 'client_id\n"a"b\n', name="broken.csv")
    write(acme.folder, "client_id,name\na,b,c\n", name="wide.csv")
    (acme.folder / "binary.jsonl").write_bytes(b"\xff\xfe\n")
    for name, said in (
        ("broken.csv", "it is not CSV"),
        ("wide.csv", "line 2"),
        ("binary.jsonl", "UTF-8"),
        ("missing.jsonl", "cannot be read"),
    ):
        assert said in acme.refused("admin", *COMMAND, name)


def test_many_clients_are_imported_where_the_database_is(acme: Terminal) -> None:
    write(acme.folder, line(1))
    arguments = ("admin", *COMMAND, "clients.jsonl", "-o", "made.jsonl", "--server", "https://mint.example")
    assert "where the database is" in acme.refused(*arguments)
