"""`mintmark guard`: a guard that answers a proxy's questions over HTTP, from options to the end of the process."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import uvicorn

from mintmark.cli.faults import UsageFault
from mintmark.cli.services import GuardOptions
from mintmark.client.errors import Misconfigured
from mintmark.compose.announcing import Announcing
from mintmark.compose.guard import Guard
from mintmark.compose.logs import set_up_logging
from mintmark.compose.running import listening_socket
from mintmark.transport.secret_sources import from_environment, from_file
from mintmark.values.secret import Secret
from mintmark.web.callers import Callers
from mintmark.web.forward_auth import ForwardAuth
from mintmark.web.loopback import is_loopback
from mintmark.web.peer import TrustedProxies
from mintmark.web.policy import Policy, PolicyFault, parse_policy
from mintmark.web.protocol import Http11
from mintmark.web.refusal_log import RefusalLog

THIS_MACHINE = ("127.0.0.0/8", "::1")
LARGEST_POLICY = 1024 * 1024


def serve(options: GuardOptions, say: Callable[[str], None]) -> None:
    """Answer until SIGTERM or SIGINT. Raises UsageFault."""
    if not is_loopback(options.host) and not options.trusted_proxies:
        raise UsageFault(
            f"--listen {options.host} is not this machine alone: name the proxies that may ask with --trusted-proxies."
        )
    policy = read_policy(options.policy)
    guard = build_guard(options)
    try:
        proxies = TrustedProxies.parse(options.trusted_proxies or THIS_MACHINE)
    except ValueError as fault:
        raise UsageFault(f"--trusted-proxies: {fault}.") from None
    listener = listening_socket(options.host, options.port)
    application = ForwardAuth(
        guard,
        policy,
        Callers(proxies, os.urandom),
        RefusalLog(set_up_logging(options.log_level)),
        time.time,
        options.issuers[0] if len(options.issuers) == 1 else "",
    )
    config = uvicorn.Config(
        application,  # type: ignore[arg-type]  # our connection calls `respond`
        loop="uvloop",
        http=Http11,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal anew when it has ended in good order.
        signal.signal(number, lambda *_: sys.exit(0))
    guard.start()
    try:
        Announcing(config, lambda: say(_ready(options))).run(sockets=[listener])
    finally:
        guard.close()


def _ready(options: GuardOptions) -> str:
    return f"Mintmark guards {', '.join(options.audiences)} at {options.host}, port {options.port}."


def read_policy(path: Path) -> Policy:
    """The policy in a file. Raises UsageFault with its name."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_POLICY + 1)
        if len(data) > LARGEST_POLICY:
            raise PolicyFault("it is larger than 1 MiB")
        return parse_policy(data.decode("utf-8"))
    except OSError as fault:
        raise UsageFault(f"The policy {path} cannot be read: {fault.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageFault(f"The policy {path} is not text in UTF-8.") from None
    except PolicyFault as fault:
        raise UsageFault(f"The policy {path} is not usable: {fault}.") from None


def build_guard(options: GuardOptions) -> Guard:
    """The guard that the options describe. Raises UsageFault."""
    credentials = None
    if options.client_id is not None:
        credentials = _credentials(options.client_id, options)
    elif options.secret_file is not None or options.secret_env is not None:
        raise UsageFault("A secret is the guard's own: name its client with --client-id.")
    try:
        return Guard(
            options.issuers,
            options.audiences,
            profile=options.profile,
            jwks_uri=options.jwks_uri,
            credentials=credentials,
            follow_revocations=options.follow_revocations,
            feed_policy="close" if options.feed_policy == "close" else "serve",
        )
    except ValueError as fault:
        raise UsageFault(f"The guard cannot be set up: {fault}.") from None


def _credentials(client_id: str, options: GuardOptions) -> Callable[[], tuple[str, Secret]]:
    if (options.secret_file is None) == (options.secret_env is None):
        raise UsageFault("--client-id needs --secret-file or --secret-env, one of them.")
    read = (
        from_file(options.secret_file)
        if options.secret_file is not None
        else from_environment(options.secret_env or "")
    )
    try:
        read()
    except Misconfigured as fault:
        raise UsageFault(f"The guard's own secret: {fault}.") from None
    return lambda: (client_id, read())
