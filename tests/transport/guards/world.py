"""A small world for the doors' tests: tokens of a local issuer, guards that know its keys or are cut off, and clients
that call WSGI and ASGI applications with raw headers."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.test import Client

from mintmark.jose.access_token import build
from mintmark.jose.jwk import PrivateKey, generate
from mintmark.resource_server.caller import Caller
from mintmark.values.errors import OAuthError
from mintmark.wire.http import HttpResponse

ISSUER = "https://auth.example/t/acme/production"
AUDIENCE = "https://api.example"
SCOPE = "bookings:read"
Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """`headers`: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str


Door = Callable[[str, Headers], Answer]


@cache
def key() -> PrivateKey:
    """The issuer's key, one per process."""
    return generate("ES256")


def token(private: PrivateKey | None = None, typ: str = "at+jwt", **changes: object) -> str:
    """A token that is good for an hour, with changes."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": "reports",
        "aud": AUDIENCE,
        "client_id": "reports",
        "iat": now - 10,
        "nbf": now - 10,
        "exp": now + 3600,
        "jti": "0b7a2c5e",
        "scope": f"{SCOPE} bookings:cancel",
    }
    return build(claims | changes, private or key(), typ)


@cache
def tokens() -> dict[str, str]:
    """By the names that cases.toml uses."""
    now = int(time.time())
    return {
        "good": token(),
        "expired": token(iat=now - 7200, nbf=now - 7200, exp=now - 3600),
        "wrong_audience": token(aud="https://other.example"),
        "id_token": token(typ="JWT", nonce="n-0S6"),
        "stranger": token(generate("ES256")),
        "other_scope": token(scope="bookings:cancel"),
        "another": token(client_id="invoices", sub="invoices"),
    }


@contextmanager
def issuer() -> Iterator[str]:
    """The identifier of an issuer on loopback that publishes `key` and says so in its metadata."""

    class Documents(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys = {"keys": [key().public().jwk()]}
            metadata = {"issuer": url, "jwks_uri": f"{url}/jwks.json", "token_endpoint": f"{url}/token"}
            body = json.dumps(keys if self.path == "/jwks.json" else metadata).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing to standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Documents) as server:
        server.daemon_threads = True
        url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield url
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class World:
    """`guard`: knows the issuer's keys. `cut_off`: cannot reach the issuer."""

    guard: Any
    cut_off: Any
    tokens: dict[str, str]


class Halved:
    """A guard that answers in one way only: `way` is ``verify``, ``averify`` or neither."""

    def __init__(self, guard: Any, way: str) -> None:
        self._guard, self._way = guard, way

    def verify(self, headers: Any, /, *scopes: str) -> Caller:
        if self._way != "verify":
            raise AssertionError("asked in the wrong way")
        caller: Caller = self._guard.verify(headers, *scopes)
        return caller

    async def averify(self, headers: Any, /, *scopes: str) -> Caller:
        if self._way != "averify":
            raise AssertionError("asked in the wrong way")
        caller: Caller = await self._guard.averify(headers, *scopes)
        return caller

    def refusal(self, error: OAuthError, /, *scopes: str) -> HttpResponse:
        answer: HttpResponse = self._guard.refusal(error, *scopes)
        return answer

    def metadata(self) -> Mapping[str, object]:
        document: Mapping[str, object] = self._guard.metadata()
        return document


def wsgi_door(application: Any) -> Door:
    """Repeated headers are joined, as WSGI servers do it."""

    def call(path: str, headers: Headers) -> Answer:
        answer = Client(application).get(path, headers=WerkzeugHeaders(headers))
        named = {name.lower(): value for name, value in answer.headers}
        return Answer(answer.status_code, named, answer.get_data(as_text=True))

    return call


def asgi_door(application: Any) -> Door:
    """Every header arrives by itself."""

    async def ask(path: str, headers: Headers) -> Answer:
        transport = httpx2.ASGITransport(application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
            answer = await client.get(path, headers=headers)
            return Answer(answer.status_code, dict(answer.headers), answer.text)

    return lambda path, headers: asyncio.run(ask(path, headers))
