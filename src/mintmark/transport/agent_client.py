"""Asks the host's agent over its Unix socket; light to import.

Whatever is wrong with the agent or its socket counts as "there is none", so that a program goes on alone; only what the
agent itself says of a token request is an error of the program.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from mintmark.client.agent_protocol import (
    LARGEST_REPLY,
    LENGTH_BYTES,
    Ask,
    Handed,
    ProtocolFault,
    UnknownProfile,
    length_of,
    read_reply,
    write_ask,
)
from mintmark.client.errors import Misconfigured
from mintmark.transport.private_socket import SocketFault, check_directory, peer_uid, runtime_directory

#: Seconds until the agent must have been reached and have said that it heard.
HEARD_WITHIN = 2.0
#: Seconds that a token may take after that; the agent's own exchange is over sooner.
ANSWERED_WITHIN = 28.0
#: After an agent that did not answer, it is left alone for so long.
LEFT_ALONE = 30.0


def agent_socket() -> Path:
    """Where the agent listens."""
    return runtime_directory() / "agent.sock"


class AgentClient:
    """One program's way to the agent at `path`."""

    def __init__(
        self,
        path: Path | None = None,
        heard_within: float | None = None,
        answered_within: float = ANSWERED_WITHIN,
    ) -> None:
        self._path = path
        self._heard_within = HEARD_WITHIN if heard_within is None else heard_within
        self._answered_within = answered_within
        self._alone_until = 0.0

    def token(self, ask: Ask) -> Handed | None:
        """A token from the agent, or None when there is no agent that can help. Raises NoToken."""
        try:
            reply = self._ask(ask)
        except (UnknownProfile, Misconfigured):
            return None  # what the agent's surroundings lack, such as a variable, ours may have
        return reply if isinstance(reply, Handed) else None

    def status(self) -> dict[str, object] | None:
        """What the agent holds, or None when there is none."""
        reply = self._ask(Ask())
        return reply if isinstance(reply, dict) else None

    def _ask(self, ask: Ask) -> Handed | dict[str, object] | None:
        path = self._path or agent_socket()
        if time.monotonic() < self._alone_until:
            return None
        try:
            check_directory(path.parent)
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
                ends_by = time.monotonic() + self._heard_within
                connection.settimeout(self._heard_within)
                connection.connect(os.fspath(path))
                if peer_uid(connection) != os.getuid():
                    return None
                connection.sendall(write_ask(ask))
                reply = _read(connection, ends_by)
                if reply is None:
                    reply = _read(connection, time.monotonic() + self._answered_within)
                return reply
        except TimeoutError:
            self._alone_until = time.monotonic() + LEFT_ALONE
            return None
        except (OSError, SocketFault, ProtocolFault):
            return None


def _read(connection: socket.socket, ends_by: float) -> Handed | dict[str, object] | None:
    head = _exactly(connection, LENGTH_BYTES, ends_by)
    return read_reply(_exactly(connection, length_of(head, LARGEST_REPLY), ends_by))


def _exactly(connection: socket.socket, count: int, ends_by: float) -> bytes:
    data = bytearray()
    while len(data) < count:
        left = ends_by - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        part = connection.recv(count - len(data))
        if not part:
            raise ConnectionError
        data += part
    return bytes(data)
