"""The client commands against the demo's six tenants, each in its vendor's own dialect."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mintmark.cli.client import commands
from mintmark.compose.client_commands import services
from tests.end_to_end.conftest import Demo
from tests.end_to_end.server import Entry
from tests.transport.host import Host
from tests.transport.host import host as host

TENANTS = ("omnilab", "oleria", "fyma", "omneo", "omnissa", "standard")


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(host: Host, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*arguments: str, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capfd.readouterr()
        return Ran(commands.run(arguments, services()), *capfd.readouterr())

    return run


def add(run: Run, tenant: str, entry: Entry, monkeypatch: pytest.MonkeyPatch, **changed: str) -> None:
    """Save the tenant's credentials as somebody would."""
    given = {**entry, **changed}
    monkeypatch.setenv("THE_SECRET", given["client_secret"])
    options = ["--dialect", tenant, "--api-url", given["api_url"]]
    if tenant == "omnissa":
        options += ["--credentials", given["credentials_file"]]
    else:
        options += ["--token-url", given["token_url"], "--client-id", given["client_id"]]
        options += ["--secret-from", "env:THE_SECRET"]
    if tenant in ("omnilab", "fyma"):
        options += ["--audience", given["audience"]]
    if tenant == "oleria":
        options += ["--scope", given["scope"]]
    if tenant == "omneo":
        monkeypatch.setenv("THE_PASSWORD", given["password"])
        options += ["--scope", "*", "--username", given["username"], "--password-from", "env:THE_PASSWORD"]
    ran = run("profile", "add", tenant, "--replace", *options)
    assert ran.code == 0, ran.err


def call(run: Run, tenant: str, entry: Entry) -> Ran:
    body = ["--json", entry["api_body"]] if entry["api_body"] else []
    return run("call", tenant, entry["api_method"], entry["api_url"], *body)


@pytest.mark.parametrize("tenant", TENANTS)
def test_token_call_inspect_and_doctor_with_every_vendor(
    demo: Demo, run: Run, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = demo.entries[tenant]
    add(run, tenant, entry, monkeypatch)
    token = run("token", tenant)
    assert token.code == 0, token.err
    called = call(run, tenant, entry)
    assert (called.code, called.err) == (0, "")
    json.loads(called.out)
    inspected = run("inspect", "--issuer", entry["issuer"], "--json", stdin=token.out)
    assert (inspected.code, json.loads(inspected.out)["signature"]) == (0, "good"), inspected
    doctor = run("doctor", tenant, "--json", "--method", entry["api_method"])
    said: Any = json.loads(doctor.out)
    assert (doctor.code, said["fault"]) == (0, None)


@pytest.mark.parametrize("tenant", TENANTS)
def test_the_secret_of_another_environment_is_named_as_the_cause(
    demo: Demo, run: Run, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = demo.entries[tenant]["staging"]
    changed = {"client_secret": staging["client_secret"]}
    if tenant == "omnissa":
        text = json.loads(Path(demo.entries[tenant]["credentials_file"]).read_text())
        path = demo.directory.parent / "wrong.json"
        path.write_text(json.dumps({**text, "clientSecret": staging["client_secret"]}))
        changed = {"credentials_file": str(path)}
    add(run, tenant, demo.entries[tenant], monkeypatch, **changed)
    ran = run("doctor", tenant)
    assert ran.code == 1
    last = ran.out.rstrip().split("\n")[-1]
    assert last.startswith("401 invalid_client from the token endpoint")
    assert "not active in this environment; confirm the credentials" in last
    assert staging["client_secret"] not in ran.out + ran.err


def test_a_misspelled_field_is_named_as_the_cause(
    demo: Demo, run: Run, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialect = host.folder / "misspelled.toml"
    dialect.write_text(
        'name = "misspelled"\ntitle = "Misspelled"\nurl = "${token_url}"\npath = "/oauth2/token"\n'
        '[[forms]]\nencoding = "form"\n[forms.body]\n'
        'grant_type = "${grant_type}"\nclient_idd = "${client_id}"\nclient_secret = "${client_secret}"\n'
        'scope = "${scope}"\n[response.body]\naccess_token = "${access_token}"\nexpires_in = "${expires_in}"\n'
    )
    entry = demo.entries["oleria"]
    monkeypatch.setenv("THE_SECRET", entry["client_secret"])
    options = (
        "--token-url",
        entry["token_url"],
        "--client-id",
        entry["client_id"],
        "--scope",
        entry["scope"],
    )
    ran = run(
        "profile", "add", "oops", "--dialect", str(dialect), *options, "--secret-from", "env:THE_SECRET"
    )
    assert ran.code == 0, ran.err
    last = run("doctor", "oops").out.rstrip().split("\n")[-1]
    assert last.startswith("400 invalid_request from the token endpoint")
    assert (
        "a required field is missing or misspelled; compare the fields that were sent (grant_type, client_idd,"
        in last
    )


def test_a_token_without_the_permission_is_named_as_the_cause(
    demo: Demo, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(run, "oleria", demo.entries["oleria"], monkeypatch)
    body = json.dumps({"context": "accessInventoryGroupsV2"})
    ran = run("call", "oleria", "POST", demo.entries["oleria"]["api_url"], "--json", body)
    assert ran.code == 4
    add(run, "omneo", demo.entries["omneo"], monkeypatch)
    own = demo.entries["omneo"]["api_url"] + "/me"
    last = run("doctor", "omneo", "--url", own).out.rstrip().split("\n")[-1]
    assert last.startswith("403 from the API at 127.0.0.1")
    assert "the credential is not scoped for this resource" in last


def test_a_token_for_another_api_is_named_as_the_cause(
    demo: Demo, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = demo.entries["standard"]["api_url"]
    add(run, "fyma", demo.entries["fyma"], monkeypatch, api_url=other)
    last = run("doctor", "fyma").out.rstrip().split("\n")[-1]
    assert last.startswith("401 from the API at 127.0.0.1")
    assert "after a successful token call" in last
