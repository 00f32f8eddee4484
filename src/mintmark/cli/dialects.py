"""`mintmark dialect`: which dialects there are, what their exchanges look like, what is wrong with a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mintmark.cli import frame, output
from mintmark.cli.answer import Fields, Table
from mintmark.cli.services import Place, Services, UsageFault
from mintmark.dialect import Catalogue, Dialect, load_dialect
from mintmark.dialect.model import Form

LARGEST_FILE = 1_000_000


def app(services: Services) -> typer.Typer:
    """The commands, bound to `services`."""
    group = frame.new_app("Dialects: how vendors write token requests and answers.")

    @group.command("list")
    def listing(
        config: frame.Config = None, directory: frame.Directory = None, as_json: frame.AsJson = False
    ) -> None:
        """List the dialects: the shipped ones, and those of a configuration where one is named."""
        known = services.dialects(_place(config, directory))
        rows = [
            {
                "name": dialect.name,
                "title": dialect.title,
                "grant_type": dialect.grant_type,
                "path": dialect.path,
                "forms": [form.name for form in dialect.forms],
                "documentation": dialect.documentation,
                "page": dialect.page,
            }
            for dialect in known.everything()
        ]
        output.answer(Table(("name", "title", "grant_type", "path", "forms"), rows), as_json=as_json)

    @group.command("show")
    def show(
        name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the dialect, as listed.")],
        config: frame.Config = None,
        directory: frame.Directory = None,
        as_json: frame.AsJson = False,
    ) -> None:
        """Show what a request and its answer look like."""
        _explain(_named(services.dialects(_place(config, directory)), name), as_json)

    @group.command("check")
    def check(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="A dialect file (TOML).")],
        as_json: frame.AsJson = False,
    ) -> None:
        """Check a dialect file: show what it means, or what is wrong with it and on which line."""
        _explain(load_dialect(_text(file), str(file)), as_json)

    return group


def _place(config: Path | None, directory: Path | None) -> Place | None:
    return None if config is None and directory is None else frame.place(config, directory)


def _named(known: Catalogue, name: str) -> Dialect:
    if name not in known:
        names = ", ".join(dialect.name for dialect in known)
        raise UsageFault(f"There is no dialect '{name}'; there are: {names}.")
    return known.get(name)


def _text(file: Path) -> str:
    try:
        with file.open("rb") as source:
            return source.read(LARGEST_FILE).decode("utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8"
        raise UsageFault(f"{file} cannot be read: {why}.") from None


def _explain(dialect: Dialect, as_json: bool) -> None:
    fields: dict[str, object] = {
        "name": dialect.name,
        "title": dialect.title,
        "documentation": dialect.documentation,
        "page": dialect.page,
        "grant_type": dialect.grant_type,
        "method": dialect.method,
        "path": dialect.path,
        "forms": {form.name: _form(form) for form in dialect.forms},
        "required": sorted({parameter.name for form in dialect.forms for parameter in form.required}),
        "optional": sorted(
            {name for form in dialect.forms for name in form.names if not dialect.parameters[name].required}
        ),
        "token_type": dialect.response.token_type,
        "admits_browsers": dialect.admits_cors,
        "credentials_file": dialect.keyfile is not None,
    }
    examples = [
        {"form": example.form, "request": example.sends.strip("\n"), "answer": example.answers.strip("\n")}
        for example in dialect.examples
    ]
    if as_json:
        output.answer(Fields({**fields, "examples": examples}), as_json=True)
        return
    output.answer(Fields(fields), as_json=False)
    for example in examples:
        output.say(f"\nA request ({example['form']}):\n\n{_indented(example['request'])}")
        output.say(f"\nIts answer:\n\n{_indented(example['answer'])}")


def _form(form: Form) -> str:
    body = "no body" if form.encoding == "none" else f"{form.encoding} body"
    if form.basic is None:
        return body
    codec = {"raw": "raw", "form": "form-encoded", "either": "raw or form-encoded"}[form.basic.codec]
    return f"{body}, {form.basic.scheme} ({codec})"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.split("\n"))
