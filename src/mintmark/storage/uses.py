"""Last uses of credentials waiting to be written: the newest of each, and many in the order of the table.

A few are written twice a second. Many are written once a minute, and very many once in as many minutes as there are ten
thousands of them, neighbours together: so a database with a hundred thousand busy credentials neither writes a page for
each use of each nor a row for each token. Before the queue is full it is written in any case. A crash forgets what
waits; the audit trail has what tokens were issued.
"""

from __future__ import annotations

import math

#: (environment, credential id, seconds since the epoch, peer)
Use = tuple[str, str, float, str]
#: How many count as few, and are written together.
FEW = 256
#: Seconds between two times at which few, and at which many, fall due.
PAUSE, MINUTE = 0.5, 60.0
#: About how many are written in a minute at most.
A_MINUTE = 10_000
#: Characters of a credential's id by which neighbours are found: ids begin with random letters and digits.
_PREFIX = 2


class Uses:
    """The queue. `most`: credentials that wait at most; a use of a further one is not recorded."""

    def __init__(self, most: int = 200_000) -> None:
        self._most = most
        self._count = 0
        self._neighbours: dict[tuple[str, str], dict[str, tuple[float, str]]] = {}
        #: Which neighbours are still to be written of those that waited when their time came, last first.
        self._due: list[tuple[str, str]] = []
        self._taken = -math.inf

    def __len__(self) -> int:
        return self._count

    def add(self, environment: str, credential_id: str, at: float, peer: str) -> None:
        """Take a use in. Costs the same however many came before."""
        key = (environment, credential_id[:_PREFIX])
        found = self._neighbours.get(key)
        if found is None:
            found = self._neighbours[key] = {}
        if credential_id not in found:
            if self._count >= self._most:
                return
            self._count += 1
        found[credential_id] = (at, peer)

    def take(self, now: float, *, at_once: bool = False) -> list[Use]:
        """Remove and return about `FEW` uses at most, in the order of the table: those that are due at `now`, or any.

        `now`: seconds since the epoch. Others fall due when all that were due are taken.
        """
        if not self._due:
            wait = PAUSE if self._count <= FEW else MINUTE * max(1, self._count // A_MINUTE)
            nearly_full = self._count * 4 >= self._most * 3
            if not self._count or (now < self._taken + wait and not at_once and not nearly_full):
                return []
            self._taken = now
            self._due = sorted(self._neighbours, reverse=True)
        taken: list[Use] = []
        while self._due and len(taken) < FEW:
            key = self._due.pop()
            found = self._neighbours.pop(key, {})
            self._count -= len(found)
            taken += [(key[0], credential_id, *use) for credential_id, use in sorted(found.items())]
        return taken

    def put_back(self, uses: list[Use]) -> None:
        """Return uses that could not be written; a later one of the same credential stays."""
        for environment, credential_id, at, peer in uses:
            key = (environment, credential_id[:_PREFIX])
            if credential_id not in self._neighbours.get(key, {}):
                self.add(environment, credential_id, at, peer)
