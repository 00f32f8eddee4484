"""The dialects that a program knows: the built-in ones, those of an operator's directory, and a shelf of vendors.

Built-in and operator's dialects are read at once, so that a fault in them is found at the start. A vendor's file is
read when its name is first asked for; until then only the names are known. An operator's dialect goes before a
vendor's of the same name, so that a newer catalogue never changes what a running installation speaks.
Files are handed in as already read text; the only thing read here is the package's own data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from mintmark.dialect.loader import load_dialect
from mintmark.dialect.model import Dialect, DialectFault

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    Shelf = Mapping[str, Traversable]

_DATA = "mintmark.dialect"
_EMPTY: Shelf = MappingProxyType({})


class Catalogue:
    """Dialects by name. Iterating gives those read at once, in order of name; `everything` gives the vendors, too."""

    def __init__(self, texts: Iterable[tuple[str, str]], shelf: Shelf = _EMPTY) -> None:
        """`texts`: (file name, its text); `shelf`: a vendor's name -> its file. Raises DialectFault, also when two
        of the texts declare one name.
        """
        self._dialects: dict[str, Dialect] = {}
        self._sources: dict[str, str] = {}
        self._shelf = shelf
        self._taken: dict[str, Dialect] = {}
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
        return name in self._dialects or name in self._shelf

    def __len__(self) -> int:
        return len(self._dialects)

    def names(self) -> list[str]:
        """Every name that `get` knows, in order; reads no file."""
        return sorted({*self._dialects, *self._shelf})

    def everything(self) -> Iterator[Dialect]:
        """Every dialect that `get` knows, in order of name; reads the vendors' files."""
        return (self.get(name) for name in self.names())

    def get(self, name: str) -> Dialect:
        """The dialect of that name. Raises KeyError whose text says which names there are."""
        if name in self._dialects:
            return self._dialects[name]
        if name not in self._shelf:
            raise KeyError(_unknown(name, self._dialects, self._shelf))
        if name not in self._taken:
            self._taken[name] = load_dialect(self._shelf[name].read_text(encoding="utf-8"), self.source(name))
        return self._taken[name]

    def source(self, name: str) -> str:
        """The file that declares the dialect. Raises KeyError."""
        return self._sources[name] if name in self._sources else f"vendors/{self._shelf[name].name}"


def _unknown(name: str, dialects: Iterable[str], shelf: Shelf) -> str:
    near = get_close_matches(name, [*dialects, *shelf], 1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    more = f" and {len(shelf)} more vendors (`mintmark dialect list`)" if shelf else ""
    return f"there is no dialect '{name}'; {hint}known are {', '.join(sorted(dialects))}{more}"


def built_in() -> list[tuple[str, str]]:
    """The package's own dialect files as (name, text), without the vendors'."""
    folder = files(_DATA) / "data"
    return [
        (item.name, item.read_text(encoding="utf-8"))
        for item in sorted(folder.iterdir(), key=lambda item: item.name)
        if item.name.endswith(".toml")
    ]


@cache
def vendors() -> Shelf:
    """The package's vendors: name -> file. A file bears the name that it declares."""
    folder = files(_DATA) / "data" / "vendors"
    return MappingProxyType(
        {item.name.removesuffix(".toml"): item for item in folder.iterdir() if item.name.endswith(".toml")}
    )


def shipped(name: str) -> Dialect:
    """The dialect of that name among the package's own; reads one file. Raises KeyError whose text names others."""
    folder = files(_DATA) / "data"
    own = {item.name.removesuffix(".toml"): item for item in folder.iterdir() if item.name.endswith(".toml")}
    found = own.get(name) or vendors().get(name)
    if found is None:
        raise KeyError(_unknown(name, own, vendors()))
    return load_dialect(found.read_text(encoding="utf-8"), found.name)


def catalogue(extra: Iterable[tuple[str, str]] = ()) -> Catalogue:
    """The built-in dialects and `extra` ones, and the vendors' when they are asked for. Raises DialectFault."""
    return Catalogue([*built_in(), *extra], vendors())
