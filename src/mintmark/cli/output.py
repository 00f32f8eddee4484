"""The only module that prints and asks.

Its rules: answers go to stdout, everything else (errors, notes, questions) to stderr. An error is one sentence, never
a traceback. With ``--json`` stdout holds one JSON document and nothing else; its keys are stable. A secret
is printed once, by the command that made it. What came from outside is shown without control characters, so that a
log line cannot steer a terminal. A file that holds a secret is written whole or not at all, readable by its owner only.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self, TextIO

import typer

from mintmark.cli.answer import Answer, Fields, Nothing, Table, Written
from mintmark.cli.plain import printable
from mintmark.cli.services import UsageFault
from mintmark.values.secret import Secret

if TYPE_CHECKING:  # Rich is imported where something is drawn: most commands say a sentence, or serve
    from rich.table import Table as RichTable

#: Columns where output is no terminal: wide enough that nothing is folded before a program reads it.
_PIPE_WIDTH = 1000


def prepare() -> None:
    """Let what the terminal's encoding cannot show appear as an escape instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def answer(what: Answer, *, as_json: bool) -> None:
    """Show what a command answers: as JSON, or as a table or list of fields for people."""
    if as_json:
        _json(what)
    elif isinstance(what, Table):
        _table(what)
    elif isinstance(what, Fields):
        _fields(what.fields)
    elif isinstance(what, Written):
        say(f"Wrote {what.path}.")
    if not isinstance(what, Nothing):
        for note in what.notes:
            say_aside(note)


def error(sentence: str) -> None:
    """One sentence on stderr."""
    shown = printable(sentence)
    typer.echo(f"mintmark: {shown}{'' if shown.endswith(('.', '?')) else '.'}", err=True)


def say(line: str) -> None:
    """A line of plain text on stdout, for what the long-running commands tell."""
    typer.echo("\n".join(printable(part) for part in line.split("\n")))


def say_aside(line: str) -> None:
    """A line of plain text on stderr."""
    typer.echo(printable(line), err=True)


def json_line(value: Mapping[str, object]) -> None:
    """One JSON object on one line of stdout."""
    typer.echo(json_text(value))


def json_text(value: object, *, indent: int | None = None) -> str:
    """JSON in ASCII; secrets are revealed, as only a creation's answer and its file hold one."""
    return json.dumps(value, default=_revealed, ensure_ascii=True, indent=indent)


@contextlib.contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, where that is a terminal, while the context lasts; tell what it gives (done, all)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is destroyed. Without a terminal `yes` (``--yes``) is needed. Raises UsageFault."""
    if yes:
        return
    if not _at_terminal():
        raise UsageFault(f"{question} Nothing was done: repeat the command with --yes.")
    if not typer.confirm(printable(question) + " Go on?", err=True):
        raise UsageFault("Nothing was done.")


def ask(question: str, default: str) -> str:
    """A line typed at the terminal."""
    return str(typer.prompt(question, default=default, err=True))


def ask_secret(question: str, *, twice: bool = True) -> Secret:
    """A secret typed at the terminal without showing it. Raises UsageFault without a terminal."""
    if not _at_terminal():
        raise UsageFault(
            f"{question} is missing: hand it over in a file, on standard input or in the environment."
        )
    return Secret(str(typer.prompt(question, hide_input=True, confirmation_prompt=twice, err=True)))


def _at_terminal() -> bool:
    return sys.stdin.isatty()


class PrivateFile:
    """A file for its owner only (mode 0600), there as a whole when `keep` is called, else not at all.

    `write` may be called inside a transaction, so that what cannot be written is not committed; `keep` puts the
    file at its path, replacing one that is there. All raise UsageFault.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = Path()
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        with self._told():
            if self._path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
            self._draft, self._file = Path(name), os.fdopen(descriptor, "w", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._draft.unlink(missing_ok=True)

    def write(self, text: str) -> None:
        """Make `text` the whole content, synced to disk."""
        with self._told():
            self._open.seek(0)
            self._open.truncate()
            self._open.write(text)
            self._sync()

    def append(self, text: str) -> None:
        """Add to the content."""
        with self._told():
            self._open.write(text)

    @property
    def binary(self) -> BinaryIO:
        """The same file for bytes; whoever takes it writes no text."""
        return self._open.buffer

    def keep(self) -> None:
        """Put the file at its path."""
        with self._told():
            self._sync()
            self._open.close()
            self._draft.replace(self._path)
            self._file = None

    @property
    def _open(self) -> TextIO:
        assert self._file is not None  # noqa: S101 - used as a context manager
        return self._file

    def _sync(self) -> None:
        self._open.flush()
        os.fsync(self._open.fileno())

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as fault:
            raise UsageFault(f"{self._path} cannot be written: {fault.strerror or fault}.") from None


def _json(what: Answer) -> None:
    if isinstance(what, Table):
        typer.echo(json_text([dict(row) for row in what.rows], indent=2))
    elif isinstance(what, Fields):
        typer.echo(json_text(dict(what.fields), indent=2))
    elif isinstance(what, Written):
        typer.echo(json_text({"file": str(what.path)}, indent=2))


def _table(what: Table) -> None:
    from rich.table import Table as RichTable
    from rich.text import Text

    if not what.rows:
        say_aside(what.empty)
        return
    table = RichTable(box=None, pad_edge=False, header_style="bold")
    for column in what.columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in what.rows:
        table.add_row(*(Text(_cell(row.get(column))) for column in what.columns))
    _print(table)


def _fields(fields: Mapping[str, object]) -> None:
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        table.add_row(Text(name.replace("_", " ")), Text(_cell(value)))
    _print(table)


def _print(table: RichTable) -> None:
    from rich.console import Console

    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(table)
    # Rich fills a table's lines with blanks up to its width; nobody needs them.
    typer.echo("\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n")))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return "; ".join(f"{printable(str(key))}: {_cell(item)}" for key, item in value.items()) or "-"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return " ".join(_cell(item) for item in value) or "-"
    return printable(str(value)) or "-"


def _revealed(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not for JSON")
