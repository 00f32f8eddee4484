"""The `RevocationLog` of the ports: one environment's entries in memory, asked in O(1), waited on without a lock.

All on the event loop. Only what stands unbroken up to the newest entry can be read on from; whoever is further behind
begins anew at a snapshot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from mintmark.storage.revocations import MARGIN
from mintmark.values.revocation import CLAIM_OF, RevocationEntry, first_digest

#: So many entries are taken in between two looks at whether old ones can be forgotten.
_BETWEEN_LOOKS = 1024


class SqlRevocationLog:
    """`issuer`: the environment's identifier."""

    def __init__(self, issuer: str, entries: Sequence[RevocationEntry] = ()) -> None:
        self.issuer = issuer
        self._entries: list[RevocationEntry] = []
        self._revoked: dict[str, dict[str, int]] = {}
        self._unbroken = 0
        self._looked_at = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self.seq = 0
        self.head = first_digest(issuer)
        self.replace(entries)

    def replace(self, entries: Sequence[RevocationEntry]) -> None:
        """Begin anew with these, in order."""
        self._entries = []
        self._revoked = {claim: {} for claim in CLAIM_OF.values()}
        self.seq, self.head = 0, first_digest(self.issuer)
        self._take(entries)
        self._look()
        self._wake()

    def extend(self, entries: Sequence[RevocationEntry]) -> None:
        """Take in the next ones."""
        if entries:
            self._take(entries)
            if self.seq - self._looked_at >= _BETWEEN_LOOKS:
                oldest = entries[-1].issued_before - MARGIN
                self.replace(
                    [entry for entry in self._entries[:-1] if entry.until >= oldest] + self._entries[-1:]
                )
            self._wake()

    def after(self, seq: int, most: int) -> tuple[RevocationEntry, ...] | None:
        """The next entries behind `seq`, oldest first; None when what comes next was forgotten, or never was."""
        if not self._unbroken - 1 <= seq <= self.seq:
            return None
        start = len(self._entries) - (self.seq - seq)
        return tuple(self._entries[start : start + most])

    def entries(self) -> tuple[RevocationEntry, ...]:
        """Every entry that is kept."""
        return tuple(self._entries)

    def revoked(self, claims: Mapping[str, object]) -> bool:
        """Whether a token with these claims was revoked: it bears a revoked id and was issued no later than that."""
        if not self._entries:
            return False
        issued = claims.get("iat")
        at = issued if isinstance(issued, int | float) else 0
        for claim, revoked in self._revoked.items():
            if revoked:
                name = claims.get(claim) if claim else ""
                if isinstance(name, str) and at <= revoked.get(name, -1):
                    return True
        return False

    async def wait(self, seq: int, seconds: float) -> None:
        """Return when there is an entry behind `seq`, or when the time is up."""
        if self.seq != seq:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            return
        finally:
            self._waiting.discard(future)

    def _take(self, entries: Sequence[RevocationEntry]) -> None:
        for entry in entries:
            claim = CLAIM_OF[entry.kind]
            name = entry.id if claim else ""
            revoked = self._revoked[claim]
            revoked[name] = max(entry.issued_before, revoked.get(name, -1))
        if entries:
            self._entries += entries
            self.seq, self.head = entries[-1].seq, entries[-1].digest(self.issuer)

    def _look(self) -> None:
        """Find the first entry from which on none is missing."""
        self._looked_at = self.seq
        self._unbroken = self.seq + 1
        for entry in reversed(self._entries):
            if entry.seq != self._unbroken - 1:
                break
            self._unbroken = entry.seq

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
