"""`mintmark admin client import-file`: many clients from a file, a page at a time, with a bar.

The file is JSON lines, or CSV with a heading. It is read twice: for what is wrong in itself before anything is
imported, and again to import it, so that memory does not grow with it.
"""

from __future__ import annotations

import csv
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from mintmark.authorization_server.administration import Act, AdministrationFault, imported_secrets
from mintmark.authorization_server.administration.client_imports import ClientEntry, Importer, Page
from mintmark.authorization_server.ports import Transaction
from mintmark.cli import output
from mintmark.cli.admin.options import Environment
from mintmark.cli.answer import Answer, Fields
from mintmark.cli.call import Call
from mintmark.cli.secret_file import AppendedSecrets
from mintmark.cli.services import Administration, Failure, UsageFault
from mintmark.cli.typed import instant, permissions
from mintmark.values.secret import Secret

#: Clients of a page, which is one transaction.
PAGE = 1000
#: Bytes of a line, at most.
LONGEST = 1 << 16
FIELDS = (
    "client_id",
    "name",
    "allow",
    "protects",
    "needs_user",
    "daily_token_limit",
    "rate_limit",
    "label",
    "expires",
    "secret",
    "secret_hash",
)


def import_file(
    call: Call,
    environment: Environment,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines, or CSV with a heading (*.csv).")],
    output_file: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File for the secrets that are made, as JSON lines (mode 0600); added to if it is there.",
            show_default=False,
        ),
    ] = None,
) -> Answer:
    """Import many clients from a file; those that are there already are left as they are."""
    with ExitStack() as stack:
        source = stack.enter_context(_opened(file))
        count, without = _looked_through(file, source, call.now)
        if without and output_file is None:
            raise UsageFault(
                f"{file}: {without} clients have neither secret nor secret_hash: name a file for the secrets that are "
                "made for them with --output."
            )
        secrets = None if output_file is None else stack.enter_context(AppendedSecrets(output_file))
        progress = stack.enter_context(output.progress("Importing"))
        done = [0, 0]

        async def task(opened: Administration, _: Act) -> None:
            importer, lines = Importer(environment), _lines(file, source)
            while some := list(islice(lines, PAGE)):
                act = opened.act(call.actor)
                entries = [_entry(file, number, line, act) for number, line in some]
                page = await opened.store.write(partial(_page, importer, act, entries, secrets))
                done[0] += len(page.made)
                done[1] += page.present
                progress(sum(done), count)

        try:
            call.administer(task)
        except AdministrationFault as fault:
            raise Failure(
                f"{file}: {str(fault).rstrip('.')}. {done[0]} clients of the pages before it were imported; mend the "
                "line and run the same command again."
            ) from None
    fields = {"imported": done[0], "there_already": done[1], "secrets": output_file and str(output_file)}
    return Fields(fields)


def _page(
    importer: Importer,
    act: Act,
    entries: Sequence[ClientEntry],
    secrets: AppendedSecrets | None,
    tx: Transaction,
) -> Page:
    """One page; the secrets that were made are on disk before it is committed."""
    page = importer.page(tx, act, entries)
    lines = [
        {"client_id": client_id, "client_secret": secret}
        for client_id, secret in page.made
        if secret is not None
    ]
    if secrets is not None:
        secrets.append("".join(f"{output.json_text(line)}\n" for line in lines))
    return page


def _opened(file: Path) -> TextIO:
    try:
        source = file.open(encoding="utf-8", newline="")
    except OSError as fault:
        raise UsageFault(f"{file}: it cannot be read ({fault.strerror}).") from None
    return source


def _looked_through(file: Path, source: TextIO, now: int) -> tuple[int, int]:
    """How many clients there are, and how many without a secret. Raises UsageFault for what is wrong in itself."""
    count = without = 0
    private = not stat.S_IMODE(os.fstat(source.fileno()).st_mode) & 0o077
    for number, line in _lines(file, source):
        secret = line.get("secret") or line.get("secret_hash")
        if secret and not private:
            raise UsageFault(
                f"{file}: it holds secrets and others may read it; make it yours alone: chmod 600 {file}"
            )
        _entry(file, number, line, None, now)
        count, without = count + 1, without + (not secret)
    return count, without


def _lines(file: Path, source: TextIO) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Every client with the number of its line. Raises UsageFault."""
    source.seek(0)
    number = 0
    try:
        if file.suffix == ".csv":
            rows = csv.DictReader(source, strict=True)
            for row in rows:
                number = rows.line_num
                yield number, {name: value for name, value in row.items() if value}
            return
        while text := source.readline(LONGEST + 1):
            number += 1
            if len(text) > LONGEST:
                raise ValueError("it is too long")
            if not text.isspace():
                line = json.loads(text)
                if not isinstance(line, dict):
                    raise ValueError("it is another kind of JSON")
                yield number, line
    except UnicodeDecodeError:
        raise UsageFault(f"{file}: it is not UTF-8.") from None
    except csv.Error as fault:
        raise UsageFault(f"{file}, line {number + 1}: it is not CSV: {fault}.") from None
    except (ValueError, RecursionError):
        raise UsageFault(
            f"{file}, line {number}: it is not a JSON object of at most {LONGEST} characters."
        ) from None


def _entry(file: Path, number: int, line: Mapping[str, Any], act: Act | None, now: int = 0) -> ClientEntry:
    """What a line says. Without an `act` no secret is hashed: the line is only looked at. Raises UsageFault."""
    try:
        return _read(number, line, act, act.now if act is not None else now)
    except (UsageFault, AdministrationFault) as fault:
        raise UsageFault(f"{file}, line {number}: {fault}") from None


def _read(number: int, line: Mapping[str, Any], act: Act | None, now: int) -> ClientEntry:
    for name in line:
        if name not in FIELDS:
            raise UsageFault(f"There is no such field as one of its fields; there are: {', '.join(FIELDS)}.")
    if line.get("secret") and line.get("secret_hash"):
        raise UsageFault("It has a secret and a secret_hash: give one of them, or neither.")
    digest = _text(line, "secret_hash") or None
    if line.get("secret"):
        secret = Secret(_text(line, "secret"))
        imported_secrets.refuse_unfit(secret)
        digest = "" if act is None else imported_secrets.digest(act, secret)
    return ClientEntry(
        line=number,
        client_id=_text(line, "client_id"),
        name=_text(line, "name") or _text(line, "client_id"),
        digest=digest,
        allowed=permissions(_texts(line, "allow"), "allow"),
        protects=tuple(_texts(line, "protects")),
        needs_user=_truth(line, "needs_user"),
        daily_token_limit=_number(line, "daily_token_limit"),
        rate_limit=_number(line, "rate_limit"),
        label=_text(line, "label"),
        expires_at=instant(_text(line, "expires") or None, now, "expires"),
    )


def _text(line: Mapping[str, Any], name: str) -> str:
    value = line.get(name, "")
    if not isinstance(value, str) or (name == "client_id" and not value):
        raise UsageFault(f"{name} must be a text.")
    return value


def _texts(line: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts; in CSV one text with a semicolon between two."""
    value = line.get(name, [])
    if isinstance(value, str):
        value = [each.strip() for each in value.split(";")]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise UsageFault(f"{name} must be a list of texts.")
    return value


def _truth(line: Mapping[str, Any], name: str) -> bool:
    value = line.get(name, False)
    if value not in (True, False, "true", "false"):
        raise UsageFault(f"{name} must be true or false.")
    return value in (True, "true")


def _number(line: Mapping[str, Any], name: str) -> int | None:
    value = line.get(name)
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise UsageFault(f"{name} must be a whole number.")
    return value
