"""The HTTP/1.1 connection: uvicorn's httptools protocol with a bound on the head of a request, in bytes and in time.

Its own refusals are JSON and bear a request id like every other answer.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mintmark.web.answers import refusal
from mintmark.web.request_id import new_request_id

HEAD_LIMIT = 32 * 1024
HEAD_SECONDS = 10.0


class Http11(HttpToolsProtocol):
    """One connection. The head of a request has to be complete within `HEAD_SECONDS` and `HEAD_LIMIT` bytes."""

    _waiting: asyncio.TimerHandle | None = None
    _requests = 0
    _head_size = 0
    _in_head = True

    def connection_made(self, transport: Any) -> None:
        """A connection that never says anything is closed, too."""
        super().connection_made(transport)
        self._waiting = self.loop.call_later(HEAD_SECONDS, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; a head that is still open after that is timed, and from its second packet on counted."""
        requests = self._requests
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_size += len(data) if requests == self._requests else 0
            if self._head_size > HEAD_LIMIT:
                self._refuse(431, "The head of the request is too large.")
            elif self._waiting is None:
                self._waiting = self.loop.call_later(HEAD_SECONDS, self._late)

    def on_message_begin(self) -> None:
        """The head of a request begins."""
        super().on_message_begin()
        self._requests += 1
        self._in_head, self._head_size = True, 0

    def on_headers_complete(self) -> None:
        """The head is complete; raising here makes the parser refuse the request."""
        self._in_head = False
        self._stop_waiting()
        if sum(len(name) + len(value) for name, value in self.headers) + len(self.url) > HEAD_LIMIT:
            raise ValueError("the head of the request is too large")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn names it
        """What cannot be parsed is refused in our own form."""
        self._refuse(400, "The request is not well-formed HTTP/1.1.")

    def _late(self) -> None:
        self._waiting = None
        if self._in_head and not self.transport.is_closing():
            self._refuse(408, "The head of the request did not arrive in time.")

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _refuse(self, status: int, sentence: str) -> None:
        self._stop_waiting()
        response = refusal(status, "invalid_request", sentence)
        lines = [b"HTTP/1.1 %d Refused" % status]
        lines += [name + b": " + value for name, value in response.headers]
        lines += [
            b"content-length: %d" % len(response.body),
            b"x-request-id: " + new_request_id(time.time(), os.urandom).encode("ascii"),
            b"connection: close",
        ]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + response.body)
        self.transport.close()
