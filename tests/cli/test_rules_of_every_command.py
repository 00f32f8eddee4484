"""What holds for all commands: no secret as an argument, JSON everywhere, help for everything, docs complete."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from mintmark.cli.client.commands import COMMANDS as CLIENT_COMMANDS
from mintmark.cli.client.commands import parser_of
from mintmark.cli.main import build_app
from mintmark.cli.services import Services
from tests.cli.conftest import Terminal

DOCUMENT = Path(__file__).parents[2] / "docs" / "cli.md"
SECRET_WORDS = ("secret", "password", "token", "key")
#: Options that name a secret's whereabouts or its id, a program to generate it, or a plain fact.
NO_SECRETS = {
    "--secret-file",
    "--secret-stdin",
    "--secret-env",
    "--password-file",
    "--password-stdin",
    "--password-env",
    "--generate-password",
    "--live-secrets",
    "--slow-secrets",
    "--no-password",
    "--no-slow-secrets",
    "--tls-key",
    "--token-endpoint",
    "--token-file",
    "--token-stdin",
    "--token-env",
    "--daily-token-limit",
    "--token-url",
    "--key-file",
    "--key-from",
    "--secret-from",
    "--password-from",
    "--database-password-from",
    "--target-password-from",
    "--signature-from",
    "--signature-key-from",
    "--private-key-from",
    "--token-from",
    "SECRET_ID",
    "TOKEN_ID",
    "KEY_ID",
}


@dataclass(frozen=True)
class Command:
    """A command with its whole name. `unexplained`: its parameters without a help text."""

    name: str
    help: str
    options: tuple[str, ...]
    arguments: tuple[str, ...]
    unexplained: tuple[str, ...]


def of_server() -> Iterator[Command]:
    """Those that Typer runs."""
    nothing: Any = None
    services = Services("0", *[nothing] * 12)

    def walk(group: Any, path: str) -> Iterator[Command]:
        for name, command in group.commands.items():
            whole = f"{path} {name}".strip()
            if hasattr(command, "commands"):
                yield from walk(command, whole)
            elif whole not in CLIENT_COMMANDS:
                yield of_typer(whole, command)

    def of_typer(whole: str, command: Any) -> Command:
        options = [each for each in command.params if each.param_type_name == "option"]
        spelled = [word for each in options for word in (*each.opts, *each.secondary_opts)]
        return Command(
            whole,
            command.help or "",
            tuple(word for word in spelled if word.startswith("--")),
            tuple(each.metavar or each.name for each in command.params if each.param_type_name == "argument"),
            tuple(each.name for each in command.params if not each.help),
        )

    yield from walk(typer.main.get_command(build_app(services)), "")


def of_client() -> Iterator[Command]:
    """Those that start without Typer."""

    def walk(name: str, parser: argparse.ArgumentParser) -> Iterator[Command]:
        verbs = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
        for verb, inner in (item for each in verbs for item in each.choices.items()):
            yield from walk(f"{name} {verb}", inner)
        if not verbs:
            named = [each for each in parser._actions if not each.option_strings]
            spelled = [word for each in parser._actions for word in each.option_strings]
            yield Command(
                name,
                parser.description or "",
                tuple(word for word in spelled if word.startswith("--")),
                tuple(str(each.metavar) for each in named if each.metavar != "WORD"),
                tuple(each.dest for each in parser._actions if not each.help),
            )

    for name in CLIENT_COMMANDS:
        yield from walk(name, parser_of(name))


def commands() -> list[Command]:
    return [*of_server(), *of_client()]


COMMANDS = commands()
NAMES = [command.name for command in COMMANDS]


def test_there_are_commands_for_every_noun() -> None:
    nouns = {name.split()[1] for name in NAMES if name.startswith("admin ")}
    assert nouns == {
        "tenant",
        "environment",
        "mount",
        "api",
        "client",
        "secret",
        "service-account",
        "machine-user",
        "api-token",
        "legacy-token",
        "token",
        "signature-key",
        "quota",
        "signing-key",
        "access-request",
        "hand-over",
        "person",
        "usage",
        "attention",
        "audit",
    }
    assert {
        "demo",
        "guard",
        "serve",
        "init",
        "migrate",
        "backup",
        "restore",
        "version",
        "dialect list",
        "dialect show",
        "dialect check",
    } <= set(NAMES)
    assert "admin legacy-token create" not in NAMES


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_no_secret_is_taken_as_an_argument(command: Command) -> None:
    for name in [*command.options, *command.arguments]:
        assert name in NO_SECRETS or not any(word in name.lower() for word in SECRET_WORDS), name


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_everything_is_explained(command: Command) -> None:
    assert re.match(r"[A-Z][^\n]*\.|[A-Z].*:\n\n", command.help.strip())
    assert command.unexplained == ()


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_every_command_that_answers_can_answer_in_json(command: Command) -> None:
    assert ("--json" in command.options) == (
        command.name not in ("proxy", "completion", "demo", "serve", "guard")
    )


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_the_manual_has_every_command_with_every_option(command: Command) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    heading = f"`mintmark {command.name}"
    lines = [line for line in text.split("\n") if re.search(rf"{re.escape(heading)}[ `]", line)]
    assert lines, f"docs/cli.md lacks a heading or row for mintmark {command.name}"
    shared = {"--config", "--directory", "--server", "--profile", "--actor", "--json", "--yes", "--help"}
    for option in set(command.options) - shared:
        stem = option.removeprefix("--no-") if option.startswith("--no-") else option.removeprefix("--")
        assert any(f"--{stem}" in line or f"--no-{stem}" in line for line in lines), (
            f"{command.name}: {option}"
        )
    for argument in command.arguments:
        assert any(argument in line for line in lines), f"{command.name}: {argument}"


def test_the_manual_explains_the_shared_options() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for option in ("--config", "--directory", "--server", "--profile", "--actor", "--json", "--yes"):
        assert f"`{option}`" in text


def test_the_manual_names_no_command_that_does_not_exist() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for named in re.findall(r"`mintmark ([a-z -]+?)(?: [A-Z\[\"-].*?)?`", text):
        words = named.strip()
        assert any(name == words or name.startswith(words + " ") for name in NAMES), words


def test_a_group_called_bare_shows_its_help(mintmark: Terminal) -> None:
    for arguments in ([], ["admin"], ["admin", "client"], ["dialect"]):
        ran = mintmark(*arguments)
        assert ran.code == 0
        assert ran.out.startswith("Usage: ")
