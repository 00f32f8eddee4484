"""Printing and asking without a library, for the commands that must start fast or run where only the core is installed.

Answers go to stdout, everything else to stderr; an error is one sentence. What came from outside is shown without
control characters. Nothing here reveals a `Secret`.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from mintmark.cli.faults import UsageFault


def printable(text: str) -> str:
    """`text` with every control and format character shown as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def error(sentence: str) -> None:
    """One sentence on stderr."""
    sentence = printable(sentence)
    print(f"mintmark: {sentence}{'' if sentence.endswith(('.', '?')) else '.'}", file=sys.stderr)


def aside(line: str) -> None:
    """A line on stderr."""
    print(printable(line), file=sys.stderr, flush=True)


def say(line: str) -> None:
    """A line on stdout."""
    print(printable(line))


def json_document(value: object) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=2))


def columns(rows: Sequence[Sequence[str]], empty: str = "-") -> None:
    """Rows of cells, each column as wide as its widest cell; `empty` stands for a cell without text."""
    cells = [[printable(cell) or empty for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def fields(values: Mapping[str, str]) -> None:
    """Names and values, one a line."""
    columns([[name.replace("_", " "), value] for name, value in values.items()])


def ask_secret(question: str) -> str:
    """A secret typed at the terminal without showing it, or the one line of standard input. Raises UsageFault."""
    if sys.stdin.isatty():
        import getpass

        text = getpass.getpass(f"{question}: ", sys.stderr)
    else:
        try:
            text = sys.stdin.readline(65536).rstrip("\r\n")
        except UnicodeDecodeError:
            raise UsageFault(f"The {question} on standard input is not UTF-8.") from None
    if not text:
        raise UsageFault(f"The {question} is empty: type it, or hand it over on standard input.")
    return text


@contextmanager
def progress(doing: str, after: float = 1.0) -> Iterator[None]:
    """Says on a terminal's stderr what is being waited for, once it has taken `after` seconds."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    began = time.monotonic()

    def tell() -> None:
        shown = False
        while not done.wait(after if not shown else 1.0):
            shown = True
            print(
                f"\r\x1b[K{doing} ... {time.monotonic() - began:.0f} s", end="", file=sys.stderr, flush=True
            )
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def moment(at: float | None) -> str:
    """RFC 3339, UTC, to the second; a dash for None."""
    if at is None:
        return "-"
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    except (OverflowError, ValueError, OSError):
        return "beyond the calendar"


def period(seconds: float) -> str:
    """A time span in words, to its two greatest units: ``1 h 5 min``."""
    left = round(abs(seconds))
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
