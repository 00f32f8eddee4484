"""A path between a node and its database that a test can cut, in two ways, and mend."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Literal

Path = Literal["whole", "cut", "silent"]


class Relay:
    """Listens on a loopback port of its own and passes bytes on to `port`.

    `cut`: connections are reset and refused. `swallow`: nothing is closed, and every byte vanishes, as behind a
    firewall that forgot its connections: those stay dead after `mend`, new ones work.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._path: Path = "whole"
        self._pairs: list[_Pair] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        # A thread that waits in accept() is not woken by close().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        with self._lock:
            self._path = "cut"
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.close()

    def swallow(self) -> None:
        with self._lock:
            self._path = "silent"
            for pair in self._pairs:
                pair.silent = True

    def mend(self) -> None:
        with self._lock:
            self._path = "whole"

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        far: socket.socket | None = None
        with contextlib.suppress(OSError):
            far = socket.create_connection(("127.0.0.1", self._to), 5)
            far.settimeout(None)
        with self._lock:
            if far is not None and self._path != "cut":
                pair = _Pair(near, far, silent=self._path == "silent")
                self._pairs = [each for each in self._pairs if not each.closed] + [pair]
                pair.start()
                return
        near.close()
        if far is not None:
            far.close()


class _Pair:
    def __init__(self, near: socket.socket, far: socket.socket, *, silent: bool) -> None:
        self._near, self._far = near, far
        self.silent = silent
        self.closed = False
        for each in (near, far):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        for ends in ((self._near, self._far), (self._far, self._near)):
            threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, here: socket.socket, there: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := here.recv(1 << 16):
                if not self.silent:
                    there.sendall(data)
        if not self.silent:
            self.close()

    def close(self) -> None:
        self.closed = True
        for each in (self._near, self._far):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
