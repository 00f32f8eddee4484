"""A bare issuer, the least that could carry the work: what the interpreter, the carrier and the disk leave of the raw
signing rate on this machine when there is no product in between.

uvicorn with httptools and uvloop, a plain ASGI function; a form or Basic, a look-up, one comparison; an RFC 9068 token;
one row in SQLite (write-ahead log, synchronous FULL), committed in groups by a thread before the answers leave. No
limits, no request ids, no refusals worth the name: nobody should run it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

import uvicorn

from benchmarks.installation import AUDIENCE, ENVIRONMENT, SCOPES
from benchmarks.load import SEPARATOR
from benchmarks.processes import pin
from mintmark.jose.access_token import build
from mintmark.jose.jwk import PrivateKey, generate
from mintmark.values.tenancy import Algorithm

_Row = tuple[float, str, str, str]
_HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


class Group:
    """Rows that wait, and one thread that commits all of them at once."""

    def __init__(self, database: Path) -> None:
        self._connection = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = wal")
        self._connection.execute("PRAGMA synchronous = full")
        self._connection.execute("CREATE TABLE issued (id INTEGER PRIMARY KEY, at REAL, client, jti, scope)")
        self._thread = ThreadPoolExecutor(1)
        self._rows: list[_Row] = []
        self._committed: asyncio.Future[None] | None = None
        self._busy = False

    async def commit(self, row: _Row) -> None:
        """Return once `row` is durable."""
        if self._committed is None:
            self._committed = asyncio.get_running_loop().create_future()
        self._rows.append(row)
        committed = self._committed
        if not self._busy:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._next)
        await committed

    def _next(self) -> None:
        rows, committed = self._rows, self._committed
        self._rows, self._committed = [], None
        self._busy = committed is not None
        if committed is not None:
            loop = asyncio.get_running_loop()
            self._thread.submit(self._write, rows).add_done_callback(
                lambda done: loop.call_soon_threadsafe(self._end, committed, done.exception())
            )

    def _end(self, committed: asyncio.Future[None], fault: BaseException | None) -> None:
        committed.set_result(None) if fault is None else committed.set_exception(fault)
        self._next()

    def _write(self, rows: list[_Row]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO issued (at, client, jti, scope) VALUES (?, ?, ?, ?)", rows)
        self._connection.execute("COMMIT")


class Prototype:
    """The ASGI application."""

    def __init__(self, clients: dict[str, bytes], key: PrivateKey, database: Path) -> None:
        self._clients, self._key, self._group = clients, key, Group(database)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Any request is one for a token; one without the right secret is answered with 401."""
        body = (await receive())["body"]
        client_id, secret = presented(dict(scope["headers"]).get(b"authorization", b""), body)
        if not hmac.compare_digest(self._clients.get(client_id, b""), hashlib.sha256(secret).digest()):
            return await self._answer(send, 401, b'{"error":"invalid_client"}')
        now, jti, granted = int(time.time()), os.urandom(16).hex(), " ".join(SCOPES)
        issuer = f"http://127.0.0.1:8080/t/{ENVIRONMENT}"
        claims = {"iss": issuer, "sub": client_id, "aud": AUDIENCE, "client_id": client_id, "scope": granted}
        token = build({**claims, "iat": now, "exp": now + 3600, "jti": jti}, self._key, "at+jwt")
        await self._group.commit((now, client_id, jti, granted))
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": granted}
        return await self._answer(send, 200, json.dumps(answer).encode())

    async def _answer(self, send: Any, status: int, body: bytes) -> None:
        headers = [*_HEADERS, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def presented(authorization: bytes, body: bytes) -> tuple[str, bytes]:
    """Client id and secret of a request of the load (`installation.request`), by Basic or in the form."""
    if authorization:
        client_id, _, secret = base64.b64decode(authorization[6:]).partition(b":")
    else:
        form = dict(pair.split(b"=", 1) for pair in body.split(b"&") if b"=" in pair)
        client_id, secret = form.get(b"client_id", b""), form.get(b"client_secret", b"")
    return client_id.decode(), secret


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prototype", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--requests", type=Path, required=True, help="the load's, for the clients in them")
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--algorithm", choices=get_args(Algorithm), required=True)
    parser.add_argument("--core", type=int, default=None)
    given = parser.parse_args()
    pin(given.core)
    clients = {}
    for request in given.requests.read_bytes().split(SEPARATOR):
        head, _, body = request.partition(b"\r\n\r\n")
        _, _, authorization = head.partition(b"authorization: ")
        client_id, secret = presented(authorization.partition(b"\r\n")[0], body)
        clients[client_id] = hashlib.sha256(secret).digest()
    algorithm: Algorithm = given.algorithm
    application = Prototype(clients, generate(algorithm), given.database)
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=given.port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main()
