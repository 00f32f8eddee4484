"""The demo's life: its port, its files, a restart that loses nothing, and what it refuses."""

from __future__ import annotations

import json
import signal
import socket
import stat
from contextlib import closing
from pathlib import Path

import pytest

from mintmark.compose.demo_data import TENANTS
from tests.end_to_end.conftest import Demo
from tests.end_to_end.server import Running, call_api, free_port, in_one_day, mintmark, request_token, until

ALWAYS = {
    *("environment", "token_url", "api_url", "api_method", "api_body", "issuer", "jwks_uri"),
    *("client_id", "client_secret"),
}
MORE = {
    "omnilab": {"audience"},
    "oleria": {"scope"},
    "fyma": {"audience", "legacy_token_id", "legacy_token_secret"},
    "omneo": {
        *("scope", "username", "password", "api_token", "shopify_token_url", "shopify_customer_id"),
        *("shopify_signature", "proxy_login_url", "proxy_username", "proxy_password"),
    },
    "omnissa": {"credentials_file"},
    "standard": set(),
}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_credentials_file_has_the_promised_members_for_its_owner_alone(demo: Demo) -> None:
    assert mode(demo.credentials) == 0o600
    assert set(demo.entries) == set(TENANTS)
    for tenant, entry in demo.entries.items():
        assert set(entry) == ALWAYS | MORE[tenant] | {"staging"}
        assert set(entry["staging"]) == ALWAYS | MORE[tenant]
        assert (entry["environment"], entry["staging"]["environment"]) == ("production", "staging")


def test_everything_that_the_demo_keeps_is_for_its_owner_alone(demo: Demo) -> None:
    assert mode(demo.directory) == 0o700
    files = {path.name: mode(path) for path in demo.directory.iterdir()}
    assert files == dict.fromkeys(files, 0o600)


def test_no_secret_is_in_the_log(demo: Demo) -> None:
    entry = demo.entries["standard"]
    refused = request_token("standard", {**entry, "client_id": "nobody", "client_secret": "a-secret-of-mine"})

    def lines() -> list[str]:
        return [line for line in demo.server.output.splitlines() if line.startswith("{")]

    until(lambda: any(refused.headers["x-request-id"] in line for line in lines()))
    assert not any("a-secret-of-mine" in line for line in lines())


@pytest.mark.timeout(600)
def test_a_restart_keeps_credentials_tokens_counts_and_port(tmp_path: Path) -> None:
    in_one_day(90)
    directory, first, second = tmp_path / "data", tmp_path / "first.json", tmp_path / "second.json"
    port = free_port()
    server = Running(
        "demo", "--directory", directory, "--port", port, "--credentials-out", first, ready="# Ready:"
    )
    try:
        entries = json.loads(first.read_text())
        tokens = {
            tenant: request_token(tenant, entry).json["access_token"] for tenant, entry in entries.items()
        }
        limited = entries["fyma"]["staging"]
        answers = [request_token("fyma", limited) for _ in range(101)]
        assert [answer.status for answer in answers] == [200] * 100 + [429]
        assert answers[-1].json["error"] == "quota_exceeded"
        assert 0 < int(answers[-1].headers["retry-after"]) <= 86400
        assert answers[-1].headers["ratelimit"].startswith('"day";r=0')
        assert mintmark("demo", "--directory", directory).returncode == 2  # one demo a directory
        assert server.stop(signal.SIGINT) == 0
    finally:
        server.stop()
    server = Running("demo", "--directory", directory, "--credentials-out", second, ready="# Ready:")
    try:
        assert second.read_text() == first.read_text()
        for tenant, entry in entries.items():
            assert call_api(entry, tokens[tenant]).status == 200
            assert request_token(tenant, entry).status == 200
        assert request_token("fyma", limited).status == 429
        assert server.stop(signal.SIGTERM) == 0
    finally:
        server.stop()
    with closing(socket.create_server(("127.0.0.1", port))):
        refused = mintmark("demo", "--directory", directory)
        assert refused.returncode == 2
        assert str(port) in refused.stderr
        assert "--port" in refused.stderr
    moved = free_port()
    server = Running(
        "demo", "--directory", directory, "--port", moved, "--credentials-out", second, ready="# Ready:"
    )
    try:
        for tenant, entry in json.loads(second.read_text()).items():
            assert entry["client_secret"] == entries[tenant]["client_secret"]
            assert entry["issuer"].startswith(f"http://127.0.0.1:{moved}/")
            assert call_api(entry, request_token(tenant, entry).json["access_token"]).status == 200
    finally:
        server.stop()


def test_the_first_start_takes_a_free_port_when_8080_is_taken_and_keeps_it(tmp_path: Path) -> None:
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with closing(taken):
        try:
            taken.bind(("127.0.0.1", 8080))
            taken.listen()
            held = True
        except OSError:
            held = False  # by another program, which may go away meanwhile
        server = Running("demo", "--directory", tmp_path / "data", ready="# Ready:")
        server.stop()
    # The log goes on below what was printed, so the line is looked for by what it says.
    ready = next(line for line in server.output.splitlines() if line.startswith("# Ready:"))
    port = int(ready.rpartition(":")[2])
    assert port != 8080 or not held
    assert json.loads((tmp_path / "data" / "demo.json").read_text())["port"] == port


@pytest.mark.parametrize("host", ["0.0.0.0", "example.com"])
def test_the_demo_refuses_an_address_that_is_not_loopback(tmp_path: Path, host: str) -> None:
    refused = mintmark("demo", "--directory", tmp_path / "data", "--host", host, "--port", free_port())
    assert refused.returncode == 2
    assert "loopback" in refused.stderr
    assert not (tmp_path / "data").exists()


def test_a_damaged_state_file_is_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text('{"port": "eight"}')
    refused = mintmark("demo", "--directory", tmp_path, "--port", free_port())
    assert refused.returncode == 2
    assert str(tmp_path / "demo.json") in refused.stderr
    assert (tmp_path / "demo.json").read_text() == '{"port": "eight"}'
