"""A table of a dialect file, read key by key: every key must be in the schema and of its type.

A key that is not in the schema is a fault as soon as its table is met, so that a misspelt one can never be silently
without effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TypeVar, cast

from mintmark.dialect.lines import Lines, Path
from mintmark.dialect.model import DialectFault
from mintmark.dialect.schema import SCHEMA
from mintmark.dialect.template import Node, TemplateFault, any_case, parse

Item = TypeVar("Item")
#: What names a header or a cookie (RFC 9110 §5.6.2).
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_TYPES = {str: "text", int: "a whole number", bool: "true or false", list: "an array", dict: "a table"}


class Section:
    """One table at `path` of the file `source`. `kind`: its place in the schema (``forms.basic``)."""

    def __init__(self, table: dict[str, object], path: Path, source: str, lines: Lines, kind: str) -> None:
        self.table, self.path, self.kind = table, path, kind
        self._source, self._lines = source, lines
        known = SCHEMA.get(kind)
        for key in table if known is not None else ():
            if key not in (known or ()):
                near = get_close_matches(key, known or (), 1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                raise self.fault(f"'{key}' is not a key of {self.title()}{hint}", key)

    def fault(self, sentence: str, *keys: str | int) -> DialectFault:
        """The fault at the key that `keys` lead to from this table, or at the table itself."""
        return DialectFault(self._source, self._lines.at((*self.path, *keys)), sentence)

    def get(self, key: str, kind: type[Item], default: Item) -> Item:
        """The value of `key`, of exactly that type."""
        if key not in self.table:
            return default
        value = self.table[key]
        if type(value) is not kind:
            raise self.fault(f"'{key}' must be {_TYPES[kind]}", key)
        return value

    def need(self, key: str, kind: type[Item], default: Item) -> Item:
        """`get`, for a key that must be there."""
        if key not in self.table:
            raise self.fault(f"'{key}' is missing in {self.title()}")
        return self.get(key, kind, default)

    def optional(self, key: str) -> int | None:
        """A positive whole number, or None when absent."""
        if key not in self.table:
            return None
        number = self.get(key, int, 0)
        if number <= 0:
            raise self.fault(f"'{key}' must be positive", key)
        return number

    def one_of(self, key: str, choices: Iterable[str], default: str) -> str:
        """Text that is one of `choices`."""
        text = self.get(key, str, default)
        if text not in choices:
            raise self.fault(f"'{key}' must be one of {', '.join(sorted(choices))}", key)
        return text

    def texts(self, key: str) -> tuple[str, ...]:
        """An array of text, or one text alone; empty when absent."""
        if isinstance(self.table.get(key), str):
            return (self.get(key, str, ""),)
        values = self.get(key, list, [])
        if not all(isinstance(value, str) for value in values):
            raise self.fault(f"'{key}' must be an array of text", key)
        return tuple(values)

    def numbers(self, key: str) -> tuple[int, ...]:
        """An array of whole numbers; empty when absent."""
        values = self.get(key, list, [])
        if not all(type(value) is int for value in values):
            raise self.fault(f"'{key}' must be an array of whole numbers", key)
        return tuple(values)

    def section(self, key: str, kind: str | None = None) -> Section:
        """The table at `key`; empty when absent."""
        name = kind or (f"{self.kind}.{key}" if self.kind else key)
        return Section(
            self.get(key, dict, cast("dict[str, object]", {})),
            (*self.path, key),
            self._source,
            self._lines,
            name,
        )

    def sections(self, key: str) -> list[Section]:
        """The tables of an array of tables."""
        tables = self.get(key, list, [])
        if not all(isinstance(table, dict) for table in tables):
            raise self.fault(f"'{key}' must be an array of tables", key)
        name = f"{self.kind}.{key}" if self.kind else key
        return [
            Section(table, (*self.path, key, index), self._source, self._lines, name)
            for index, table in enumerate(tables)
        ]

    def named(self, key: str) -> list[tuple[str, Section]]:
        """The tables of a table of tables, by name."""
        outer = self.section(key)
        kind = f"{outer.kind}.*"
        return [(name, outer.section(name, kind)) for name in outer.table]

    def template(self, key: str, *, xml: bool = False, other: str = "text") -> Node | None:
        """The template at `key`, or None when absent."""
        if key not in self.table:
            return None
        try:
            return parse(self.table[key], xml=xml, other=other)
        except TemplateFault as fault:
            raise self.fault(
                f"'{fault.path[-1] if fault.path else key}': {fault}", key, *fault.path
            ) from None

    def templates(self, key: str, other: str = "text") -> tuple[tuple[str, Node], ...]:
        """A flat table of templates that are text, in order."""
        inner = self.section(key)
        for name, value in inner.table.items():
            if key != "query" and _TOKEN.fullmatch(name) is None:
                raise inner.fault(f"'{name}' cannot be the name of a header or cookie", name)
            if not isinstance(value, str):
                raise inner.fault(f"'{name}' must be text", name)
        return tuple(
            (name, any_case(node) if name.lower() == "authorization" else node)
            for name in inner.table
            if (node := inner.template(name, other=other)) is not None
        )

    def line(self) -> int:
        """Where the table begins (from 1; 0 when unknown)."""
        return self._lines.at(self.path)

    def title(self) -> str:
        """The section as a file writes it."""
        if not self.kind:
            return "a dialect"
        name = ".".join(str(key) for key in self.path if isinstance(key, str))
        return f"[[{name}]]" if isinstance(self.path[-1], int) else f"[{name}]"
