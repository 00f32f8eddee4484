"""One request and its answer on a connection: uvicorn's cycle, with an answer that leaves in a single write.

Our answers are whole when they leave: one body, its length known. So the head is kept until the body comes, joined
with it and written once, and a line break in a header is found by counting lines instead of searching each header.
"""

from __future__ import annotations

import http
from collections.abc import MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %s" % (status.value, status.phrase.encode("ascii"))
    for status in http.HTTPStatus
}


class Exchange(RequestResponseCycle):
    """`_head`: the answer's first message, until its body comes."""

    _head: MutableMapping[str, Any] | None = None

    async def send(self, message: MutableMapping[str, Any]) -> None:  # type: ignore[override]
        """A start with Content-Length (or no body at all), then one body. Raises RuntimeError for anything else."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if self._head is None:
            if message["type"] != "http.response.start":
                raise RuntimeError(f"an answer does not begin with {message['type']}")
            self._head = message
            self.response_started = True
            self.waiting_for_100_continue = False
            return
        if message["type"] != "http.response.body" or message.get("more_body") or self.response_complete:
            raise RuntimeError("an answer is a start and one body")
        self.transport.write(self._written(self._head, message.get("body", b"")))
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _written(self, head: MutableMapping[str, Any], body: bytes) -> bytes:
        lines = [_STATUS_LINES[head["status"]]]
        for name, value in head["headers"]:
            if name == b"connection" and value == b"close":
                self.keep_alive = False
            else:
                lines.append(name + b": " + value)
        if not self.keep_alive:
            lines.append(b"connection: close")
        written = b"\r\n".join(lines)
        if written.count(b"\n") != len(lines) - 1 or written.count(b"\r") != len(lines) - 1:
            raise RuntimeError("a header of an answer holds a line break")
        return b"%s\r\n\r\n%s" % (written, body)
