"""The HTTP/1.1 connection: a protocol for uvicorn's server that hands whole requests to a handler, as values.

Every request of ours is small and every answer is whole, so the handler is called once the request is complete (or
too large to go on), and its answer leaves in one write. Head, body and time of a
request are bounded; requests that come before their turn wait. Our own refusals are JSON and bear a request id.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from mintmark.web.answers import refusal
from mintmark.web.exchange import CLOSE, Exchange, Handler, written
from mintmark.web.request_id import HEADER, new_request_id
from mintmark.wire.http import HttpResponse

HEAD_LIMIT = 32 * 1024
#: Bytes of a body; of a larger one no more than this and one packet is read.
BODY_LIMIT = 16 * 1024
#: Seconds from the packet that left a request open to its end; a connection that never says anything has as long.
REQUEST_SECONDS = 10.0


class Http11(asyncio.Protocol):
    """One connection. `_open`: a request has begun, or none yet, and is not complete; `_in_head`: nor is its head.

    `_turn`: the exchange whose answer is due; `_queue`: those behind it.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 - uvicorn hands it to every protocol
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self.handler: Handler = config.loaded_app
        self.loop = _loop or asyncio.get_event_loop()
        self.state = server_state
        self.keep_alive_seconds = config.timeout_keep_alive
        self.transport: asyncio.Transport
        self.writable = True
        self._parser: Any = httptools.HttpRequestParser(self)
        self._turn: Exchange | None = None
        self._queue: deque[Exchange] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._requests = self._packet = self._head_size = 0
        self._paused = False
        self._open = self._in_head = True
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._exchange: Exchange | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection that never says anything is closed, too."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")  # noqa: S101
        self.transport = transport  # type: ignore[assignment]
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if isinstance(peer, tuple) else ""
        self.state.connections.add(self)  # type: ignore[arg-type]  # it does what uvicorn asks of one
        self._wait(REQUEST_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        """Nothing is waited for any longer; what is being answered is answered to nobody."""
        self.state.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        self._turn = None
        self._queue.clear()
        self._parser = None

    def shutdown(self) -> None:
        """The server is stopping: end after the answer that is due, or now."""
        if self._turn is None:
            self.transport.close()
        else:
            self._turn.keep_alive = False

    def pause_writing(self) -> None:
        """The other side does not read its answers: begin no further request."""
        self.writable = False

    def resume_writing(self) -> None:
        """It does again."""
        self.writable = True
        self._next()

    def data_received(self, data: bytes) -> None:
        """Feed the parser. A request that is still open after that is timed; from the second packet on its head is
        counted.
        """
        requests = self._requests
        self._packet = len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self._exchange is not None:
                self._exchange.keep_alive = (
                    False  # we speak nothing else; it is answered, and then it is over
                )
        except httptools.HttpParserError:
            self._refuse(400, "The request is not well-formed HTTP/1.1.")
            return
        if self._open and not self.transport.is_closing():
            if self._in_head and requests == self._requests:
                self._head_size += len(data)
                if self._head_size > HEAD_LIMIT:
                    self._refuse(431, "The head of the request is too large.")
                    return
            if requests != self._requests or not self._timed():
                self._wait(REQUEST_SECONDS)

    def on_message_begin(self) -> None:
        """The head of a request begins."""
        self._requests += 1
        self._open = self._in_head = True
        self._head_size = 0
        self._url = b""
        self._headers = []
        self._exchange = None

    def on_url(self, url: bytes) -> None:
        """A part of the request target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header field. What comes after the body is no header of the request (RFC 9110 §6.5.1): it is dropped."""
        if self._in_head:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is complete; raising here makes the parser refuse the request."""
        self._in_head = False
        if self._packet + self._head_size > HEAD_LIMIT:
            size = len(self._url) + sum(len(name) + len(value) for name, value in self._headers)
            if size > HEAD_LIMIT:
                raise ValueError("the head of the request is too large")
        url = httptools.parse_url(self._url)
        version = self._parser.get_http_version()
        if version not in ("1.0", "1.1") or url.fragment is not None:
            raise ValueError("the request is not one of HTTP/1.1")
        if url.host is not None:  # RFC 9112 §3.2.2: the absolute form names the host, whatever Host says
            authority = url.host if url.port is None else b"%s:%d" % (url.host, url.port)
            self._headers[:] = [pair for pair in self._headers if pair[0] != b"host"] + [(b"host", authority)]
        self._exchange = Exchange(
            self._parser.get_method().decode("ascii"),
            url.path.decode("ascii"),
            url.query or b"",
            self._headers,
            keep_alive=version != "1.0" and self._parser.should_keep_alive(),
        )
        for name, value in self._headers:
            if name == b"content-length" and len(value) > 4 and int(value) > BODY_LIMIT:
                self._begin_early()
            elif name == b"expect" and value.lower() == b"100-continue" and not self._exchange.begun:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A part of the body; one that is too large is not read to its end."""
        exchange = self._exchange
        if exchange is None or exchange.begun:
            return
        exchange.body += body
        if len(exchange.body) > BODY_LIMIT:
            self._begin_early()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._open = False
        exchange = self._exchange
        if exchange is not None and not exchange.begun:
            self._line_up(exchange)

    def _begin_early(self) -> None:
        """Answer a request that is not read to its end; then the connection is over."""
        exchange = self._exchange
        if exchange is not None and not exchange.begun:
            exchange.keep_alive = False
            self._open = False
            self._pause()
            self._line_up(exchange)

    def _pause(self) -> None:
        self._paused = True
        self.transport.pause_reading()

    def _line_up(self, exchange: Exchange) -> None:
        exchange.begun = True
        self._queue.append(exchange)
        if self._turn is None and self.writable:
            self._next()
        elif not self.transport.is_closing():
            self._pause()

    def _next(self) -> None:
        """Begin the exchange that is first in the queue, unless another is under way."""
        if self._turn is not None or not self.writable:
            return
        if not self._queue:
            if self._paused and not self.transport.is_closing():
                self._paused = False
                self.transport.resume_reading()
            return
        exchange = self._turn = self._queue.popleft()
        exchange.task = self.loop.create_task(self._answer(exchange))
        self.state.tasks.add(exchange.task)

    async def _answer(self, exchange: Exchange) -> None:
        """Have it answered, and begin the next; a handler that fails ends the connection."""
        try:
            response = await self.handler.respond(exchange.request(), self.peer)
            if self._turn is not exchange:
                return
            keep_alive = exchange.keep_alive and CLOSE not in response.headers
            answer = written(response, head=exchange.method == "HEAD", keep_alive=keep_alive)
        except BaseException:
            self.transport.close()
            raise
        finally:
            self.state.tasks.discard(exchange.task)
        self.transport.write(answer)
        self.state.total_requests += 1
        self._turn = None
        if not keep_alive:
            self.transport.close()
        elif not self.transport.is_closing():
            self._deadline = self.loop.time() + self.keep_alive_seconds
            self._next()

    def _timed(self) -> bool:
        """Whether an open request has its deadline already."""
        return self._deadline <= self.loop.time() + REQUEST_SECONDS

    def _wait(self, seconds: float) -> None:
        """Look again when `seconds` are over. One timer does for all deadlines: it is set anew when it comes early."""
        self._deadline = self.loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        late = self.loop.time() - self._deadline >= -0.001
        if late and self._open:
            self._refuse(408, "The request did not arrive in time.")
        elif late and self._turn is None:
            self.transport.close()
        else:
            left = self.keep_alive_seconds if late else self._deadline - self.loop.time()
            self._timer = self.loop.call_later(left, self._look)

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer what is no request and end the connection; where answers are due before it, end it after them."""
        before = self._queue[-1] if self._queue else self._turn
        if before is not None:
            before.keep_alive = False
            self._pause()
            return
        if not self.transport.is_closing():
            response = refusal(status, "invalid_request", sentence)
            request_id = (HEADER, new_request_id(time.time(), os.urandom).encode("ascii"))
            response = HttpResponse(status, (*response.headers, request_id), response.body)
            self.transport.write(written(response, head=False, keep_alive=False))
        self.transport.close()
