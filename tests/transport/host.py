"""A user's surroundings on one machine: directories of their own, saved profiles, an agent."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mintmark.client.profile_entry import ProfileEntry, read_entry
from mintmark.compose.profiles import of_entry
from mintmark.transport.agent_client import agent_socket
from mintmark.transport.agent_server import Agent, serve
from mintmark.transport.private_socket import OwnSocket, make_directory
from mintmark.transport.profile_file import ProfileFile
from mintmark.values.secret import Secret
from tests.transport.loopback import Vendor

COMMAND = (sys.executable, "-m", "mintmark.compose.main")
SOURCES = Path(__file__).parents[2] / "src"
SECRET = "s3cret-of-the-client"


@dataclass(frozen=True)
class Running:
    """A command that serves, and what it said until it was ready."""

    process: subprocess.Popen[str]
    said: str


@dataclass(frozen=True)
class Host:
    """`variables`: what its programs see beside the usual environment."""

    folder: Path
    variables: dict[str, str]

    def save(self, name: str, shop: Vendor, **more: Any) -> ProfileEntry:
        """Save a profile of the vendor; its secret stands in the profile file."""
        table = {
            "token_url": f"{shop.url}/token",
            "client_id": "the-client",
            "client_secret": Secret(SECRET),
            "api_url": f"{shop.url}/v1/things",
        }
        entry = read_entry(name, {key: value for key, value in {**table, **more}.items() if value})
        ProfileFile().put(entry, replace=True)
        return entry

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}
        path = os.pathsep.join([str(SOURCES), str(SOURCES.parent)])
        return {**kept, "PYTHONPATH": path, **self.variables, **more}

    def run(self, *arguments: str, stdin: str | bytes = "", **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*COMMAND, *arguments],
            input=stdin if isinstance(stdin, str) else stdin.decode(),
            capture_output=True,
            text=True,
            timeout=60,
            env=self.environment(**more),
            check=False,
            cwd=self.folder,
        )

    @contextmanager
    def running(self, *arguments: str, ready: str, **more: str) -> Iterator[Running]:
        """A command that serves, until it is stopped; its stderr has said `ready`."""
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(**more),
            cwd=self.folder,
        )
        assert process.stderr is not None
        try:
            said = ""
            while ready not in said:
                line = process.stderr.readline()
                assert line, f"it did not start: {said}"
                said += line
            yield Running(process, said)
        finally:
            process.terminate()
            process.wait(30)
            later = process.stderr.read()
            process.stderr.close()
            assert "Traceback" not in later
            assert SECRET not in later
            assert "-of-the-vendor" not in later

    @contextmanager
    def agent(self, clock: Any = time.time) -> Iterator[Agent]:
        """An agent in a thread."""
        make_directory(agent_socket().parent)
        own = OwnSocket(agent_socket())
        agent = Agent(ProfileFile().get, of_entry, clock, os.urandom)
        started, loops = threading.Event(), []
        stop = asyncio.Event()

        async def live() -> None:
            loops.append(asyncio.get_running_loop())
            started.set()
            await serve(own, agent, stop)

        thread = threading.Thread(target=asyncio.run, args=(live(),))
        thread.start()
        assert started.wait(30)
        try:
            yield agent
        finally:
            loops[0].call_soon_threadsafe(stop.set)
            thread.join(30)
            own.close()


@contextmanager
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host for as long as the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="mm-", dir="/tmp"))  # a socket's path must be short
    variables = {
        f"XDG_{name}": str(folder / name.lower()) for name in ("CONFIG_HOME", "STATE_HOME", "RUNTIME_DIR")
    }
    (folder / "runtime_dir").mkdir(mode=0o700)
    for name in [name for name in os.environ if name.startswith("MINTMARK_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("mintmark.transport.agent_client.HEARD_WITHIN", 30.0)
    try:
        yield Host(folder, variables)
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    with surroundings(monkeypatch) as made:
        yield made
