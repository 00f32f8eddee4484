"""The HTTP/1.1 connection: uvicorn's httptools protocol with bounds on a request: its head in bytes, all of it in time.

Its own refusals are JSON and bear a request id like every other answer.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mintmark.web.answers import refusal
from mintmark.web.exchange import Exchange
from mintmark.web.request_id import new_request_id

HEAD_LIMIT = 32 * 1024
#: Seconds from the packet that left a request open to its end; a connection that never says anything has as long.
REQUEST_SECONDS = 10.0


class Http11(HttpToolsProtocol):
    """One connection. `_open`: a request has begun, or none yet, and is not complete; `_in_head`: nor is its head.

    A request that comes in one packet, as nearly all do, starts no timer and is not measured.
    """

    _waiting: asyncio.TimerHandle | None = None
    _requests = 0
    _packet = 0
    _head_size = 0
    _open = True
    _in_head = True

    def connection_made(self, transport: Any) -> None:
        """A connection that never says anything is closed, too."""
        super().connection_made(transport)
        self._waiting = self.loop.call_later(REQUEST_SECONDS, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; a request that is still open after that is timed, its head counted from the second
        packet on.
        """
        requests = self._requests
        self._packet = len(data)
        super().data_received(data)
        if self._open and not self.transport.is_closing():
            if self._in_head and requests == self._requests:
                self._head_size += len(data)
                if self._head_size > HEAD_LIMIT:
                    self._refuse(431, "The head of the request is too large.")
                    return
            if self._waiting is None:
                self._waiting = self.loop.call_later(REQUEST_SECONDS, self._late)

    def on_message_begin(self) -> None:
        """The head of a request begins."""
        super().on_message_begin()
        self._requests += 1
        self._open = self._in_head = True
        self._head_size = 0

    def on_headers_complete(self) -> None:
        """The head is complete; raising here makes the parser refuse the request."""
        self._in_head = False
        if self._packet + self._head_size > HEAD_LIMIT:
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if size > HEAD_LIMIT:
                raise ValueError("the head of the request is too large")
        scope, parser, url = self.scope, self.parser, httptools.parse_url(self.url)
        version = parser.get_http_version()
        scope["http_version"] = version
        scope["method"] = parser.get_method().decode("ascii")
        scope["raw_path"] = url.path
        scope["path"] = unquote(url.path.decode("ascii"))
        scope["query_string"] = url.query or b""
        before = self.cycle
        self.cycle = Exchange(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=[],
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:  # type: ignore[redundant-expr]  # uvicorn types it so
            self._start_asgi_task(self.cycle, self.app)
        else:  # pipelined: it begins when the one before is answered
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._open = False
        if self._waiting is not None:
            self._stop_waiting()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn names it
        """What cannot be parsed is refused in our own form."""
        self._refuse(400, "The request is not well-formed HTTP/1.1.")

    def _late(self) -> None:
        self._waiting = None
        if not self._open or self.transport.is_closing():
            return
        if self._in_head:
            answerable = self._requests < 2 or self.cycle.response_complete
        else:
            answerable = not self.cycle.response_started and not self.pipeline
        if answerable:
            self._refuse(408, "The request did not arrive in time.")
        else:
            self.transport.close()

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
