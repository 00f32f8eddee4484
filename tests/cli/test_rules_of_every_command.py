"""What holds for all commands: no secret as an argument, JSON everywhere, help for everything, docs complete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

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
    "--no-slow-secrets",
    "--tls-key",
    "--token-endpoint",
    "--token-file",
    "--token-stdin",
    "--token-env",
    "--daily-token-limit",
    "SECRET_ID",
    "TOKEN_ID",
    "KEY_ID",
}


@dataclass(frozen=True)
class Command:
    """A command with its whole name and its parameters."""

    name: str
    help: str
    parameters: tuple[Any, ...]

    @property
    def options(self) -> list[str]:
        found = []
        for parameter in self.parameters:
            if parameter.param_type_name == "option":
                found += [*parameter.opts, *parameter.secondary_opts]
        return [option for option in found if option.startswith("--")]

    @property
    def arguments(self) -> list[str]:
        return [each.metavar or each.name for each in self.parameters if each.param_type_name == "argument"]


def commands() -> list[Command]:
    nothing: Any = None
    services = Services("0", *[nothing] * 8)

    def walk(group: Any, path: str) -> Iterator[Command]:
        for name, command in group.commands.items():
            whole = f"{path} {name}".strip()
            if hasattr(command, "commands"):
                yield from walk(command, whole)
            else:
                yield Command(whole, command.help or "", tuple(command.params))

    return list(walk(typer.main.get_command(build_app(services)), ""))


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
        "operator",
        "audit",
    }
    assert {
        "demo",
        "guard",
        "serve",
        "init",
        "migrate",
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
    assert command.help.strip().split("\n")[0].endswith(".")
    for parameter in command.parameters:
        assert parameter.help, parameter.name


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_every_command_that_answers_can_answer_in_json(command: Command) -> None:
    assert ("--json" in command.options) == (command.name not in ("demo", "serve", "guard"))


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_the_manual_has_every_command_with_every_option(command: Command) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    heading = f"`mintmark {command.name}"
    lines = [line for line in text.split("\n") if re.search(rf"{re.escape(heading)}[ `]", line)]
    assert lines, f"docs/cli.md lacks a heading or row for mintmark {command.name}"
    shared = {"--config", "--directory", "--actor", "--json", "--yes", "--help"}
    for option in set(command.options) - shared:
        stem = option.removeprefix("--no-") if option.startswith("--no-") else option.removeprefix("--")
        assert any(f"--{stem}" in line or f"--no-{stem}" in line for line in lines), (
            f"{command.name}: {option}"
        )
    for argument in command.arguments:
        assert any(argument in line for line in lines), f"{command.name}: {argument}"


def test_the_manual_explains_the_shared_options() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for option in ("--config", "--directory", "--actor", "--json", "--yes"):
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
