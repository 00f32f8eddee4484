"""Uses of credentials that no token is issued for, waiting to be written: one per credential and minute, bounded."""

from __future__ import annotations

#: (environment, credential id, seconds since the epoch, peer)
Use = tuple[str, str, float, str]


class Uses:
    """The queue. `most`: how many credentials of a minute are remembered; a use beyond them is not recorded."""

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._minute = -1
        self._seen: set[tuple[str, str]] = set()
        self._waiting: dict[tuple[str, str], Use] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, use: Use) -> None:
        """Take a use in, unless its credential was taken in this minute. Costs the same however many came before."""
        key, minute = use[:2], int(use[2] // 60)
        if minute > self._minute:
            self._minute = minute
            self._seen.clear()
        if key in self._seen or len(self._seen) >= self._most or len(self._waiting) >= self._most:
            return
        self._seen.add(key)
        self._waiting[key] = use

    def take(self, most: int) -> list[Use]:
        """Remove and return up to `most` uses, oldest first."""
        keys = [key for key, _ in zip(self._waiting, range(most), strict=False)]
        return [self._waiting.pop(key) for key in keys]

    def put_back(self, uses: list[Use]) -> None:
        """Return uses that could not be written; a later one of the same credential stays."""
        for use in uses:
            self._waiting.setdefault(use[:2], use)
