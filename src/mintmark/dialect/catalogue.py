"""The dialects that a program knows: the built-in ones, and those of an operator's directory.

Files are handed in as already read text; the only thing read here is the package's own data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files

from mintmark.dialect.loader import load_dialect
from mintmark.dialect.model import Dialect, DialectFault


class Catalogue:
    """Dialects by name; iterating gives them in order of name."""

    def __init__(self, texts: Iterable[tuple[str, str]]) -> None:
        """`texts`: (file name, its text). Raises DialectFault, also when two files declare one name."""
        self._dialects: dict[str, Dialect] = {}
        self._sources: dict[str, str] = {}
        for source, text in texts:
            dialect = load_dialect(text, source)
            if dialect.name in self._dialects:
                raise DialectFault(
                    source,
                    1,
                    f"the name '{dialect.name}' is taken by {self._sources[dialect.name]}; choose another",
                )
            self._dialects[dialect.name] = dialect
            self._sources[dialect.name] = source

    def __iter__(self) -> Iterator[Dialect]:
        return iter(self._dialects[name] for name in sorted(self._dialects))

    def __contains__(self, name: object) -> bool:
        return name in self._dialects

    def __len__(self) -> int:
        return len(self._dialects)

    def get(self, name: str) -> Dialect:
        """The dialect of that name. Raises KeyError whose text lists the known names."""
        if name not in self._dialects:
            raise KeyError(f"there is no dialect '{name}'; known are {', '.join(sorted(self._dialects))}")
        return self._dialects[name]

    def source(self, name: str) -> str:
        """The file that declares the dialect."""
        return self._sources[name]


def built_in() -> list[tuple[str, str]]:
    """The package's own dialect files as (name, text)."""
    folder = files("mintmark.dialect") / "data"
    return [
        (item.name, item.read_text(encoding="utf-8"))
        for item in sorted(folder.iterdir(), key=lambda item: item.name)
        if item.name.endswith(".toml")
    ]


def catalogue(extra: Iterable[tuple[str, str]] = ()) -> Catalogue:
    """The built-in dialects and `extra` ones. Raises DialectFault."""
    return Catalogue([*built_in(), *extra])
