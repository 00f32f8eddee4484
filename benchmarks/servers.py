"""Servers as processes of their own: the real one, the same without a durable ledger, a bare prototype, and the one
that never thinks.
"""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.installation import ENVIRONMENT, Installation, free_port
from benchmarks.processes import family, pin
from mintmark.values.tenancy import Algorithm

#: Seconds that a server may take to answer its first request.
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `worker`: the process that answers."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self.process.pid

    @property
    def worker(self) -> int:
        """The process that answers: the server itself, or its first child."""
        return family(self.pid)[0]

    def stop(self) -> None:
        """End it in order and wait."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def start_server(made: Installation, *, durable: bool, core: int | None) -> Iterator[Server]:
    """`mintmark serve` with one worker on one core; not `durable`: composed with a ledger that keeps nothing."""
    module = "mintmark.compose.main" if durable else "benchmarks.without_audit"
    command = [sys.executable, "-m", module, "serve", "--config", str(made.config)]
    with _started(command, made.port, core) as server:
        _wait(server, f"/t/{ENVIRONMENT}/jwks.json")
        yield server


@contextmanager
def start_prototype(made: Installation, algorithm: Algorithm, core: int | None) -> Iterator[Server]:
    """The prototype, for the clients of an installation."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.prototype", "--port", str(port), "--algorithm", algorithm]
    command += ["--requests", str(made.requests), "--database", str(made.directory / "prototype.db")]
    with _started(command, port, core) as server:
        _wait(server, "/")
        yield server


@contextmanager
def start_fixed_answer(core: int | None) -> Iterator[Server]:
    """The server that answers every request with the same bytes."""
    port = free_port()
    with _started(
        [sys.executable, "-m", "benchmarks.fixed_answer", "--port", str(port)], port, core
    ) as server:
        _wait(server, "/")
        yield server


@contextmanager
def _started(command: list[str], port: int, core: int | None) -> Iterator[Server]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=lambda: pin(core))
    server = Server(process, port)
    try:
        yield server
    finally:
        server.stop()


def _wait(server: Server, path: str) -> None:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if server.process.poll() is not None:
            raise SystemExit(
                f"the server ended with exit code {server.process.returncode} before it answered"
            )
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", path)
            if connection.getresponse().status < 500:
                return
        time.sleep(0.05)
    raise SystemExit(f"the server did not answer within {PATIENCE:g} seconds")
