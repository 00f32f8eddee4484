"""The frame of the client commands: an argparse parser whose faults are one sentence, and the name of the profile."""

from __future__ import annotations

import argparse
import os
from typing import NoReturn

from mintmark.cli.faults import UsageFault

PROFILE_VARIABLE = "MINTMARK_PROFILE"


class Parser(argparse.ArgumentParser):
    """`--help` as everywhere; a fault is raised as UsageFault. Options are not guessed from their beginnings."""

    def __init__(self, name: str, about: str, **more: object) -> None:
        super().__init__(
            prog=f"mintmark {name}",
            description=about,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **more,  # type: ignore[arg-type]
        )

    def error(self, message: str) -> NoReturn:
        """Called by argparse. What it repeats of the arguments is left out where it may be what a user held secret."""
        kept = (
            message.partition("invalid choice: ")[0] + "not one of its values"
            if "choice" in message
            else message
        )
        sentence = kept[:1].upper() + kept[1:]
        raise UsageFault(f"{sentence.rstrip('.')}: see `{self.prog} --help`.")


def profile_argument(parser: argparse.ArgumentParser) -> None:
    """PROFILE, which may be left out."""
    parser.add_argument(
        "profile",
        metavar="PROFILE",
        nargs="?",
        help=f"Name of a saved profile [{PROFILE_VARIABLE}, else the environment: MINTMARK_DIALECT and the like].",
    )


def json_option(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument(
        "--json", dest="as_json", action="store_true", help="Answer with JSON; keys are stable."
    )


def profile_name(given: str | None) -> str | None:
    """The profile that was named, else that of the environment, else None: the environment itself is the profile."""
    return given or os.environ.get(PROFILE_VARIABLE) or None
