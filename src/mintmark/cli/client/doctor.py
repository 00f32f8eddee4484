"""`mintmark doctor`: each step as it is done, and at the first fault its likely cause and the fix in one sentence."""

from __future__ import annotations

import argparse

from mintmark.cli import plain
from mintmark.cli.client.parsing import Parser, json_option, profile_argument, profile_name
from mintmark.cli.client.services import ClientServices, DoctorOptions
from mintmark.cli.faults import UsageFault
from mintmark.client.profile_entry import METHODS

_MARKS = {"ok": "ok    ", "skipped": "-     ", "fault": "FAULT "}


def parser(name: str, about: str) -> Parser:
    """Of this command."""
    made = Parser(name, f"{about} It asks the vendor for one token, and never the agent.")
    profile_argument(made)
    made.add_argument(
        "--url",
        default="",
        metavar="URL",
        help="The API call to try [the profile's api-url, or MINTMARK_API_URL].",
    )
    made.add_argument("--method", default="GET", metavar="METHOD", help="Method of that call [GET].")
    made.add_argument(
        "--timeout",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="The longest that a probe may take [10].",
    )
    json_option(made)
    return made


def run(given: argparse.Namespace, services: ClientServices) -> int:
    """Walk the steps; 1 when one of them has a fault."""
    if given.method.upper() not in METHODS - {"CONNECT"}:
        raise UsageFault("--method must be an HTTP method, such as GET.")
    if not 0.1 <= given.timeout <= 600:
        raise UsageFault("--timeout must be from 0.1 to 600 seconds.")
    options = DoctorOptions(given.url, given.method.upper(), given.timeout)
    steps = services.diagnose(profile_name(given.profile), options)
    walked = []
    while True:
        with plain.progress("looking"):
            step = next(steps, None)
        if step is None:
            break
        walked.append(step)
        if not given.as_json:
            plain.say(f"{_MARKS[step.outcome]}{step.name:<23}{step.detail}")
    found = walked[-1].finding if walked else None
    if given.as_json:
        fault = None
        if found is not None:
            fault = {
                "step": walked[-1].name,
                "symptom": found.symptom,
                "cause": found.cause,
                "fix": found.fix,
                "sentence": _capital(found.sentence),
            }
        shown = [{"step": step.name, "outcome": step.outcome, "detail": step.detail} for step in walked]
        plain.json_document({"ok": found is None, "steps": shown, "fault": fault})
    elif found is not None:
        plain.say(_capital(found.sentence))
    else:
        plain.say("Nothing is wrong.")
    return 0 if found is None else 1


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
