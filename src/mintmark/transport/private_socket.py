"""Unix sockets that only their owner can reach: the directory, who is at the other end, and taking the place of a dead
program's socket.

The directory is ``$XDG_RUNTIME_DIR/mintmark``, or ``/tmp/mintmark-<uid>`` where that variable is not set; it must be
the user's own and closed to all others, or it is not used.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import struct
from pathlib import Path

#: What the kernel keeps of a Unix socket's address (unix(7)), without the zero at its end.
LONGEST_PATH = 107
_CREDENTIALS = struct.Struct("3i")


class SocketFault(Exception):
    """The socket cannot be used: one sentence with its place."""


def runtime_directory() -> Path:
    """Where the user's sockets are."""
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(given) / "mintmark" if given.startswith("/") else Path(f"/tmp/mintmark-{os.getuid()}")  # noqa: S108


def check_directory(path: Path) -> None:
    """Raise SocketFault unless `path` is a directory of the user's own, closed to all others."""
    try:
        seen = path.lstat()
    except OSError as fault:
        raise SocketFault(f"{path} cannot be used: {fault.strerror}") from None
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid() or stat.S_IMODE(seen.st_mode) & 0o077:
        raise SocketFault(f"{path} must be a directory of your own that is closed to others (chmod 700)")


def make_directory(path: Path) -> None:
    """Make the directory if it is not there, and check it. Raises SocketFault."""
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as fault:
        raise SocketFault(f"{path} cannot be made: {fault.strerror}") from None
    check_directory(path)


def peer_uid(connection: socket.socket) -> int:
    """Who is at the other end (SO_PEERCRED of unix(7))."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(data)
    return int(uid)


class OwnSocket:
    """A listening socket at `path`, mode 0600, with a lock beside it; as long as it is held nobody else listens there.

    A socket that a dead program left is replaced. Raises SocketFault, also when a living one listens there.
    """

    def __init__(self, path: Path, backlog: int = 1024) -> None:
        self.path = path
        if len(os.fsencode(path)) > LONGEST_PATH:
            raise SocketFault(f"{path} is too long for a Unix socket: {LONGEST_PATH} bytes are the most")
        self._lock = self._locked()
        try:
            if path.is_socket():
                path.unlink()
            self.socket = self._bound(backlog)
        except OSError as fault:
            os.close(self._lock)
            raise SocketFault(f"{path} cannot be listened on: {fault.strerror}") from None

    def close(self) -> None:
        """Take the socket away."""
        self.path.unlink(missing_ok=True)
        self.socket.close()
        os.close(self._lock)

    def _locked(self) -> int:
        lock = self.path.with_name(f".{self.path.name}.lock")
        try:
            descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as fault:
            raise SocketFault(f"{lock} cannot be written: {fault.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise SocketFault(f"another program listens on {self.path} already") from None
        return descriptor

    def _bound(self, backlog: int) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        umask = os.umask(0o177)
        try:
            listener.bind(os.fspath(self.path))
            listener.listen(backlog)
        except BaseException:
            listener.close()
            raise
        finally:
            os.umask(umask)
        return listener
