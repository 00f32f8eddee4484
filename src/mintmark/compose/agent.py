"""`mintmark agent`: the host's agent in the foreground, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import resource
import signal
import time
from collections.abc import Callable

from mintmark.cli.faults import Failure
from mintmark.compose.profiles import of_entry
from mintmark.transport.agent_client import agent_socket
from mintmark.transport.agent_server import Agent, serve
from mintmark.transport.private_socket import OwnSocket, SocketFault, make_directory
from mintmark.transport.profile_file import ProfileFile

_PR_SET_DUMPABLE = 4


def run(say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, then take the socket away and return. Raises Failure."""
    keep_memory_to_ourselves()
    log_to_stderr()
    path = agent_socket()
    try:
        make_directory(path.parent)
        own = OwnSocket(path)
    except SocketFault as fault:
        raise Failure(str(fault)) from None
    try:
        agent = Agent(ProfileFile().get, of_entry, time.time, os.urandom)
        asyncio.run(_until_told(own, agent, lambda: say(f"mintmark agent: listening on {path}")))
    finally:
        own.close()


async def _until_told(own: OwnSocket, agent: Agent, started: Callable[[], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    serving = asyncio.create_task(serve(own, agent, stop))
    started()
    await serving


def keep_memory_to_ourselves() -> None:
    """No core dump, and no other process of the user may look into our memory (PR_SET_DUMPABLE of prctl(2))."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def log_to_stderr() -> None:
    """Our own lines, none of which holds a secret; of the libraries below nothing that could hold a header."""
    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s", level=logging.ERROR)
    logging.getLogger("mintmark").setLevel(logging.INFO)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
