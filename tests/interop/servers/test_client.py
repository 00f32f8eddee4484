"""Our client, command line and proxy against other people's authorization servers."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

import mintmark
from mintmark.client.errors import Refused
from tests.end_to_end.server import COMMAND, Running, environment, free_port
from tests.interop.servers.others import SERVERS, Server

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]
FORMS = ("basic", "post")


@pytest.fixture(scope="module", params=list(SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with SERVERS[request.param]() as running:
        yield running


class Api:
    """An API that admits only the tokens that are not in `refused`, and remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.refused: set[str] = set()
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                scheme, _, token = self.headers.get("authorization", "").partition(" ")
                api.shown.append(token)
                good = scheme == "Bearer" and token and token not in api.refused
                self.send_response(200 if good else 401)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def api() -> Iterator[Api]:
    running = Api()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts and profiles of a test are its own."""
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
        (tmp_path / name).mkdir(mode=0o700)


def source(server: Server, form: str, secret: Any = None) -> mintmark.Source:
    how = {"dialect": server.dialects[form]} if form in server.dialects else {"form": form}
    return mintmark.source(
        **how,
        token_url=server.token_url,
        client_id=server.clients[form],
        client_secret=secret or server.secret,
        scope="read",
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_token_is_obtained_in_both_forms(server: Server, form: str) -> None:
    token = source(server, form).token()
    assert len(token.reveal()) > 20
    assert token.reveal() not in repr(token)


@pytest.mark.parametrize("form", FORMS)
def test_a_herd_of_threads_gets_one_token(server: Server, form: str) -> None:
    one = source(server, form)
    with ThreadPoolExecutor(32) as pool:
        tokens = {token.reveal() for token in pool.map(lambda _: one.token(), range(100))}
    assert len(tokens) == 1


@pytest.mark.parametrize("form", FORMS)
def test_a_wrong_secret_is_a_refusal_with_its_code(server: Server, form: str) -> None:
    if not server.checks_secrets:
        assert source(server, form, "wrong").token().reveal()  # it is a mock that admits everybody
        return
    with pytest.raises(Refused) as caught:
        source(server, form, "wrong").token()
    assert caught.value.code == "invalid_client"
    assert "wrong" not in str(caught.value)


def test_a_refused_token_is_replaced_once_and_the_call_replayed(server: Server, api: Api) -> None:
    one = source(server, "basic")
    api.refused.add(one.token().reveal())
    time.sleep(1.1)  # tokens of one second may be the very same
    with httpx2.Client(auth=one.auth(), base_url=api.url, trust_env=False) as client:
        answer = client.post("/x", content=b"body")
    assert (answer.status_code, answer.content) == (200, b"body")
    assert len(api.shown) == 2
    assert api.shown[0] != api.shown[1]


def settings(server: Server, api: Api, **more: str) -> dict[str, str]:
    return environment(
        MINTMARK_TOKEN_URL=server.token_url,
        MINTMARK_CLIENT_ID=server.clients["basic"],
        MINTMARK_CLIENT_SECRET=server.secret,
        MINTMARK_SCOPE="read",
        **({"MINTMARK_DIALECT": server.dialects["basic"]} if server.dialects else {}),
        MINTMARK_API_URL=api.url,
        **{name: os.environ[name] for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")},
        **more,
    )


def mint(given: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *arguments]
    return subprocess.run(
        command, env=given, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )


def test_the_command_line_works_from_the_environment_alone(server: Server, api: Api) -> None:
    given = settings(server, api)
    token = mint(given, "token")
    assert (token.returncode, token.stderr) == (0, "")
    called = mint(given, "call", "POST", "/x", "-d", "body")
    assert (called.returncode, called.stdout.strip()) == (0, "body"), called.stderr
    said = mint(given, "doctor", "--json", "--url", f"{api.url}/x", "--method", "POST")
    assert said.returncode == 0, said.stdout + said.stderr
    everything = token.stderr + called.stdout + called.stderr + said.stdout + said.stderr
    assert server.secret not in everything
    assert not any(shown in everything for shown in api.shown)


def test_doctor_names_the_fault_of_a_wrong_secret(server: Server, api: Api) -> None:
    if not server.checks_secrets:
        return  # it is a mock: no secret is wrong
    said = mint({**settings(server, api), "MINTMARK_CLIENT_SECRET": "wrong"}, "doctor", "--json")
    assert said.returncode != 0
    steps = json.loads(said.stdout)
    assert "client" in json.dumps(steps).lower()
    assert "wrong-secret" not in said.stdout


def test_the_proxy_adds_the_token(server: Server, api: Api, tmp_path: Path) -> None:
    port, key = free_port(), tmp_path / "key"
    given = settings(server, api)
    listen = ("--listen", f"127.0.0.1:{port}", "--key-file", key)
    more = {name: value for name, value in given.items() if name.startswith(("MINTMARK_", "XDG_"))}
    running = Running("proxy", *listen, ready=str(port), **more)
    try:
        headers = {"Mintmark-Proxy-Key": key.read_text().strip()}
        url = f"http://127.0.0.1:{port}/x"
        assert httpx2.post(url, content=b"body", headers=headers, trust_env=False).content == b"body"
        assert httpx2.post(url, content=b"body", trust_env=False).status_code in (401, 403)
        assert len(api.shown) == 1
    finally:
        running.stop()


def test_a_token_is_served_through_an_outage_of_the_server(tmp_path: Path) -> None:
    with SERVERS["oidc-provider"]() as server:
        one = source(server, "basic")
        token = one.token()
    assert one.token().reveal() == token.reveal()
