"""`mintmark completion`: a script that completes commands, options and names of profiles in bash, zsh and fish.

The words are written into the script; the names of profiles are asked for when they are needed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from mintmark.cli.client import commands
from mintmark.cli.client.parsing import Parser
from mintmark.cli.client.services import ClientServices

Words = dict[str, list[str]]
_TAKES_PROFILE = ("token", "call", "doctor", "profile show", "profile remove")
_HINTS = {
    "bash": 'eval "$(mintmark completion bash)"  # in ~/.bashrc',
    "zsh": 'eval "$(mintmark completion zsh)"  # in ~/.zshrc, after compinit',
    "fish": "mintmark completion fish | source  # in ~/.config/fish/config.fish",
}
_BASH = """\
_mintmark() {
    local current=${COMP_WORDS[COMP_CWORD]} path="" word words
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$path $word" in
%(paths)s) path="${path:+$path }$word" ;;
        esac
    done
    case "$path" in
%(cases)s
    esac
    case "$path" in
        %(profiles)s) [[ $current == -* ]] || words="$words $(mintmark profile list --names 2>/dev/null)" ;;
    esac
    if [[ ${COMP_WORDS[COMP_CWORD-1]} == --profile ]]; then words=$(mintmark profile list --names 2>/dev/null); fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _mintmark mintmark
"""


def parser(name: str, about: str) -> Parser:
    """Of this command."""
    made = Parser(name, f"{about} Add to your shell's start-up file:\n\n" + "\n".join(_HINTS.values()))
    made.add_argument("shell", metavar="SHELL", choices=sorted(_HINTS), help="bash, zsh or fish.")
    return made


def run(given: argparse.Namespace, services: ClientServices) -> int:  # noqa: ARG001
    """Print the script."""
    words = {"": sorted(commands.COMMANDS)} | dict(_of_client())
    words[""] = sorted({*words[""], *_of_server(words)})
    if given.shell == "fish":
        print("\n".join(_fish(words)))
        return 0
    if given.shell == "zsh":
        print("autoload -U +X bashcompinit && bashcompinit")
    print(_bash(words), end="")
    return 0


def _of_client() -> Iterator[tuple[str, list[str]]]:
    for name in commands.COMMANDS:
        yield from _of_parser(name, commands.parser_of(name))


def _of_parser(path: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, list[str]]]:
    words = []
    for action in parser._actions:
        words += [option for option in action.option_strings if option.startswith("--")]
        if isinstance(action, argparse._SubParsersAction):
            words += list(action.choices)
            for verb, inner in action.choices.items():
                yield from _of_parser(f"{path} {verb}", inner)
        elif action.choices is not None:
            words += [str(choice) for choice in action.choices]
    yield path, words


class _Nothing:
    """Services that are not there, for commands that are listed and not run."""

    def __getattr__(self, name: str) -> None:
        return None


def _of_server(words: Words) -> list[str]:
    """The server's commands, where its libraries are installed; returns the outermost."""
    try:
        import typer

        from mintmark.cli.main import build_app
    except ModuleNotFoundError:
        return ["version"]
    nothing: Any = _Nothing()
    outermost = typer.main.get_command(build_app(nothing))

    def walk(path: str, group: Any) -> None:
        found = [option for each in group.params for option in (*each.opts, *each.secondary_opts)]
        inner = getattr(group, "commands", {})
        words.setdefault(path, [*(option for option in found if option.startswith("--")), "--help", *inner])
        for name, command in inner.items():
            walk(f"{path} {name}".strip(), command)

    walk("", outermost)
    return list(outermost.commands)  # type: ignore[attr-defined]


def _bash(words: Words) -> str:
    groups = [path for path in words if path]
    paths = "|".join(f'"{" " if " " not in path else ""}{path}"' for path in groups)
    return _BASH % {
        "paths": " " * 12 + paths,
        "cases": "\n".join(
            f'        "{path}") words="{" ".join(found)}" ;;' for path, found in words.items()
        ),
        "profiles": "|".join(f'"{path}"' for path in _TAKES_PROFILE),
    }


def _fish(words: Words) -> Iterator[str]:
    yield "complete -c mintmark -f"
    for path, found in words.items():
        when = f"__fish_seen_subcommand_from {path.split()[-1]}" if path else "__fish_use_subcommand"
        names = " ".join(found)
        yield f"complete -c mintmark -n '{when}' -a '{names}'"
    for path in _TAKES_PROFILE:
        when = f"__fish_seen_subcommand_from {path.split()[-1]}"
        yield f"complete -c mintmark -n '{when}' -a '(mintmark profile list --names 2>/dev/null)'"
