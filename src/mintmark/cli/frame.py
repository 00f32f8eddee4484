"""The frame around every administration command: its shared options, and how it ends.

A command is a function from a `Call` and its own options to an `Answer`. The frame adds ``--config``, ``--directory``,
``--server``, ``--profile``, ``--actor`` and ``--json``, finds the installation, runs the function and prints what it
answers.
"""

from __future__ import annotations

import getpass
import inspect
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mintmark.cli import output
from mintmark.cli.answer import Answer
from mintmark.cli.call import Call
from mintmark.cli.services import Place, Services, UsageFault

DEFAULT_CONFIG = Path("mintmark.toml")
CONFIG_VARIABLE = "MINTMARK_CONFIG"
SERVER_VARIABLE = "MINTMARK_SERVER"

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help=f"Configuration file [{CONFIG_VARIABLE}, else ./{DEFAULT_CONFIG}].",
        show_default=False,
    ),
]
Directory = Annotated[
    Path | None,
    typer.Option("--directory", help="Directory of a demo, instead of --config.", show_default=False),
]
Actor = Annotated[
    str | None,
    typer.Option(
        "--actor", help="Who acts, for the audit trail [cli: and your login name].", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with JSON; keys are stable.")]

Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        help=f"URL of a running server, whose admin API is asked instead [{SERVER_VARIABLE}].",
        show_default=False,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help="Saved profile of the client for --server [MINTMARK_CLIENT_ID and the like].",
        show_default=False,
    ),
]

_SHARED = {
    "config": Config,
    "directory": Directory,
    "server": Server,
    "profile": Profile,
    "actor": Actor,
    "as_json": AsJson,
}
_DEFAULTS = {**dict.fromkeys(_SHARED), "as_json": False}

Command = Callable[..., Answer]


@dataclass(slots=True)
class Noun:
    """A group of commands about one kind of thing, to be bound to services when the program is composed."""

    name: str
    help: str
    commands: dict[str, Command] = field(default_factory=dict)

    def command(self, verb: str) -> Callable[[Command], Command]:
        """Register a function as ``mintmark admin <noun> <verb>``; its docstring is the help."""

        def register(function: Command) -> Command:
            self.commands[verb] = function
            return function

        return register

    def app(self, services: Services) -> typer.Typer:
        """The commands of this noun, bound to `services`."""
        app = new_app(self.help)
        for verb, function in self.commands.items():
            app.command(verb)(framed(services, function))
        return app


def new_app(text: str, group: type[TyperGroup] = TyperGroup) -> typer.Typer:
    """A group of commands that shows its help when called bare."""
    app = typer.Typer(
        cls=group, help=text, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
    )

    @app.callback(invoke_without_command=True)
    def bare(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            output.say(context.get_help())

    return app


def framed(services: Services, function: Command) -> Callable[..., None]:
    """`function` with the shared options in place of its `call`, printing what it answers."""

    def run(**given: Any) -> None:
        shared = {name: given.pop(name) for name in _SHARED}
        _refuse_broken_text([*given.values(), shared["actor"]])
        where = place(shared["config"], shared["directory"], shared["server"], shared["profile"])
        if where.server is not None and shared["actor"] is not None:
            raise UsageFault(
                "With --server the client's own name stands in the audit trail: leave out --actor."
            )
        call = Call(
            services,
            where,
            shared["actor"] or login(),
            shared["as_json"],
        )
        output.answer(function(call, **given), as_json=call.as_json)

    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    added = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS[name], annotation=annotation
        )
        for name, annotation in _SHARED.items()
    ]
    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + added
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__doc__ = function.__doc__
    return run


def place(
    config: Path | None, directory: Path | None, server: str | None = None, profile: str | None = None
) -> Place:
    """Where the installation is. Raises UsageFault when two are named, or none is to be found."""
    if sum(each is not None for each in (config, directory, server)) > 1:
        raise UsageFault(
            "Name a configuration file with --config, a demo with --directory or a server with --server, one of them."
        )
    if server is None and config is None and directory is None:
        server = os.environ.get(SERVER_VARIABLE) or None
    if server is not None:
        return Place(server=server.rstrip("/"), profile=profile)
    if profile is not None:
        raise UsageFault("--profile names the client for a server: add --server.")
    if directory is not None:
        return Place(directory=directory)
    if config is not None:
        return Place(config=config)
    found = configured()
    if found == DEFAULT_CONFIG and not found.exists():
        raise UsageFault(
            f"There is no {DEFAULT_CONFIG} here: name the configuration with --config or in "
            f"{CONFIG_VARIABLE}, or a demo "
            "with --directory .mintmark."
        )
    return Place(config=found)


def configured() -> Path:
    """The configuration file when no option names it, whether it is there or not."""
    return Path(os.environ.get(CONFIG_VARIABLE) or DEFAULT_CONFIG)


def _refuse_broken_text(values: Iterable[object]) -> None:
    """Arguments that are not of the locale's encoding reach us as lone surrogates, which nothing can store."""
    for value in values:
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and not text.isprintable() and not _is_text(text):
                raise UsageFault("An argument is not UTF-8: write it in the encoding of the terminal.")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def login() -> str:
    """Who acts, for the audit trail, unless somebody says otherwise."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"cli:{os.getuid()}"
