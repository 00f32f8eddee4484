"""`mintmark profile`: save, list, show and remove profiles. A secret is asked for or referenced, never an argument."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from mintmark.cli import plain
from mintmark.cli.client.parsing import Parser, json_option
from mintmark.cli.client.services import ClientServices
from mintmark.cli.faults import UsageFault
from mintmark.client.profile_entry import SECRETS, ProfileEntry, checked_name, read_entry
from mintmark.values.secret import Secret

_WHERE = "env:NAME, file:PATH, command:LINE, keyring, or here (in the profile file)"
_TEXTS = {
    "--dialect": "Name of the vendor's dialect, or a dialect file [standard].",
    "--credentials": "Credentials file that the vendor handed out.",
    "--token-url": "Address of the token endpoint.",
    "--client-id": "Client id.",
    "--username": "User name, where the vendor wants one beside the client.",
    "--subject": "Whom the token is about, where the vendor wants one.",
    "--scope": "Scope to ask for.",
    "--form": "Which of the dialect's forms to use, by name.",
    "--api-url": "Address of the API: where `doctor` tries a call, and whose origin the token may go to.",
}
_FROM = {"client_secret": "--secret-from"} | {
    name: f"--{name.replace('_', '-')}-from" for name in SECRETS if name != "client_secret"
}
_LOCATION = re.compile(r"(env|file|command):(.+)", re.DOTALL)


def parser(name: str, about: str) -> Parser:
    """Of this command and its verbs."""
    made = Parser(name, about)
    verbs = made.add_subparsers(
        dest="verb", metavar="add|list|show|remove", required=True, parser_class=_Verb
    )
    add = verbs.add_parser(
        "add", help="Save a profile.", description="Save a profile; the vendor is not asked."
    )
    add.add_argument("name", metavar="NAME", help="Name of the profile: letters, digits, dots and dashes.")
    for option, text in _TEXTS.items():
        add.add_argument(option, metavar="TEXT", help=text)
    add.add_argument("--audience", metavar="TEXT", action="append", help="Audience to ask for; repeatable.")
    add.add_argument(
        "--origin", dest="origins", metavar="URL", action="append", help="Where the token may go; repeatable."
    )
    add.add_argument(
        "--variable", metavar="NAME=VALUE", action="append", help="Part of the vendor's address; repeatable."
    )
    for secret, option in _FROM.items():
        add.add_argument(
            option, dest=secret, metavar="WHERE", help=f"Where the {_words(secret)} is: {_WHERE}."
        )
    add.add_argument("--replace", action="store_true", help="Replace a profile of that name.")
    json_option(add)
    listing = verbs.add_parser("list", help="List the profiles.", description="List the profiles.")
    listing.add_argument("--names", action="store_true", help="Print the names alone.")
    json_option(listing)
    for verb, does in (
        ("show", "Show a profile; of secrets, where they are."),
        ("remove", "Forget a profile."),
    ):
        one = verbs.add_parser(verb, help=does, description=does)
        one.add_argument("name", metavar="NAME", help="Name of the profile.")
        json_option(one)
    return made


class _Verb(Parser):
    """argparse hands the whole name over as `prog`."""

    def __init__(self, *, prog: str, description: str, **more: object) -> None:
        super().__init__(prog.removeprefix("mintmark "), description, **more)


def run(given: argparse.Namespace, services: ClientServices) -> int:
    """Run a verb."""
    {"add": _add, "list": _list, "show": _show, "remove": _remove}[given.verb](given, services)
    return 0


def _add(given: argparse.Namespace, services: ClientServices) -> None:
    checked_name(given.name)
    table: dict[str, object] = {
        option[2:].replace("-", "_"): value
        for option in _TEXTS
        if (value := getattr(given, option[2:].replace("-", "_")))
    }
    for name in ("credentials", "dialect"):
        path = str(table.get(name, ""))
        if path and (name == "credentials" or path.endswith(".toml")):
            table[name] = str(Path(path).expanduser().absolute())
    for name in ("audience", "origins"):
        if getattr(given, name):
            table[name] = getattr(given, name)
    if given.variable:
        table["variables"] = dict(_pair(text) for text in given.variable)
    places = {name: _located(_FROM[name], getattr(given, name)) for name in SECRETS if getattr(given, name)}
    if not places and "credentials" not in table:
        places["client_secret"] = "keyring"
    file = services.profiles()
    if not given.replace and given.name in file.all():
        raise UsageFault(f"There is a profile '{given.name}' already: take another name, or --replace.")
    asked: dict[str, Secret] = {}
    for name, place in places.items():
        if isinstance(place, dict):
            table[name] = place
        else:
            asked[name] = Secret(plain.ask_secret(_words(name)))
            table[name] = asked[name] if place == "here" else {"keyring": "mintmark"}
    entry = read_entry(given.name, table)
    services.check(entry)
    old = file.all().get(entry.name)
    if old is not None:
        services.forget(old)
    for name, secret in asked.items():
        if entry.secrets[name].kind == "keyring":
            services.keep(entry.name, name, secret)
    file.put(entry, replace=given.replace)
    if given.as_json:
        plain.json_document(_shown(entry))
    else:
        plain.say(f"Saved the profile {entry.name} in {file.path}.")
        if not entry.origins:
            plain.aside(
                "It names no API: `mintmark call` needs --api-url or --origin, to know where tokens may go."
            )


def _list(given: argparse.Namespace, services: ClientServices) -> None:
    entries = services.profiles().all()
    if given.as_json:
        plain.json_document([_shown(entry) for entry in entries.values()])
    elif given.names:
        for name in entries:
            plain.say(name)
    elif entries:
        rows = [
            [name, entry.texts.get("dialect", "standard"), entry.texts.get("client_id", ""), _where(entry)]
            for name, entry in entries.items()
        ]
        plain.columns([["name", "dialect", "client id", "secret"], *rows])
    else:
        plain.aside("There are none: `mintmark profile add` saves one.")


def _show(given: argparse.Namespace, services: ClientServices) -> None:
    entry = services.profiles().get(given.name)
    if given.as_json:
        plain.json_document(_shown(entry))
    else:
        plain.fields({name: _cell(value) for name, value in _shown(entry).items()})


def _remove(given: argparse.Namespace, services: ClientServices) -> None:
    entry = services.profiles().remove(given.name)
    services.forget(entry)
    if given.as_json:
        plain.json_document({"removed": entry.name})
    else:
        plain.say(f"Removed the profile {entry.name}.")


def _shown(entry: ProfileEntry) -> dict[str, object]:
    table: dict[str, object] = {"name": entry.name, **entry.table()}
    return table | {name: str(place) for name, place in entry.secrets.items()}


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={item}" for name, item in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _where(entry: ProfileEntry) -> str:
    if entry.secrets:
        return ", ".join(str(place) for place in entry.secrets.values())
    return "credentials file" if "credentials" in entry.texts else ""


def _located(option: str, where: str) -> dict[str, str] | str:
    """A reference, or ``keyring`` or ``here``. What is none of them may be a secret, and is not repeated."""
    match = _LOCATION.fullmatch(where)
    if where not in ("keyring", "here") and match is None:
        raise UsageFault(f"{option} takes no secret but the place where it is: {_WHERE}.")
    if match is None:
        return where
    value = str(Path(match[2]).expanduser().absolute()) if match[1] == "file" else match[2]
    return {match[1]: value}


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageFault("--variable must be of the form NAME=VALUE.")
    return name, value


def _words(name: str) -> str:
    return name.replace("_", " ")
