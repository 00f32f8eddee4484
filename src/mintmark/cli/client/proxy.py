"""`mintmark proxy`: forward calls to an API and add the token, for programs in any language."""

from __future__ import annotations

import argparse
from pathlib import Path

from mintmark.cli import plain
from mintmark.cli.client.parsing import PROFILE_VARIABLE, Parser, profile_name
from mintmark.cli.client.services import ClientServices, ProxyOptions
from mintmark.cli.faults import UsageFault


def parser(name: str, about: str) -> Parser:
    """Of this command."""
    made = Parser(
        name,
        f"{about} It listens on a Unix socket that only this user can reach, or on a loopback port that asks for a "
        "local key; it runs in the foreground until SIGTERM or Ctrl-C.",
    )
    made.add_argument(
        "--profile",
        metavar="PROFILE",
        help=f"Name of a saved profile [{PROFILE_VARIABLE}, else the environment: MINTMARK_DIALECT and the like].",
    )
    made.add_argument(
        "--upstream", default="", metavar="URL", help="The API's origin [that of the profile's api-url]."
    )
    made.add_argument("--socket", type=Path, metavar="FILE", help="Unix socket to listen on.")
    made.add_argument(
        "--listen", metavar="ADDRESS:PORT", help="Listen on a loopback port instead; port 0 takes a free one."
    )
    made.add_argument(
        "--key-file", type=Path, metavar="FILE", help="Where the local key is kept; made if missing."
    )
    return made


def run(given: argparse.Namespace, services: ClientServices) -> int:
    """Serve until stopped."""
    if given.listen and given.socket:
        raise UsageFault("--listen and --socket are two places to listen: name one of them.")
    if given.key_file and not given.listen:
        raise UsageFault("--key-file goes with --listen: a Unix socket needs no key.")
    listen = None if given.listen is None else _listen(given.listen)
    services.proxy(
        ProxyOptions(profile_name(given.profile), listen, given.socket, given.upstream, given.key_file),
        plain.aside,
    )
    return 0


def _listen(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if (
        host not in ("127.0.0.1", "::1", "localhost")
        or not port.isascii()
        or not port.isdigit()
        or int(port) > 65535
    ):
        raise UsageFault("--listen takes a loopback address and a port, such as 127.0.0.1:8081.")
    return ("127.0.0.1" if host == "localhost" else host), int(port)
