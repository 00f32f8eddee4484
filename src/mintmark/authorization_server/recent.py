"""A bounded memory by the names of requests (`Lately.name`): what is used stays, and what was not asked for since the
memory was last full is forgotten.
"""

from __future__ import annotations

from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class Recent(Generic[Kept]):
    """`capacity`: entries that are kept, at least; at most twice as many."""

    __slots__ = ("_capacity", "_new", "_old")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._new: dict[bytes, Kept] = {}
        self._old: dict[bytes, Kept] = {}

    def find(self, name: bytes) -> Kept | None:
        """What is kept under the name, or None."""
        found = self._new.get(name)
        if found is None:
            found = self._old.get(name)
            if found is not None:
                self.keep(name, found)
        return found

    def keep(self, name: bytes, kept: Kept) -> None:
        """From now on under that name, instead of what was."""
        if len(self._new) >= self._capacity:
            self._old, self._new = self._new, {}
        self._new[name] = kept

    def __len__(self) -> int:
        return len(self._new) + len(self._old)
