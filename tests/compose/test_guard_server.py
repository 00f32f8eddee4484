"""`mintmark guard` from its options: what it is built of, and what it refuses to start with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mintmark.cli.services import GuardOptions, UsageFault
from mintmark.compose.guard_server import build_guard, read_policy, serve
from tests.end_to_end.server import Running, call, free_port, mintmark

ISSUER, AUDIENCE = "https://auth.example/t/acme/production", "https://api.example"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text('[[route]]\npath = "/things"\nGET = ["things:read"]\n')
    return path


def options(policy: Path, **more: Any) -> GuardOptions:
    given: dict[str, Any] = {
        "issuers": (ISSUER,),
        "audiences": (AUDIENCE,),
        "host": "127.0.0.1",
        "port": 9090,
    }
    return GuardOptions(policy=policy, **{**given, **more})


def test_a_policy_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    with pytest.raises(UsageFault, match=f"{path} cannot be read: No such file"):
        read_policy(path)
    path.write_bytes(b"\xff")
    with pytest.raises(UsageFault, match="not text in UTF-8"):
        read_policy(path)
    path.write_text("max_age = 5")
    with pytest.raises(UsageFault, match=f"{path} is not usable: it has no"):
        read_policy(path)
    path.write_bytes(b"#" * 1024 * 1025)
    with pytest.raises(UsageFault, match="larger than 1 MiB"):
        read_policy(path)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"issuers": ("http://auth.example",)}, "neither https nor on this machine"),
        ({"audiences": ("",)}, "at least one audience"),
        ({"profile": "nobody"}, "there is no profile 'nobody'"),
        ({"follow_revocations": True}, "give credentials"),
        ({"secret_env": "X"}, "--client-id"),
        ({"client_id": "guard"}, "--secret-file or --secret-env"),
        ({"client_id": "guard", "secret_env": "X", "secret_file": Path("x")}, "one of them"),
        ({"client_id": "guard", "secret_env": "MINTMARK_NO_SUCH"}, "MINTMARK_NO_SUCH is not set"),
        ({"client_id": "guard", "secret_file": Path("/no/such")}, "/no/such cannot be read"),
    ],
)
def test_options_that_make_no_guard_are_refused(policy: Path, more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageFault, match=sentence):
        build_guard(options(policy, **more))


def test_a_guard_reads_its_secret_from_a_file(policy: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    guard = build_guard(options(policy, client_id="guard", secret_file=secret, follow_revocations=True))
    assert guard.health().issuers[0].issuer == ISSUER
    guard.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "api.example"])
def test_a_guard_that_others_can_reach_must_know_its_proxies(policy: Path, host: str) -> None:
    with pytest.raises(UsageFault, match="--trusted-proxies"):
        serve(options(policy, host=host), print)


def test_a_network_that_cannot_be_read_is_refused(policy: Path) -> None:
    with pytest.raises(UsageFault, match="--trusted-proxies: 'ten' is neither"):
        serve(options(policy, trusted_proxies=("ten",)), print)


@pytest.mark.parametrize("listen", ["9090", "127.0.0.1:65536"])
def test_an_address_to_listen_on_has_a_port(policy: Path, listen: str) -> None:
    command = ("guard", "--issuer", ISSUER, "--audience", AUDIENCE, "--policy", policy, "--listen", listen)
    done = mintmark(*command)
    assert done.returncode == 2
    assert done.stderr.startswith(f"mintmark: --listen {listen}: it must be an address and a port")


def test_a_running_guard_answers_its_proxies_only_and_ends_in_good_order(policy: Path) -> None:
    issuer = f"http://127.0.0.1:{free_port()}"
    port = free_port()
    guard = ("--issuer", issuer, "--audience", AUDIENCE, "--policy", policy, "--listen", f"127.0.0.1:{port}")
    running = Running("guard", *guard, ready="Mintmark guards")
    try:
        asked = call("GET", f"http://127.0.0.1:{port}/auth/request/things")
        assert asked.status == 401
        assert asked.headers["www-authenticate"] == f'Bearer realm="{AUDIENCE}", scope="things:read"'
        asked = call("GET", f"http://127.0.0.1:{port}/auth/request/things", token="a.b.c")
        assert asked.status in (401, 503)
    finally:
        assert running.stop() == 0
    strict = Running("guard", *guard, "--trusted-proxies", "192.0.2.0/24", ready="Mintmark guards")
    try:
        asked = call("GET", f"http://127.0.0.1:{port}/auth/request/things")
        assert (asked.status, asked.json["error"]) == (403, "undeclared_proxy")
    finally:
        assert strict.stop() == 0
