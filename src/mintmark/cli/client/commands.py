"""The client commands by name, and how each of them ends: 0 done, 1 it could not be done, 2 bad input, and what `call`
says of an API's answer. A fault is one sentence on stderr, never a traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from mintmark.cli import plain
from mintmark.cli.faults import Failure, UsageFault
from mintmark.client.errors import Misconfigured, NoToken

if TYPE_CHECKING:
    from mintmark.cli.client.parsing import Parser
    from mintmark.cli.client.services import ClientServices

#: name -> (module beside this one, what the command does)
COMMANDS = {
    "token": ("token", "Print an access token, and nothing else."),
    "call": ("call", "Call an API with a token, as curl and HTTPie do."),
    "inspect": ("inspection", "Decode a token from standard input and say what is wrong with it."),
    "doctor": (
        "doctor",
        "Find out why a token or an API call is refused: the first fault, its cause and the fix.",
    ),
    "profile": (
        "profile",
        "Save, list, show and remove profiles: whose tokens, and where their secrets are.",
    ),
    "agent": ("agent", "Hold tokens in memory for all programs of this user on this host."),
    "proxy": ("proxy", "Forward calls to an API and add the token, for programs in any language."),
    "completion": ("completion", "Print the completion script of a shell."),
}


def parser_of(name: str) -> Parser:
    """The parser of a command."""
    module, about = COMMANDS[name]
    made: Parser = import_module(f"mintmark.cli.client.{module}").parser(name, about)
    return made


def run(arguments: Sequence[str], services: ClientServices) -> int:
    """Run the command that `arguments` begin with and return the exit code."""
    name, *rest = arguments
    try:
        for argument in rest:
            if not argument.isprintable() and any("\ud800" <= char <= "\udfff" for char in argument):
                raise UsageFault("An argument is not UTF-8: write it in the encoding of the terminal.")
        given = (
            parser_of(name).parse_intermixed_args(rest)
            if name == "call"
            else parser_of(name).parse_args(rest)
        )
        code: int = import_module(f"mintmark.cli.client.{COMMANDS[name][0]}").run(given, services)
        sys.stdout.flush()
    except (UsageFault, Misconfigured) as fault:
        plain.error(_sentence(fault))
        return 2
    except (Failure, NoToken) as fault:
        plain.error(_sentence(fault))
        return 1
    except KeyboardInterrupt:
        plain.error("Interrupted; nothing more was done.")
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our answer has seen enough
        return 141
    return code


def _sentence(fault: Exception) -> str:
    text = str(fault)
    return text[:1].upper() + text[1:]
