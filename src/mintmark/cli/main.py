"""The command line as a whole: its commands put together, and how each of them ends.

Exit codes: 0 done, 1 refused or failed, 2 bad input or configuration, 130 stopped by Ctrl-C. A fault is one sentence on
stderr.
"""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from mintmark.authorization_server.administration import AdministrationFault
from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.cli import apply, backups, cluster, dialects, guard, output, programs, status, store_move, trail
from mintmark.cli.admin import nouns
from mintmark.cli.client.commands import COMMANDS
from mintmark.cli.frame import framed, new_app
from mintmark.cli.services import Failure, Services, UsageFault
from mintmark.dialect import DialectFault


class _OneSentence(TyperGroup):
    """The outermost group: every way to end is an exit code and at most one sentence."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run a command line and exit. Faults of the program itself go through."""
        output.prepare()
        options = {**options, "standalone_mode": False, "prog_name": "mintmark"}
        try:
            code = super().main(*arguments, **options)
        except TyperException as fault:
            code = _told(_with_help(fault), fault.exit_code)
        except (UsageFault, DialectFault) as fault:
            code = _told(str(fault), 2)
        except AdministrationFault as fault:
            code = _told(str(fault), 2 if fault.kind == "invalid" else 1)
        except (Failure, StorageUnavailable) as fault:
            code = _told(str(fault), 1)
        except typer.Abort:
            code = _told("Interrupted; nothing more was done.", 1)
        sys.exit(code if isinstance(code, int) else 0)


def _with_help(fault: TyperException) -> str:
    sentence = " ".join(fault.format_message().split()).rstrip(".?")
    context = getattr(fault, "ctx", None)
    return f"{sentence}." if context is None else f"{sentence}: see `{context.command_path} --help`."


def _told(sentence: str, code: int) -> int:
    output.error(sentence)
    return code


def _unparsed() -> None:
    """Listed here, and run by the entry point before this module is imported."""
    raise UsageFault("This command must come first: `mintmark COMMAND`.")


def build_app(services: Services) -> typer.Typer:
    """The whole command line on these services; call what it returns to run ``sys.argv``."""
    app = new_app(
        "Machine-to-machine API authentication: issue access tokens, check them, obtain them.", _OneSentence
    )
    programs.register(app, services)
    store_move.register(app, services)
    backups.register(app, services.backups)
    guard.register(app, services.guard)
    status.register(app, services)
    app.command("apply")(framed(services, apply.apply))
    app.add_typer(dialects.app(services), name="dialect")
    app.add_typer(cluster.app(services), name="cluster")
    app.add_typer(trail.noun.app(services), name=trail.noun.name)
    for name, (_, about) in COMMANDS.items():
        app.command(name, help=about, add_help_option=False)(_unparsed)
    about = "Administer an installation: every object, every verb, from the command line."
    app.add_typer(new_app(about, nouns(services)), name="admin")
    return app
