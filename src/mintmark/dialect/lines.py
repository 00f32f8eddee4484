"""Which line of a TOML text a key stands on, so that a fault can name its place.

The text is known to be valid TOML. A member of an inline table is found at the line of the key that holds it.
"""

from __future__ import annotations

import re

Path = tuple[str | int, ...]
_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEYS = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_KEYS})\s*\]")
_ASSIGNMENT = re.compile(rf"\s*({_KEYS})\s*=(.*)")


class Lines:
    """`at(path)` is the line (from 1) of the key at `path`, or of the nearest table around it; 0 when unknown."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        table: Path = ()
        counts: dict[Path, int] = {}
        quotes = ""
        for number, line in enumerate(text.splitlines(), 1):
            if quotes:
                quotes = "" if quotes in line else quotes
                continue
            header, assignment = _HEADER.match(line), _ASSIGNMENT.match(line)
            if header is not None:
                table = self._resolved(_split(header[2]), counts, repeated=header[1] == "[[")
                for length in range(len(table), 0, -1):
                    self._lines.setdefault(table[:length], number)
            elif assignment is not None:
                self._lines.setdefault(table + _split(assignment[1]), number)
                for mark in ('"""', "'''"):
                    if assignment[2].count(mark) == 1:
                        quotes = mark

    def _resolved(self, keys: Path, counts: dict[Path, int], *, repeated: bool) -> Path:
        """The path with the index of the array item that each array of tables is at."""
        path: Path = ()
        for position, key in enumerate(keys, 1):
            path += (key,)
            if repeated and position == len(keys):
                counts[path] = counts.get(path, -1) + 1
            if path in counts:
                path += (counts[path],)
        return path

    def at(self, path: Path) -> int:
        """The line of `path` or of the nearest key around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 0


def _split(keys: str) -> Path:
    return tuple(key[1:-1] if key[0] in "\"'" else key for key in re.findall(_KEY, keys))
