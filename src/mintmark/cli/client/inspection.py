"""`mintmark inspect`: a token from standard input, decoded for people, with what is wrong marked."""

from __future__ import annotations

import argparse
import json
import sys

from mintmark.cli import plain
from mintmark.cli.client.parsing import Parser, json_option
from mintmark.cli.client.services import ClientServices
from mintmark.cli.faults import UsageFault
from mintmark.client.inspection import LARGEST, Inspected, cleaned, inspect

_MEANINGS = {"exp": "expires", "nbf": "not before", "iat": "issued at", "auth_time": "authenticated at"}


def parser(name: str, about: str) -> Parser:
    """Of this command."""
    made = Parser(
        name, f"{about} `mintmark token PROFILE | mintmark inspect`; the signature part is never shown."
    )
    made.add_argument(
        "--issuer", metavar="URL", help="Fetch this issuer's keys and check the signature; `iss` must be it."
    )
    made.add_argument("--audience", metavar="TEXT", help="The audience that the token should be for.")
    json_option(made)
    return made


def run(given: argparse.Namespace, services: ClientServices) -> int:
    """Show the token; 1 when something is wrong with it."""
    if sys.stdin.isatty():
        token = cleaned(plain.ask_secret("token"))
    else:
        try:
            token = cleaned(sys.stdin.read(LARGEST + 1))
        except UnicodeDecodeError:
            raise UsageFault("What stands on standard input is not text.") from None
    if not token:
        raise UsageFault("There is no token on standard input.")
    keys = None
    if given.issuer is not None:
        with plain.progress("fetching the issuer's keys"):
            keys = services.keys(given.issuer)
    now = services.clock()
    seen = inspect(token, now, keys, given.issuer, given.audience)
    if given.as_json:
        plain.json_document(
            {
                "format": "jwt" if seen.is_jwt else "opaque",
                "header": dict(seen.header),
                "claims": dict(seen.claims),
                "signature": seen.signature if seen.is_jwt else None,
                "faults": [{"reason": fault.reason, "sentence": fault.sentence} for fault in seen.faults],
            }
        )
    else:
        _show(seen, len(token), now)
    return 1 if seen.faults else 0


def _show(seen: Inspected, length: int, now: float) -> None:
    if not seen.is_jwt:
        plain.say(f"An opaque token of {length} characters: what it says, only its issuer can tell.")
    else:
        rows = [["header", name, _value(value), ""] for name, value in seen.header.items()]
        rows += [
            ["claims", name, _value(value), _meaning(name, seen, now)] for name, value in seen.claims.items()
        ]
        if rows:
            plain.columns(rows, empty="")
        plain.say(f"signature  {seen.signature}")
    for fault in seen.faults:
        plain.say(f"WRONG: {fault.sentence}")
    if seen.is_jwt and not seen.faults:
        checked = "" if seen.signature == "good" else " Its signature was not checked: name its --issuer."
        plain.say(f"Nothing is wrong with it.{checked}")


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _meaning(name: str, seen: Inspected, now: float) -> str:
    at = seen.instant(name)
    if name not in _MEANINGS or at is None:
        return ""
    apart = plain.period(at - now)
    return f"{_MEANINGS[name]} {plain.moment(at)}, {'in ' + apart if at > now else apart + ' ago'}"
