"""What a command answers, before it is printed: rows, the fields of one thing, a file that was written, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of the same keys. `columns`: those that people see; JSON has all keys. `empty`: said when there are none."""

    columns: tuple[str, ...]
    rows: Sequence[Row]
    empty: str = "There are none."
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fields:
    """One thing. A `Secret` among the values is revealed: only the answer of a creation may hold one."""

    fields: Row
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A file was written."""

    path: Path
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Nothing:
    """The command has shown by itself what there was to show."""


Answer = Table | Fields | Written | Nothing
