"""`mintmark admin --server`: a real server, the program's own client, and the same answers as in place."""

from __future__ import annotations

import json

import pytest

from tests.end_to_end.conftest import Demo
from tests.end_to_end.server import mintmark


@pytest.fixture
def credentials(demo: Demo) -> dict[str, str]:
    entry = json.loads((demo.directory / "operators.json").read_text())
    return {"MINTMARK_CLIENT_ID": entry["client_id"], "MINTMARK_CLIENT_SECRET": entry["client_secret"]}


def test_the_answers_are_those_that_are_given_in_place(demo: Demo, credentials: dict[str, str]) -> None:
    for command in (
        ("tenant", "list"),
        ("environment", "show", "oleria/production"),
        ("client", "list", "standard/production"),
        ("mount", "list", "omneo/production"),
        ("tenant", "show", "nobody"),
        ("machine-user", "show", "omneo/production", "shopify-integration@brand.com"),
    ):
        for form in ((), ("--json",)):
            here = mintmark("admin", *command, "--directory", demo.directory, *form)
            there = mintmark("admin", *command, "--server", demo.url, *form, env=credentials)
            assert (there.returncode, there.stdout, there.stderr) == (
                here.returncode,
                here.stdout,
                here.stderr,
            )


def test_what_is_made_is_audited_under_the_client(demo: Demo, credentials: dict[str, str]) -> None:
    made = mintmark(
        "admin",
        "client",
        "create",
        "standard/staging",
        "--name",
        "x",
        "--server",
        demo.url,
        "--json",
        env=credentials,
    )
    assert made.returncode == 0, made.stderr
    client_id = json.loads(made.stdout)["client_id"]
    found = mintmark(
        "admin",
        "audit",
        "search",
        "--client",
        client_id,
        "--kind",
        "admin.client.create",
        "--json",
        "--directory",
        demo.directory,
    )
    (event,) = json.loads(found.stdout)
    assert event["actor"] == f"client:mintmark/operators/{credentials['MINTMARK_CLIENT_ID']}"


@pytest.mark.parametrize(
    ("more", "options", "code", "says"),
    [
        ({"MINTMARK_CLIENT_ID": ""}, (), 2, "--profile"),
        ({"MINTMARK_CLIENT_SECRET": "wrong-one"}, (), 1, "No token"),
        ({}, ("--actor", "me"), 2, "--actor"),
        ({}, ("--profile", "nobody"), 2, "nobody"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(
    demo: Demo,
    credentials: dict[str, str],
    more: dict[str, str],
    options: tuple[str, ...],
    code: int,
    says: str,
) -> None:
    ran = mintmark("admin", "tenant", "list", "--server", demo.url, *options, env={**credentials, **more})
    assert ran.returncode == code, ran.stderr
    assert ran.stderr.count("\n") == 1
    assert says in ran.stderr
    assert credentials["MINTMARK_CLIENT_SECRET"] not in ran.stderr


def test_no_secret_goes_over_an_open_network(credentials: dict[str, str]) -> None:
    ran = mintmark("admin", "tenant", "list", "--server", "http://mint.example", env=credentials)
    assert ran.returncode == 2
    assert "https" in ran.stderr


def test_what_needs_the_database_says_so(demo: Demo, credentials: dict[str, str]) -> None:
    ran = mintmark("audit", "verify", "--server", demo.url, env=credentials)
    assert ran.returncode == 2
    assert "without --server" in ran.stderr
