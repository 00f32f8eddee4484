"""`mintmark token`: a token on stdout, from the agent where one runs."""

from __future__ import annotations

import argparse

from mintmark.cli import plain
from mintmark.cli.client.parsing import Parser, json_option, profile_argument, profile_name
from mintmark.cli.client.services import ClientServices
from mintmark.cli.faults import UsageFault
from mintmark.client.agent_protocol import Ask, Handed


def parser(name: str, about: str) -> Parser:
    """Of this command."""
    made = Parser(name, about)
    profile_argument(made)
    made.add_argument(
        "--header", action="store_true", help="Print the header lines that a call needs, instead."
    )
    json_option(made)
    return made


def run(given: argparse.Namespace, services: ClientServices) -> int:
    """Print the token."""
    if given.header and given.as_json:
        raise UsageFault("--header and --json are two forms of one answer: name one of them.")
    handed = _handed(profile_name(given.profile), services)
    if given.as_json:
        plain.json_document(
            {
                "access_token": handed.secret.reveal(),
                "token_type": handed.token_type,
                "expires_at": None if handed.expires_at is None else plain.moment(handed.expires_at),
                "scope": handed.scope,
            }
        )
    elif given.header:
        for name, value in handed.headers:
            print(f"{name}: {value}")
        if not handed.headers:
            raise UsageFault("This vendor's token does not travel in a header: see `mintmark call`.")
    else:
        print(handed.secret.reveal())
    return 0


def _handed(name: str | None, services: ClientServices) -> Handed:
    if name is not None:
        entry = services.profiles().get(name)
        warm = services.warm(Ask(entry.name, entry.fingerprint()))
        if warm is not None:
            return warm
    with plain.progress("asking for a token"):
        token = services.open(name).source.token()
    from mintmark.client.through_agent import handed_over

    return handed_over(token, "", services.clock())
