"""Each example is short, starts as its first line says, and lets in whom it should."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from tests.end_to_end.server import free_port
from tests.transport.guards.world import issuer, token

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*_service.py"))
SECONDS = 30
CODES = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403}


@pytest.fixture(scope="module")
def issuer_url() -> Iterator[str]:
    with issuer() as url:
        yield url


@contextmanager
def running(example: Path, issuer_url: str) -> Iterator[int]:
    """The port of the example in a process of its own; another port if someone else took the first one."""
    for _ in range(3):
        port = free_port()
        settings = {"ISSUER": issuer_url, "PORT": str(port), "PYTHONPATH": str(ROOT / "src")}
        process = subprocess.Popen(
            [sys.executable, example],
            env=os.environ | settings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            if _listens(process, port):
                yield port
                return
        finally:
            process.kill()
            _, said = process.communicate()
    pytest.fail(f"{example.name} did not start: {said[-2000:]}")


def _listens(process: subprocess.Popen[str], port: int) -> bool:
    end = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.02)
    return False


def ask(example: Path, port: int, *tokens: str) -> tuple[int, str]:
    """Status and body of a call with a header for each of `tokens`."""
    if example.name.startswith("grpc"):
        metadata = [("authorization", f"Bearer {one}") for one in tokens]
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            read = channel.unary_unary("/example.Bookings/Read")
            try:
                return 200, read(b"", metadata=metadata, timeout=SECONDS, wait_for_ready=True).decode()
            except grpc.RpcError as error:
                return CODES[error.code().name], error.details()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.putrequest("GET", "/bookings")
    for one in tokens:
        connection.putheader("Authorization", f"Bearer {one}")
    connection.endheaders()
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == 200 or answer.headers["WWW-Authenticate"].startswith("Bearer ")
    return answer.status, text


def test_there_is_an_example_for_every_door() -> None:
    doors = {path.stem for path in (ROOT / "src/mintmark/transport/guards").glob("*.py")}
    doors -= {"__init__", "entrance"}
    assert {example.stem.partition("_")[0] for example in EXAMPLES} == {
        door.partition("_")[0] for door in doors
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_is_short(example: Path) -> None:
    assert len(example.read_text(encoding="utf-8").splitlines()) < 40


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_lets_in_whom_it_should(example: Path, issuer_url: str) -> None:
    with running(example, issuer_url) as port:
        good = token(iss=issuer_url)
        status, body = ask(example, port, good)
        assert (status, json.loads(body or "{}").get("bookings_of")) == (200, "reports")
        assert ask(example, port)[0] == 401
        assert ask(example, port, good, good)[0] == 401
        assert ask(example, port, token(iss=issuer_url, scope="bookings:cancel"))[0] == 403
        assert ask(example, port, token(iss=issuer_url, aud="https://other.example"))[0] == 401
