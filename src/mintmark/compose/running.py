"""Running a server until it is told to stop: the socket, the workers, the signals and the exit code."""

from __future__ import annotations

import errno
import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import uvicorn
from uvicorn.supervisors import Multiprocess

from mintmark.cli.services import UsageFault
from mintmark.compose.announcing import Announcing
from mintmark.compose.logs import set_up_logging
from mintmark.compose.reloading import Source, check_certificate, remembered_context
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
#: Seconds in which a worker must say that it lives, and in which one that starts must be ready for a signal.
WORKER_SILENCE = 30
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
    found = given["source"]
    source = None if found is None else Source(Path(found["config"]), found["overrides"])
    return _application(settings, source, demo=given["demo"])


def _application(settings: Settings, source: Source | None, *, demo: bool) -> Server:
    """The application of this process, which from now on does nothing but serve.

    What is loaded by now stays, so the collector looks through it no more; and it looks less often through the
    caches, in which it would find nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    return Server(settings, set_up_logging(settings.log_level), demo=demo, source=source)


def run(
    settings: Settings,
    listener: socket.socket,
    *,
    demo: bool = False,
    source: Source | None = None,
    started: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT, then end what runs and return. Exits with 3 when a worker cannot start.

    `source`: where settings are read again at SIGHUP.
    """
    check_certificate(settings)
    several = settings.workers > 1
    if several:
        given = {"settings": settings.model_dump(mode="json"), "demo": demo, "source": None}
        if source is not None:
            given["source"] = {"config": str(source.config), "overrides": dict(source.overrides)}
        os.environ[WORKER] = json.dumps(given, default=str)
    application: Server | str = (
        "mintmark.compose.running:worker" if several else _application(settings, source, demo=demo)
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
        timeout_worker_healthcheck=WORKER_SILENCE,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        ssl_context_factory=None if settings.tls_cert is None else remembered_context,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal anew when it has ended in good order.
        signal.signal(number, lambda *_: sys.exit(0))
    if several:
        started()
        supervisor = _Workers(config, sockets=[listener])
        supervisor.run()
        failed = any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes)
        if failed and not supervisor.told_to_stop:  # a worker that was stopped while it started is no failure
            sys.exit(STARTUP_FAILURE)
        return
    server = Announcing(config, started)
    server.run(sockets=[listener])
    if not server.started:
        sys.exit(STARTUP_FAILURE)


class _Workers(Multiprocess):
    """Workers read their settings again at SIGHUP; they are not restarted."""

    told_to_stop = False

    def handle_hup(self) -> None:
        """Hand it on to each of them, once it listens for it: before that it would end a worker."""
        for process in self.processes:
            ready = process.wait_until_ready(self.config.timeout_worker_healthcheck, self.should_exit)
            if ready and process.pid is not None and process.exitcode is None:
                os.kill(process.pid, signal.SIGHUP)

    def handle_term(self) -> None:
        """Stop in good order."""
        self.told_to_stop = True
        super().handle_term()

    def handle_int(self) -> None:
        """Stop in good order."""
        self.told_to_stop = True
        super().handle_int()
