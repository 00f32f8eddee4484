"""One request and its answer: what ASGI calls receive and send, for requests and answers that are whole.

The answer leaves in a single write; a line break in a header is found by counting lines.
"""

from __future__ import annotations

import asyncio
import http
from collections.abc import Iterable, MutableMapping
from typing import Any, Protocol

Scope = MutableMapping[str, Any]
_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %s" % (status.value, status.phrase.encode("ascii"))
    for status in http.HTTPStatus
}


class Connection(Protocol):
    """What an exchange asks of its connection."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport

    def due(self, exchange: Exchange) -> bool:
        """Whether it is this exchange's turn to answer."""
        ...

    def answered(self, exchange: Exchange) -> None:
        """Its answer is written."""
        ...


class Exchange:
    """One request and its answer: what ASGI calls receive and send."""

    __slots__ = ("_gone", "_head", "_read", "begun", "body", "connection", "keep_alive", "scope")

    def __init__(self, connection: Connection, scope: Scope, keep_alive: bool) -> None:
        self.connection = connection
        self.scope = scope
        self.keep_alive = keep_alive
        self.begun = False
        self.body = b""
        self._read = False
        self._head: MutableMapping[str, Any] | None = None
        self._gone: asyncio.Future[None] | bool = False

    async def run(self, app: Any) -> None:
        """Call the application; one that fails or forgets to answer ends the connection."""
        try:
            await app(self.scope, self.receive, self.send)
        finally:
            if self.connection.due(self):
                self.connection.transport.close()

    async def receive(self) -> MutableMapping[str, Any]:
        """The whole body, or as much of it as shows that it is too large; after that, when the caller has gone."""
        if not self._read and self._gone is not True:
            self._read = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        if self._gone is not True:
            if self._gone is False:
                self._gone = self.connection.loop.create_future()
            await self._gone
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """A start with Content-Length (or no body at all), then one body. Raises RuntimeError for anything else."""
        if self._head is None and message["type"] == "http.response.start":
            self._head = message
            return
        if self._head is None or message["type"] != "http.response.body" or message.get("more_body"):
            raise RuntimeError("an answer is a start and one body")
        connection = self.connection
        if self._gone is True or not connection.due(self):
            return
        head = self._head
        for name, value in head["headers"]:
            if name == b"connection" and value == b"close":
                self.keep_alive = False
        answer = written(
            head["status"], head["headers"], message.get("body", b""), keep_alive=self.keep_alive
        )
        connection.transport.write(answer)
        connection.answered(self)

    def hung_up(self) -> None:
        """The caller has gone."""
        waiting, self._gone = self._gone, True
        if isinstance(waiting, asyncio.Future) and not waiting.done():
            waiting.set_result(None)


def written(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, *, keep_alive: bool) -> bytes:
    """An answer on the wire. Raises RuntimeError when a header holds a line break."""
    lines = [_STATUS_LINES[status]]
    lines += [name + b": " + value for name, value in headers if name != b"connection"]
    if not keep_alive:
        lines.append(b"connection: close")
    head = b"\r\n".join(lines)
    if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1:
        raise RuntimeError("a header of an answer holds a line break")
    return b"%s\r\n\r\n%s" % (head, body)
