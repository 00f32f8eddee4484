"""One demo server for all tests of a process that need no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.server import Entry, Running, free_port, mintmark


@dataclass(frozen=True)
class Demo:
    """A running demo. `entries`: what ``--credentials-out`` wrote."""

    server: Running
    url: str
    port: int
    entries: dict[str, Entry]
    credentials: Path
    directory: Path

    def block(self, tenant: str, title: str) -> str:
        """A printed block, as somebody would copy it."""
        for part in self.server.output.split("\n\n"):
            head, _, text = part.partition("\n")
            if head.startswith(f"# {tenant} | ") and head.endswith(f" | {title}"):
                return text
        raise AssertionError(f"the demo printed no block {title!r} for {tenant}")


@dataclass(frozen=True)
class Served:
    """A running `mintmark serve` of its own, with one operator `root`. `password`: theirs."""

    server: Running
    url: str
    directory: Path
    password: str


@contextmanager
def serving(directory: Path, *, host: str = "127.0.0.1", settings: str = "") -> Iterator[Served]:
    """A server at ``http://{host}:{port}`` on an empty database with one operator."""
    port, password = free_port(), "correct horse battery staple"
    url = f"http://{host}:{port}"
    made = mintmark(
        *("init", "--directory", directory, "--non-interactive", "--public-url", url),
        *("--operator", "root", "--password-stdin"),
        stdin=password,
    )
    assert made.returncode == 0, made.stderr
    config = directory / "mintmark.toml"
    config.write_text(f"{settings}\n{config.read_text()}")
    server = Running("serve", "--config", config, ready="Mintmark serves")
    try:
        yield Served(server, url, directory, password)
    finally:
        server.stop()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    base = tmp_path_factory.mktemp("demo")
    directory, credentials, port = base / ".mintmark", base / "credentials.json", free_port()
    server = Running(
        "demo", "--directory", directory, "--port", port, "--credentials-out", credentials, ready="# Ready:"
    )
    try:
        entries = json.loads(credentials.read_text())
        yield Demo(server, f"http://127.0.0.1:{port}", port, entries, credentials, directory)
    finally:
        server.stop()
