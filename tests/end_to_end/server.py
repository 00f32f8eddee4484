"""A real server process on a free loopback port, and small ways to ask it."""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.end_to_end import forked

COMMAND = (sys.executable, "-m", "mintmark.compose.main")
SOURCES = Path(__file__).parents[2] / "src"
#: Seconds that a start or stop may take on a busy machine.
PATIENCE = 120


def environment(**more: str) -> dict[str, str]:
    """Of a child process: our sources first, nothing of the caller's configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}
    return {**kept, "PYTHONPATH": str(SOURCES), **more}


#: Below the ports that systems give to outgoing connections, so that none of these takes one that is to be listened on.
PORTS = range(20_000, 32_000)
#: A datagram socket on each port that was handed out keeps it from the other processes of the tests.
_TAKEN: list[socket.socket] = []


def free_ports(count: int) -> int:
    """The first of so many neighbouring ports on which nobody listens; they are this process's until it ends."""
    while True:
        first = random.SystemRandom().choice(PORTS[:-count])
        taken: list[socket.socket] = []
        try:
            for port in range(first, first + count):
                taken.append(socket.socket(type=socket.SOCK_DGRAM))
                taken[-1].bind(("127.0.0.1", port))
                with closing(socket.socket()) as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
        except OSError:
            for each in taken:
                each.close()
        else:
            _TAKEN.extend(taken)
            return first


def free_port() -> int:
    return free_ports(1)


def until(true: Callable[[], object], what: str = "what was waited for did not happen") -> None:
    """Wait for what a server does beside its answers; fail, saying `what` is missing, when it does not."""
    ends = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < ends, what
        time.sleep(0.02)


def in_one_day(seconds: float = 40) -> None:
    """Wait for the next UTC day when less than so many seconds of this one are left: what follows counts by days."""
    left = 86400 - time.time() % 86400
    if left < seconds:
        time.sleep(left)


def mintmark(
    *arguments: object, stdin: str = "", cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    given = list(map(str, arguments))
    return forked.run(given, stdin=stdin, cwd=cwd, env=environment(**(env or {})), patience=PATIENCE)


class Running:
    """A `mintmark` process that serves. `output`: what it has said; it is ready when `ready` stands in it."""

    def __init__(self, *arguments: object, ready: str, cwd: Path | None = None, **more: str) -> None:
        self._process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(**more),
            cwd=cwd,
        )
        self._lines: list[str] = []
        self._ready = threading.Event()
        self._wanted = ready
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(PATIENCE) or self._process.poll() is not None:
            self.stop()
            raise AssertionError(f"the server did not start:\n{self.output}")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            if self._wanted in line:
                self._ready.set()
        self._ready.set()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it and answer its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._reader.join(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | str | None = None,
    host: str | None = None,
    token: str | None = None,
    source: str | None = None,
) -> Answer:
    """One request on a connection of its own; `host` replaces the Host header, `source` is where it comes from."""
    parts = urlsplit(url)
    given = dict(headers or {})
    if host is not None:
        given["Host"] = host
    if token is not None:
        given["Authorization"] = f"Bearer {token}"
    origin = None if source is None else (source, 0)
    with closing(
        http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE, source_address=origin)
    ) as connection:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body.encode() if isinstance(body, str) else body, given)
        response = connection.getresponse()
        lowered = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, lowered, response.read())


def post_form(url: str, fields: Mapping[str, str] | Sequence[tuple[str, str]], **more: Any) -> Answer:
    headers = {"Content-Type": "application/x-www-form-urlencoded", **more.pop("headers", {})}
    return call("POST", url, headers=headers, body=urlencode(fields), **more)


def post_json(url: str, value: object, **more: Any) -> Answer:
    headers = {"Content-Type": "application/json", **more.pop("headers", {})}
    return call("POST", url, headers=headers, body=json.dumps(value), **more)


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


Entry = dict[str, Any]


def request_token(tenant: str, entry: Entry, url: str | None = None, **more: Any) -> Answer:
    """A token request as the tenant's document writes it."""
    url = url or entry["token_url"]
    client = {"client_id": entry["client_id"], "client_secret": entry["client_secret"]}
    grant = {"grant_type": "client_credentials"}
    match tenant:
        case "omnilab" | "fyma":
            return post_json(url, {**grant, **client, "audience": entry["audience"]}, **more)
        case "oleria":
            return post_form(url, {**grant, **client, "scope": entry["scope"]}, **more)
        case "omneo":
            user = {"username": entry["username"], "password": entry["password"]}
            return post_form(url, {**grant, **client, **user, "scope": "*"}, **more)
        case "omnissa":
            headers = basic(entry["client_id"], entry["client_secret"])
            return call("POST", f"{url}?grant_type=client_credentials", headers=headers, **more)
        case _:
            return post_form(url, grant, headers=basic(entry["client_id"], entry["client_secret"]), **more)


def call_api(entry: Entry, token: str, **more: Any) -> Answer:
    """The tenant's API call with a token."""
    headers = {"Content-Type": "application/json"} if entry["api_body"] else {}
    return call(
        entry["api_method"], entry["api_url"], headers=headers, body=entry["api_body"], token=token, **more
    )
