"""What a backup says, as compressed JSON lines: a head, the files beside the database, and all rows of all tables.

    {"mintmark_backup": 1, "program": "1.0", "schema": "0010", "made_at": 1800000000, "rows": 12}
    {"file": "mintmark.toml", "content": "<base64>"}
    {"table": "tenant", "columns": ["handle", ...]}
    ["acme", ...]
    {"end": {"tenant": 1, ...}}

The rows are of one moment, whatever is written meanwhile. Nothing here is sealed (crypto/sealed_stream.py does that)
and nothing is on disk: bytes in, bytes out.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from mintmark.storage import portable, schema
from mintmark.storage.database import Database

FORMAT = 1
#: Bytes of a piece that `pieces` hands on.
PIECE = 1 << 18
#: Characters of one line, at most: rows are far below, and a file beside the database is small.
_LONGEST = 64 << 20
_LEVEL = 3
_BATCH = 1000

Progress = Callable[[int, int], None]


class BackupFault(Exception):
    """What was read is no backup that this program can restore. The text is one sentence."""


class Head(NamedTuple):
    """`program`: its version. `schema`: revision. `made_at`: seconds since the epoch. `rows`: of all tables."""

    program: str
    schema: str
    made_at: int
    rows: int


class File(NamedTuple):
    """A file beside the database. `path`: relative to the configuration's folder, with slashes."""

    path: str
    content: bytes


class Rows(NamedTuple):
    """Some rows of a table, in the order of `columns`."""

    table: str
    columns: Sequence[str]
    rows: Sequence[portable.Row]


class Summary(NamedTuple):
    """A whole backup. `counts`: table -> rows. `files`: their paths."""

    head: Head
    counts: Mapping[str, int]
    files: Sequence[str]


# --- writing ----------------------------------------------------------------------------------------------------------


def count(connection: sa.Connection) -> dict[str, int]:
    """Table -> rows, as the connection's snapshot has them."""
    return {table.name: portable.count(connection, table) for table in portable.tables()}


def lines(
    connection: sa.Connection,
    head: Head,
    files: Sequence[File],
    counts: Mapping[str, int],
    progress: Progress,
) -> Iterator[bytes]:
    """The lines of a backup of what `connection` sees, in blocks. `counts`: of the same snapshot.

    `progress(done, all)`: told the rows now and then. Raises StorageUnavailable.
    """
    encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

    def line(value: object) -> bytes:
        return encode(value).encode("ascii") + b"\n"

    yield line({"mintmark_backup": FORMAT, **head._asdict()})
    for file in files:
        yield line({"file": file.path, "content": base64.b64encode(file.content).decode("ascii")})
    done = 0
    for table in portable.tables():
        yield line({"table": table.name, "columns": [column.name for column in table.columns]})
        for page in portable.pages(connection, table):
            yield "".join(f"{encode(row)}\n" for row in page).encode("ascii")
            done += len(page)
            progress(done, head.rows)
    yield line({"end": dict(counts)})


def pieces(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """`blocks` compressed, in pieces of PIECE bytes or, the last, fewer."""
    press = zlib.compressobj(_LEVEL)
    held = bytearray()
    for block in blocks:
        held += press.compress(block)
        while len(held) >= PIECE:
            yield bytes(held[:PIECE])
            del held[:PIECE]
    held += press.flush()
    for start in range(0, len(held), PIECE):
        yield bytes(held[start : start + PIECE])


# --- reading ----------------------------------------------------------------------------------------------------------


def parts(compressed: Iterable[bytes]) -> Iterator[Head | File | Rows | Summary]:
    """What a backup holds, in its order: the head first, the summary last, when everything was met that it names.

    Raises BackupFault, and what reading `compressed` raises.
    """
    try:
        yield from _parts(_lines(compressed))
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise BackupFault("This is not a backup that this program has written.") from None


def _parts(found: Iterator[bytes]) -> Iterator[Head | File | Rows | Summary]:
    first = json.loads(next(found, b"null"))
    if first["mintmark_backup"] != FORMAT:
        raise BackupFault(
            "The backup was made by a newer version of Mintmark than this one: restore it with that."
        )
    head = Head(str(first["program"]), str(first["schema"]), int(first["made_at"]), int(first["rows"]))
    yield head
    counts: dict[str, int] = {}
    files: list[str] = []
    table = ""
    columns: tuple[str, ...] = ()
    rows: list[portable.Row] = []
    for text in found:
        value = json.loads(text)
        if isinstance(value, list):
            rows.append(value)
            counts[table] += 1
            if len(rows) < _BATCH:
                continue
        if rows:
            yield Rows(table, columns, rows)
            rows = []
        if isinstance(value, list):
            continue
        if "file" in value:
            files.append(str(value["file"]))
            yield File(files[-1], base64.b64decode(value["content"], validate=True))
        elif "table" in value:
            table, columns = str(value["table"]), tuple(map(str, value["columns"]))
            counts[table] = 0
        elif value["end"] == counts and sum(counts.values()) == head.rows and next(found, None) is None:
            yield Summary(head, counts, files)
            return
        else:
            break
    raise BackupFault("The backup is not whole: it does not hold the rows that it names.")


def _lines(compressed: Iterable[bytes]) -> Iterator[bytes]:
    press = zlib.decompressobj()
    held = b""
    for piece in compressed:
        *whole, held = (held + press.decompress(piece)).split(b"\n")
        yield from whole
        if len(held) > _LONGEST:
            raise BackupFault("A line of the backup is too long.")
    *whole, held = (held + press.flush()).split(b"\n")
    yield from whole
    if held or not press.eof or press.unused_data:
        raise BackupFault("The backup is not whole: it ends within a line.")


def check(compressed: Iterable[bytes], keep: Callable[[File], object], progress: Progress) -> Summary:
    """Read a backup to its end. `keep` is handed each file beside the database, before the end is known to be good.

    Raises BackupFault, and what reading raises.
    """
    done, whole = 0, 0
    for part in parts(compressed):
        match part:
            case Head():
                whole = part.rows
            case File():
                keep(part)
            case Rows():
                done += len(part.rows)
                progress(done, whole)
            case Summary():
                return part
    raise AssertionError("a backup ends with its summary, or with a fault")


def restore(database: Database, compressed: Iterable[bytes], progress: Progress) -> Summary:
    """Fill the empty `database` from a backup, in one transaction, and bring its schema up to this program's.

    Raises BackupFault, SchemaMismatch when the backup is of a newer schema or the database is not empty,
    StorageUnavailable, and what reading raises; the database is then without any row.
    """
    contents = parts(compressed)
    head = next(contents)
    assert isinstance(head, Head)  # noqa: S101 - as `parts` promises
    schema.create_at(database, head.schema)

    def work(connection: sa.Connection) -> Summary:
        done = 0
        for part in contents:
            if isinstance(part, Rows):
                _insert(connection, part)
                done += len(part.rows)
                progress(done, head.rows)
            elif isinstance(part, Summary):
                database.renumber(connection)
                return part
        raise AssertionError("a backup ends with its summary, or with a fault")

    summary = database.writing(work)
    schema.migrate(database, None)
    return summary


def _insert(connection: sa.Connection, part: Rows) -> None:
    try:
        portable.insert(connection, part.table, part.columns, part.rows)
    except sa.exc.IntegrityError:
        raise BackupFault(f"The backup does not fit the table '{part.table}' of its schema.") from None
