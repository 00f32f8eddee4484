"""HTTP/1.1 on a free loopback port, a thread per connection, quick to start and to end.

It carries `HttpRequest` to one function and its `HttpResponse` back; whatever is still open when it ends is closed.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from urllib.parse import unquote, urlsplit

from mintmark.testing.faults import ConnectionDropped
from mintmark.wire.http import HttpRequest, HttpResponse

LARGEST_BODY = 16 << 20
Respond = Callable[[HttpRequest], HttpResponse]


class Loopback:
    """Listens from the moment it is made. `origin`: ``http://127.0.0.1:PORT``. `closing`: set when it ends."""

    def __init__(self, respond: Respond, closing: threading.Event) -> None:
        self.closing = closing
        self._server = _Server(respond)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and end every connection; harmless when repeated."""
        self.closing.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self._server.end_connections()


class _Server(TCPServer):
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        connection = request if isinstance(request, socket.socket) else request[1]
        thread = threading.Thread(target=self._attend, args=(connection, client_address), daemon=True)
        with self._lock:
            self._open[connection] = thread
        thread.start()

    def _attend(self, connection: socket.socket, client_address: object) -> None:
        try:
            _Handler(connection, client_address, self)
        except OSError:
            pass  # the other side went away
        finally:
            with self._lock:
                self._open.pop(connection, None)
            connection.close()

    def end_connections(self) -> None:
        with self._lock:
            left = list(self._open.items())
            for connection, _ in left:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for _, thread in left:
            if thread is not threading.current_thread():
                thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one write per answer
    server: _Server

    def _answer(self) -> None:
        body = self._body()
        if body is None:
            self.close_connection = True
            return
        target = urlsplit(self.path)
        headers = tuple((n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in self.headers.items())
        try:
            answer = self.server.respond(
                HttpRequest(self.command, unquote(target.path), target.query.encode("latin-1"), headers, body)
            )
        except ConnectionDropped:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name.decode("latin-1").title(), value.decode("latin-1"))
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815

    def _body(self) -> bytes | None:
        """The whole body; None when it is too large or no body at all."""
        try:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                return self._chunks()
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            return None
        return self.rfile.read(length) if 0 <= length <= LARGEST_BODY else None

    def _chunks(self) -> bytes | None:
        whole = bytearray()
        while size := int(self.rfile.readline(1024), 16):
            if size < 0 or len(whole) + size > LARGEST_BODY:
                return None
            whole += self.rfile.read(size)
            self.rfile.readline(1024)
        while self.rfile.readline(65537).strip():
            pass
        return bytes(whole)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed: addresses and headers may hold what a test calls a secret."""
