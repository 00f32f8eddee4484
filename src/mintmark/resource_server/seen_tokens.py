"""Tokens verified before, by the SHA-256 of their text: bounded, forgotten by disuse, never counted as verified
past their end.

Two generations take turns: what is found in the older one moves to the younger, and when the younger is full the
older goes. No token is kept, only its hash; no operation waits for another thread.
"""

from __future__ import annotations

from typing import Generic, TypeVar

Found = TypeVar("Found")


class SeenTokens(Generic[Found]):
    """At most `most` entries."""

    __slots__ = ("_half", "_old", "_young")

    def __init__(self, most: int) -> None:
        if most < 2:
            raise ValueError("a cache of verified tokens has room for two at least")
        self._half = most // 2
        self._young: dict[bytes, Found] = {}
        self._old: dict[bytes, Found] = {}

    def get(self, digest: bytes) -> Found | None:
        """What was put there, if it is still there."""
        found = self._young.get(digest)
        if found is None:
            found = self._old.get(digest)
            if found is not None:
                self.put(digest, found)
        return found

    def put(self, digest: bytes, found: Found) -> None:
        """Keep `found`; the least used half goes when there is no room."""
        young = self._young
        young[digest] = found
        if len(young) >= self._half:
            self._old, self._young = young, {}

    def drop(self, digest: bytes) -> None:
        """Forget it."""
        self._young.pop(digest, None)
        self._old.pop(digest, None)

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())
