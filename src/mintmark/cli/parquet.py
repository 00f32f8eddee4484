"""Audit events as a Parquet file, a row group at a time, private to its owner, there as a whole or not at all.

pyarrow is imported when it is used, because it is large and few need it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mintmark.cli.answer import Row
from mintmark.cli.output import PrivateFile
from mintmark.cli.services import UsageFault

#: Rows of a row group: what is in memory at once.
GROUP = 50_000
#: The columns, all of them text but these.
COLUMNS = (
    "id",
    "at",
    "kind",
    "outcome",
    "environment",
    "request_id",
    "client_id",
    "credential_id",
    "user_id",
    "subject",
    "jti",
    "audience",
    "scope",
    "dialect",
    "mount",
    "peer",
    "actor",
    "reason",
    "detail",
    "count",
)
_INTEGERS = frozenset({"id", "count"})


def write(path: Path, pages: Iterable[Sequence[Row]]) -> int:
    """Write the rows of `pages` to `path` (mode 0600); how many there were. Raises UsageFault."""
    try:
        import pyarrow  # type: ignore[import-untyped]
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise UsageFault("Parquet needs pyarrow: pip install 'mintmark[parquet]'.") from None
    schema = pyarrow.schema([(name, _type(pyarrow, name)) for name in COLUMNS])
    rows, written = 0, list[Row]()
    with PrivateFile(path) as target:
        try:
            with parquet.ParquetWriter(target.binary, schema, compression="zstd") as writer:
                for page in pages:
                    written += page
                    rows += len(page)
                    if len(written) >= GROUP:
                        writer.write_table(_table(pyarrow, schema, written))
                        written = []
                if written:
                    writer.write_table(_table(pyarrow, schema, written))
        except OSError as fault:
            raise UsageFault(f"{path} cannot be written: {fault.strerror or fault}.") from None
        target.keep()
    return rows


def _type(pyarrow: Any, name: str) -> Any:
    if name == "at":
        return pyarrow.timestamp("ms", tz="UTC")
    return pyarrow.int64() if name in _INTEGERS else pyarrow.string()


def _table(pyarrow: Any, schema: Any, rows: Sequence[Row]) -> Any:
    columns = []
    for field in schema:
        values = [row[field.name] for row in rows]
        if field.name == "at":
            columns.append(pyarrow.array(map(_instant, values), field.type))
        else:
            columns.append(pyarrow.array(values, field.type))
    return pyarrow.Table.from_arrays(columns, schema=schema)


def _instant(text: object) -> datetime:
    return datetime.fromisoformat(str(text))
