"""`mintmark agent`: run the host's agent, or ask it what it holds."""

from __future__ import annotations

import argparse
from typing import Any

from mintmark.cli import plain
from mintmark.cli.client.parsing import Parser, json_option
from mintmark.cli.client.services import ClientServices
from mintmark.cli.faults import Failure


def parser(name: str, about: str) -> Parser:
    """Of this command."""
    made = Parser(name, f"{about} It runs in the foreground until SIGTERM or Ctrl-C.")
    made.add_argument("--status", action="store_true", help="Show what a running agent holds, and end.")
    json_option(made)
    return made


def run(given: argparse.Namespace, services: ClientServices) -> int:
    """Serve, or show the status."""
    if not given.status:
        services.agent(plain.aside)
        return 0
    status: dict[str, Any] | None = services.agent_status()
    if status is None:
        raise Failure("No agent answers: `mintmark agent` starts one.")
    if given.as_json:
        plain.json_document(status)
        return 0
    plain.say(f"An agent runs with process id {status['pid']}.")
    rows = [
        [name, str(held["dialect"]), str(held["state"]), str(held["token"]), plain.moment(held["expires_at"])]
        for name, held in status["profiles"].items()
    ]
    if rows:
        plain.columns([["profile", "dialect", "state", "token", "expires at"], *rows])
    else:
        plain.aside("It holds no token yet.")
    return 0
