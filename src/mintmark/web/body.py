"""Reading a request body: capped in size, chunked ones as well, and as long as Content-Length said.

Raises `BodyRefused` with the answer to give. That it arrives in time is the connection's care (`protocol`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from mintmark.web.answers import refusal

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
LIMIT = 16 * 1024
#: Ends the connection after the answer.
CLOSE = ((b"connection", b"close"),)


class BodyRefused(Exception):
    """The body was not read to its end; `response` says why, as `sentence` does, and closes the connection."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(f"body refused with {status}")
        self.sentence = sentence
        self.response = refusal(status, "invalid_request", sentence, CLOSE)


class Disconnected(Exception):
    """The caller hung up before the body was complete; nobody is left to answer."""


def _too_large() -> BodyRefused:
    sentence = f"The body is larger than {LIMIT} bytes."
    return BodyRefused(413, sentence)


def declared_length(headers: Sequence[tuple[bytes, bytes]]) -> int | None:
    """Content-Length, or None when absent. Raises BodyRefused when it is malformed, repeated or too large."""
    found: bytes | None = None
    for name, value in headers:
        if name == b"content-length":
            if found is not None or not value.isdigit() or len(value) > 12:
                raise BodyRefused(400, "The Content-Length header is malformed.")
            found = value
    if found is None:
        return None
    length = int(found)
    if length > LIMIT:
        raise _too_large()
    return length


async def read_body(headers: Sequence[tuple[bytes, bytes]], receive: Receive) -> bytes:
    """The whole body. Raises BodyRefused (400 or 413) or Disconnected."""
    length = declared_length(headers)
    if length == 0:
        return b""
    message = await receive()
    if message["type"] != "http.request":
        raise Disconnected
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        body = await _rest(body, receive)
    if len(body) > LIMIT:
        raise _too_large()
    if length is not None and len(body) != length:
        raise BodyRefused(400, "The body is not as long as it said.")
    return body


async def _rest(first: bytes, receive: Receive) -> bytes:
    parts, size, more = [first], len(first), True
    while more:
        if size > LIMIT:
            raise _too_large()
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        more = bool(message.get("more_body"))
    return b"".join(parts)
