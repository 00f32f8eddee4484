"""Running a server until it is told to stop: the socket, the workers, the signals and the exit code."""

from __future__ import annotations

import errno
import gc
import json
import os
import signal
import socket
import ssl
import sys
from collections.abc import Callable

import uvicorn
from uvicorn.supervisors import Multiprocess

from mintmark.cli.services import UsageFault
from mintmark.compose.announcing import Announcing
from mintmark.compose.logs import set_up_logging
from mintmark.compose.server import Server
from mintmark.config import Settings
from mintmark.web.protocol import Http11

#: Tells a worker process its settings; they hold no secret.
WORKER = "_MINTMARK_WORKER"
#: The exit code when a worker cannot start; also uvicorn's.
STARTUP_FAILURE = 3
BACKLOG = 2048
#: Seconds that running requests are given to end.
GRACE = 10
#: Objects made since the last collection, then collections of one generation before one of the next.
COLLECT_AFTER = (20_000, 5, 1000)


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens already; who connects waits. Raises UsageFault when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as fault:
        listener.close()
        if fault.errno == errno.EADDRINUSE:
            raise UsageFault(f"port {port} on {host} is taken by another program") from None
        raise UsageFault(f"cannot listen on {host}, port {port}: {fault.strerror}") from None
    listener.set_inheritable(True)
    return listener


def worker() -> Server:
    """The application of a worker process; its settings come from the environment."""
    given = json.loads(os.environ[WORKER])
    settings = Settings.model_validate(given["settings"])
    return _application(settings, demo=given["demo"])


def _application(settings: Settings, *, demo: bool) -> Server:
    """The application of this process, which from now on does nothing but serve.

    What is loaded by now stays, so the collector looks through it no more; and it looks less often through the
    caches, in which it would find nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    return Server(settings, set_up_logging(settings.log_level), demo=demo)


def run(
    settings: Settings,
    listener: socket.socket,
    *,
    demo: bool = False,
    started: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT, then end what runs and return. Exits with 3 when a worker cannot start."""
    _check_certificate(settings)
    several = settings.workers > 1
    if several:
        os.environ[WORKER] = json.dumps({"settings": settings.model_dump(mode="json"), "demo": demo})
    application: Server | str = (
        "mintmark.compose.running:worker" if several else _application(settings, demo=demo)
    )
    config = uvicorn.Config(
        application,
        factory=several,
        workers=settings.workers,
        loop="uvloop",
        http=Http11,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal anew when it has ended in good order.
        signal.signal(number, lambda *_: sys.exit(0))
    if several:
        started()
        supervisor = Multiprocess(config, sockets=[listener])
        supervisor.run()
        if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
            sys.exit(STARTUP_FAILURE)
        return
    server = Announcing(config, started)
    server.run(sockets=[listener])
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _check_certificate(settings: Settings) -> None:
    """Raises UsageFault when the certificate and key cannot be used."""
    if settings.tls_cert is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            settings.tls_cert, settings.tls_key
        )
    except OSError as fault:
        raise UsageFault(
            f"tls_cert {settings.tls_cert} and tls_key {settings.tls_key} cannot be used together: "
            f"{fault.strerror or fault}"
        ) from None
