"""`mintmark proxy`: the forwarding proxy on uvicorn, until it is told to stop."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from mintmark.cli.client.services import ProxyOptions
from mintmark.cli.faults import Failure, UsageFault
from mintmark.client.errors import Misconfigured
from mintmark.compose.agent import keep_memory_to_ourselves, log_to_stderr
from mintmark.compose.client import state_directory
from mintmark.compose.private_files import private_directory, write_private
from mintmark.compose.profiles import Opened, open_profile
from mintmark.transport.forwarding import Forwarding
from mintmark.transport.private_socket import OwnSocket, SocketFault, make_directory, runtime_directory
from mintmark.transport.proxy_rules import Door
from mintmark.transport.secret_sources import read_private
from mintmark.values.secret import Secret
from mintmark.wire.origin import origin_of

#: Seconds that running requests are given to end.
GRACE = 5
_KEY_BYTES = 32


def run(options: ProxyOptions, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. Raises Misconfigured, UsageFault, Failure."""
    try:
        import uvicorn

        from mintmark.compose.announcing import Announcing
    except ModuleNotFoundError:
        raise UsageFault("The proxy needs uvicorn: pip install 'mintmark[proxy]'.") from None
    keep_memory_to_ourselves()
    opened = open_profile(options.profile)
    origin = _upstream(opened, options.upstream)
    own: OwnSocket | None = None
    if options.listen is None:
        own = _own_socket(options)
        listener, door = own.socket, Door(frozenset({b"localhost"}))
        place = f"the Unix socket {own.path}"
    else:
        listener = _listener(*options.listen)
        port = listener.getsockname()[1]
        names = {f"{name}:{port}".encode() for name in ("127.0.0.1", "localhost", "[::1]")}
        key, path = _key(options.key_file)
        door = Door(frozenset(names), key)
        place = f"{options.listen[0]}, port {port}, with the key in {path} (header Mintmark-Proxy-Key)"
    log_to_stderr()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    config = uvicorn.Config(
        Forwarding(opened.source, origin, door),
        http="h11",  # it hands targets over as they came; httptools takes whole addresses apart
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    try:
        Announcing(config, lambda: say(f"mintmark proxy: forwarding to {origin}, listening on {place}")).run(
            sockets=[listener]
        )
    except KeyboardInterrupt:
        pass  # uvicorn raises the signal anew when it has ended in good order
    finally:
        if own is not None:
            own.close()


def _upstream(opened: Opened, named: str) -> str:
    """The API's origin. Raises Misconfigured."""
    origins = {origin_of(address) for address in opened.origins}
    address = named or opened.api_url
    if not address:
        if len(origins) != 1:
            raise Misconfigured(
                "nothing says which API to forward to: name it with --upstream, or in the profile (--api-url)"
            )
        address = origins.pop()
    return opened.demand(address)


def _own_socket(options: ProxyOptions) -> OwnSocket:
    path = options.socket
    try:
        if path is None:
            path = runtime_directory() / f"proxy-{options.profile or 'environment'}.sock"
            make_directory(path.parent)
        return OwnSocket(path.absolute())
    except SocketFault as fault:
        raise Failure(str(fault)) from None


def _listener(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as fault:
        listener.close()
        raise Failure(f"{host}, port {port}, cannot be listened on: {fault.strerror}") from None
    return listener


def _key(path: Path | None) -> tuple[Secret, Path]:
    """The local key, made when its file is missing. Raises UsageFault."""
    place = (path or state_directory() / "proxy.key").absolute()
    if not place.exists():
        if path is None:
            private_directory(place.parent)
        write_private(place, os.urandom(_KEY_BYTES).hex() + "\n")
    text = read_private(place).strip()
    if len(text) < 32 or not text.isascii() or not text.isprintable():
        raise UsageFault(
            f"{place} must hold at least 32 printable characters, or be removed to make a new one."
        )
    return Secret(text), place
