"""One request and its answer on a connection, and how an answer looks on the wire.

The answer leaves in a single write; a line break in a header is found by counting lines.
"""

from __future__ import annotations

import asyncio
import http
from typing import Protocol

from mintmark.wire.http import HttpRequest, HttpResponse

_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %s" % (status.value, status.phrase.encode("ascii"))
    for status in http.HTTPStatus
}
#: In an answer: end the connection with it.
CLOSE = (b"connection", b"close")
_WITHOUT_LENGTH = frozenset({204, 304})


class Handler(Protocol):
    """Whoever answers requests."""

    async def respond(self, request: HttpRequest, peer: str) -> HttpResponse:
        """The whole answer to a whole request, or to as much of one as shows that it is too large.

        `peer`: the address at the other end of the connection.
        """
        ...


class Exchange:
    """A request as it comes in. `begun`: it is being answered, or waits for its turn; no more of it is read. `task`:
    what answers it.
    """

    __slots__ = ("begun", "body", "headers", "keep_alive", "method", "path", "query", "task")

    def __init__(
        self, method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]], *, keep_alive: bool
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.keep_alive = keep_alive
        self.begun = False
        self.task: asyncio.Task[None] | None = None
        self.body = b""

    def request(self) -> HttpRequest:
        """What has come in, as a value."""
        return HttpRequest(self.method, self.path, self.query, tuple(self.headers), self.body)


def written(response: HttpResponse, *, head: bool, keep_alive: bool) -> bytes:
    """An answer on the wire. `head`: to a HEAD request, without its body. Raises RuntimeError when a header holds a
    line break.
    """
    status, headers, body = response
    lines = [_STATUS_LINES[status]]
    lines += [b"%b: %b" % pair for pair in headers]
    if status not in _WITHOUT_LENGTH:
        lines.append(b"content-length: %d" % len(body))
    if not keep_alive and CLOSE not in headers:
        lines.append(b"connection: close")
    text = b"\r\n".join(lines)
    if text.count(b"\n") != len(lines) - 1 or text.count(b"\r") != len(lines) - 1:
        raise RuntimeError("a header of an answer holds a line break")
    return b"%b\r\n\r\n%b" % (text, b"" if head else body)
