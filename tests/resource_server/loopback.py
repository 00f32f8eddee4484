"""An issuer on the loopback address, with faults on demand: metadata, keys, introspection and a revocation feed."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mintmark.jose.access_token import build
from mintmark.jose.jwk import PrivateKey, generate
from mintmark.resource_server.revocation_feed import TYPE, digest_of, first_digest
from mintmark.values.secret import Secret

PATH = "/t/acme/production"
AUDIENCE = "https://api.example"
CREDENTIALS = ("guard", Secret("mms-guard"))
Answer = tuple[int, bytes, dict[str, str]]


def no_credentials() -> tuple[str, Secret]:
    return CREDENTIALS


class LoopbackIssuer:
    """`faults`: path -> what answers instead. `seen`: every path asked for, in order."""

    def __init__(self) -> None:
        self.keys: list[PrivateKey] = [generate("ES256")]
        self.faults: dict[str, Callable[[], Answer]] = {}
        self.seen: list[str] = []
        self.cache_control = "max-age=300"
        self.tokens: dict[str, dict[str, Any]] = {}
        self.questions: list[dict[str, str]] = []
        self.entries: list[str] = []
        self.revoked: list[list[object]] = []
        self.forgotten = 0
        self.changed = threading.Condition()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                issuer.seen.append(urlsplit(self.path).path)
                self.answer(*issuer.get(self.path, self.headers.get("Authorization", "")))

            def do_POST(self) -> None:
                issuer.seen.append(self.path)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(*issuer.post(self.path, body, self.headers.get("Authorization", "")))

            def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                try:
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(body)), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: object, client_address: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self.identifier = self.origin + PATH
        self.head = first_digest(self.identifier)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        with self.changed:
            self.changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def count(self, path: str) -> int:
        return sum(one == PATH + path for one in self.seen)

    def token(self, key: PrivateKey | None = None, typ: str = "at+jwt", **changes: object) -> str:
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": self.identifier,
            "sub": "reports",
            "aud": AUDIENCE,
            "client_id": "reports",
            "iat": now - 10,  # before whatever a test revokes
            "nbf": now - 10,
            "exp": now + 600,
            "jti": "0b7a2c5e",
            "scope": "read write",
            "mm_tenant": "acme",
            "mm_cred": "abc123",
        }
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        return build(claims, key or self.keys[0], typ)

    def bearer(self, key: PrivateKey | None = None, **changes: object) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(key, **changes)}"}  # type: ignore[arg-type]

    def get(self, target: str, authorization: str) -> Answer:
        path = urlsplit(target).path
        if path in self.faults:
            return self.faults[path]()
        if path == "/.well-known/oauth-authorization-server" + PATH:
            document: dict[str, object] = {
                "issuer": self.identifier,
                "jwks_uri": self.identifier + "/jwks.json",
                "introspection_endpoint": self.identifier + "/introspect",
            }
            return 200, json.dumps(document).encode(), {}
        if path == PATH + "/jwks.json":
            keys = [key.public().jwk() for key in self.keys]
            return 200, json.dumps({"keys": keys}).encode(), {"Cache-Control": self.cache_control}
        if path.startswith(PATH + "/revocations") and not self.known(authorization):
            return 401, b"", {}
        if path == PATH + "/revocations/snapshot":
            return 200, self.snapshot().encode(), {}
        if path == PATH + "/revocations":
            query = parse_qs(urlsplit(target).query)
            return self.poll(int(query["after"][0]), min(float(query["wait"][0]), 5.0))
        return 404, b"", {}

    def known(self, authorization: str) -> bool:
        pair = f"{CREDENTIALS[0]}:{CREDENTIALS[1].reveal()}"
        return authorization == "Basic " + base64.b64encode(pair.encode()).decode()

    def post(self, target: str, body: bytes, authorization: str) -> Answer:
        if target in self.faults:
            return self.faults[target]()
        fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if target != PATH + "/introspect" or not self.known(authorization):
            return 401, b"", {}
        self.questions.append(fields)
        facts = self.tokens.get(fields["token"])
        return 200, json.dumps({"active": False} if facts is None else {"active": True, **facts}).encode(), {}

    # --- the feed ---

    def say(self, kind: str, **claims: object) -> str:
        now = int(time.time())
        return build({"iss": self.identifier, "iat": now, "kind": kind, **claims}, self.keys[0], TYPE)

    def revoke(
        self, kind: str, name: str, issued_before: int | None = None, until: int | None = None
    ) -> None:
        now = int(time.time())
        before, end = issued_before or now, until or now + 3600
        with self.changed:
            entry = self.say(
                kind, id=name, issued_before=before, until=end, seq=len(self.entries) + 1, prev=self.head
            )
            self.entries.append(entry)
            self.revoked.append([kind, name, before, end])
            self.head = digest_of(entry)
            self.changed.notify_all()

    def snapshot(self) -> str:
        return self.say("snapshot", seq=len(self.entries), prev=self.head, revocations=self.revoked)

    def poll(self, after: int, wait: float) -> Answer:
        if after < self.forgotten or after > len(self.entries):
            return 410, b"", {}
        with self.changed:
            self.changed.wait_for(lambda: len(self.entries) > after, min(wait, 1.0))
            new = self.entries[after:]
            heartbeat = self.say("heartbeat", seq=len(self.entries), prev=self.head)
        return 200, json.dumps([*new, heartbeat]).encode(), {}
