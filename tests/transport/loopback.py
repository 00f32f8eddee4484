"""A vendor on a loopback port: a token endpoint and an API that count what they are asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def as_json(status: int, value: object, **headers: str) -> Answer:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return status, {"content-type": "application/json", **named}, json.dumps(value).encode()


@dataclass
class Vendor:
    """`/token` issues T1, T2 ...; any other path is the API, which takes the tokens in `live`."""

    url: str = ""
    lifetime: object = 3600
    token_requests: list[Asked] = field(default_factory=list)
    calls: list[Asked] = field(default_factory=list)
    live: set[str] = field(default_factory=set)
    #: Answers a token request instead of issuing, when it returns something.
    refuse: Callable[[Asked], Answer | None] = lambda asked: None
    #: Answers a call instead of judging its token, when it returns something.
    respond: Callable[[Asked], Answer | None] = lambda asked: None
    #: Both endpoints wait for these before they answer.
    token_gate: threading.Event = field(default_factory=threading.Event)
    more_headers: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def issue(self, asked: Asked) -> Answer:
        with self.lock:
            self.token_requests.append(asked)
            number = len(self.token_requests)
        assert self.token_gate.wait(30)
        refused = self.refuse(asked)
        if refused is not None:
            return refused
        token = f"T{number}-of-the-vendor"
        self.live.add(token)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime}
        return as_json(200, {k: v for k, v in answer.items() if v is not None}, **self.more_headers)

    def judge(self, asked: Asked) -> Answer:
        with self.lock:
            self.calls.append(asked)
        answer = self.respond(asked)
        if answer is not None:
            return answer
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and token in self.live:
            return as_json(200, {"token": token})
        return as_json(401, {}, www_authenticate='Bearer error="invalid_token"', x_request_id="api-1")


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


@contextmanager
def vendor() -> Iterator[Vendor]:
    """A running vendor."""
    state = Vendor()
    state.token_gate.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self._body()
            asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            endpoint = state.issue if self.path.partition("?")[0] == "/token" else state.judge
            status, headers, answer = endpoint(asked)
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
            except OSError:
                self.close_connection = True

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding") == "chunked":
                whole = b""
                while size := int(self.rfile.readline(), 16):
                    whole += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return whole
            return self.rfile.read(int(self.headers.get("content-length") or 0))

        do_GET = do_POST = do_PUT = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield state
        finally:
            state.token_gate.set()
            server.shutdown()
            thread.join()
