"""A bounded cache in two generations: what is used stays, what was not used for a while is dropped as a whole.

No list of uses is kept, so an entry costs a place in a dictionary and nothing else: a hundred thousand clients
are meant to fit. Entries are grouped by environment, so that one can be forgotten with all that is in it.
"""

from __future__ import annotations

from typing import Generic, TypeVar

Value = TypeVar("Value")


class Generations(Generic[Value]):
    """At most `capacity` entries by (environment, id)."""

    def __init__(self, capacity: int) -> None:
        self._half = max(1, capacity // 2)
        self._young: dict[str, dict[str, Value]] = {}
        self._old: dict[str, dict[str, Value]] = {}
        self._young_count = 0

    def get(self, environment: str, entry_id: str) -> Value | None:
        """The entry, or None."""
        entries = self._young.get(environment)
        if entries is not None and (value := entries.get(entry_id)) is not None:
            return value
        entries = self._old.get(environment)
        if entries is None or (value := entries.pop(entry_id, None)) is None:
            return None
        self.put(environment, entry_id, value)
        return value

    def put(self, environment: str, entry_id: str, value: Value) -> None:
        """Keep `value`; the least lately used half goes when the capacity is reached."""
        entries = self._young.get(environment)
        if entries is None:
            entries = self._young[environment] = {}
        if entry_id not in entries:
            if self._young_count >= self._half:
                self._old, self._young, self._young_count = self._young, {environment: {}}, 0
                entries = self._young[environment]
            self._young_count += 1
        entries[entry_id] = value

    def drop(self, environment: str, entry_id: str) -> None:
        """Forget an entry, if it is there."""
        if self._young.get(environment, {}).pop(entry_id, None) is not None:
            self._young_count -= 1
        self._old.get(environment, {}).pop(entry_id, None)

    def drop_environment(self, environment: str) -> None:
        """Forget everything of an environment."""
        self._young_count -= len(self._young.pop(environment, {}))
        self._old.pop(environment, None)

    def __len__(self) -> int:
        return self._young_count + sum(map(len, self._old.values()))
