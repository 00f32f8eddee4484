"""How a secret comes in: from a file, standard input, the environment or a hidden prompt; never as an argument.

A command line stands in the process list and in the shell's history, so no option takes a secret itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from mintmark.cli import output
from mintmark.cli.services import UsageFault
from mintmark.values.secret import Secret

LONGEST = 4096

SecretFile = Annotated[
    Path | None, typer.Option("--secret-file", help="File that holds the secret.", show_default=False)
]
SecretStdin = Annotated[bool, typer.Option("--secret-stdin", help="Read the secret from standard input.")]
SecretEnvironment = Annotated[
    str | None,
    typer.Option(
        "--secret-env", help="Name of the environment variable that holds the secret.", show_default=False
    ),
]
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", help="File that holds the password.", show_default=False)
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
PasswordEnvironment = Annotated[
    str | None,
    typer.Option(
        "--password-env", help="Name of the environment variable that holds the password.", show_default=False
    ),
]


TokenFile = Annotated[
    Path | None, typer.Option("--token-file", help="File that holds the token.", show_default=False)
]
TokenStdin = Annotated[bool, typer.Option("--token-stdin", help="Read the token from standard input.")]
TokenEnvironment = Annotated[
    str | None,
    typer.Option(
        "--token-env", help="Name of the environment variable that holds the token.", show_default=False
    ),
]


def read(what: str, file: Path | None, stdin: bool, variable: str | None, *, twice: bool = True) -> Secret:
    """The secret from the one source that was named, else from a hidden prompt; one newline at its end is cut off.

    `what`: ``secret``, ``password`` or ``token``. `twice`: whether the prompt asks again. Raises UsageFault.
    """
    if sum((file is not None, stdin, variable is not None)) > 1:
        raise UsageFault(
            f"Name one source of the {what}: a file, standard input, or an environment variable."
        )
    if file is not None:
        return _cut(what, _from_file(what, file))
    if stdin:
        return _cut(what, _from_stdin(what))
    if variable is not None:
        if variable not in os.environ:
            raise UsageFault(f"The environment variable for the {what} is not set.")
        return _cut(what, os.environ[variable])
    return output.ask_secret(what.capitalize(), twice=twice)


def _from_file(what: str, file: Path) -> str:
    try:
        with file.open(encoding="utf-8", newline="") as source:
            return source.read(LONGEST + 2)
    except (OSError, UnicodeDecodeError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8"
        raise UsageFault(f"The {what} cannot be read from {file}: {why}.") from None


def _from_stdin(what: str) -> str:
    try:
        return sys.stdin.read(LONGEST + 2)
    except UnicodeDecodeError:
        raise UsageFault(f"The {what} on standard input is not UTF-8.") from None


def _cut(what: str, text: str) -> Secret:
    text = text.removesuffix("\n").removesuffix("\r")
    if not text or len(text) > LONGEST:
        raise UsageFault(f"The {what} is empty, or longer than {LONGEST} characters.")
    return Secret(text)
