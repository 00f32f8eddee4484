"""The `Store` of the ports: units of work on the database's threads, durable before they answer.

Who caches what is stored listens here: after a write that changed something, and before `write` returns, every
listener has been told, so a process never shows its own writes late.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import sqlalchemy as sa

from mintmark.authorization_server.ports import AuditQuery, StorageUnavailable, Transaction
from mintmark.crypto.audit_chain import Report
from mintmark.storage import audit, nodes, retention, trail_check, trail_checked
from mintmark.storage.database import Database
from mintmark.storage.layout import TrailInUse
from mintmark.storage.retention import Keep
from mintmark.storage.trail import Trail, audit_key
from mintmark.storage.transaction import SqlTransaction, perform
from mintmark.values.audit_event import AuditEvent

Result = TypeVar("Result")
#: Events that one transaction removes: few, so that tokens are committed in between.
_TRIMMED = 2000


class Tended(NamedTuple):
    """`removed`: events that went. `by_bytes`: whether some of them because of the limit in bytes. `waits`: whether
    some had to stay because somebody reads the trail. `bytes`: what it takes now.
    """

    removed: int
    by_bytes: bool
    waits: bool
    bytes: int


class SqlStore:
    """Implements `ports.Store` on any database that the tables run on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._trail = Trail(database)
        self._listeners: list[Callable[[], Awaitable[None]]] = []

    def listen(self, listener: Callable[[], Awaitable[None]]) -> None:
        """Have `listener` awaited after each write of this process that changed something."""
        self._listeners.append(listener)

    async def write(self, work: Callable[[Transaction], Result]) -> Result:
        """Run `work` in one durable transaction; its exception rolls everything back and is re-raised.

        Raises StorageUnavailable.
        """

        def perform_and_announce(connection: sa.Connection) -> tuple[Result, bool]:
            performed = perform(connection, self._trail, work)
            if performed[1]:
                self._database.announce(connection)
            return performed

        result, changed = await self._database.write(perform_and_announce)
        if changed:
            await self._tell()
        return result

    async def read(self, work: Callable[[Transaction], Result]) -> Result:
        """Run `work` against one snapshot; writing inside raises RuntimeError. Raises StorageUnavailable."""
        return await self._database.read(lambda connection: work(SqlTransaction(connection, None)))

    async def events(self, query: AuditQuery) -> list[tuple[int, AuditEvent]]:
        """Audit events with their ids, newest first. Raises StorageUnavailable."""
        return await self._database.read(lambda connection: audit.search(connection, query))

    async def export(
        self, environment: str = "", *, after_id: int = 0, page: int = 1000
    ) -> AsyncIterator[tuple[int, AuditEvent]]:
        """Every event after an id in the order of ids, read a page at a time. Raises StorageUnavailable."""
        while True:
            events = await self._database.read(
                partial(audit.after, after_id=after_id, limit=page, environment=environment)
            )
            for event_id, event in events:
                yield event_id, event
            if len(events) < page:
                return
            after_id = events[-1][0]

    async def check_trail(self, known: Mapping[str, tuple[int, str]]) -> Report:
        """Hold the whole audit trail against its links, and against the heads `known` from an earlier check."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, trail_check.check_trail, self._database, known)

    async def note_check(self, report: Report, at: float) -> None:
        """Keep, for operators to see, what a check that began at `at` has found. Raises StorageUnavailable."""
        await self._database.write(lambda connection: trail_checked.note(connection, report, at))

    async def trim_trail(self, older_than: float, most: int | None, now: float) -> int:
        """Remove old events, a page in each transaction, first the oldest; how many went."""
        layout, keep = self._database.layout, Keep(older_than, most)
        kept = await self._database.read(lambda there: retention.boundary(there, layout, keep, now))
        removed, waits = await self._remove(kept.first_kept, now)
        if waits:
            raise StorageUnavailable(
                "Somebody reads the audit trail from end to end, a backup or a check: try again when that is over."
            )
        return removed

    async def tend_trail(self, keep: Keep, now: float) -> Tended:
        """What retention does by itself: remove what `keep` lets go, where it costs least.

        Raises StorageUnavailable.
        """
        layout = self._database.layout
        kept = await self._database.read(lambda there: retention.easy_boundary(there, layout, keep, now))
        removed, waits = await self._remove(kept.first_kept, now) if kept.first_kept else (0, False)
        return Tended(removed, kept.by_bytes, waits, await self._database.read(layout.size))

    async def make_room(self, now: float) -> None:
        """Make ahead what the trail will need. Raises StorageUnavailable."""
        await asyncio.to_thread(self._database.layout.upkeep, self._database, now)

    async def _remove(self, first_kept: int, now: float) -> tuple[int, bool]:
        """Remove what is before that id, in transactions between which tokens are committed: how many events, and
        whether some had to stay because somebody reads the trail.
        """
        key, layout, total, left = audit_key(self._database), self._database.layout, 0, True
        while left:
            try:
                removed, left = await self._database.write(
                    lambda there: retention.remove(there, layout, key, first_kept, now, _TRIMMED)
                )
            except TrailInUse:
                return total, True
            total += removed
        return total, False

    async def forget_node(
        self, name: str, note: Callable[[Transaction, Sequence[str]], object]
    ) -> tuple[Sequence[str], Sequence[str]]:
        """Take a lost node off the list of those that serve: the processes that went, those that hinder it."""

        def work(connection: sa.Connection) -> tuple[Sequence[str], Sequence[str]]:
            lost, beating = nodes.forget(connection, self._database, name)
            if lost:
                perform(connection, self._trail, lambda tx: note(tx, lost))
            return lost, beating

        return await self._database.write(work)

    async def mount_users(self, environment: str, mount: str, since: float) -> list[tuple[str, int, float]]:
        """(client id, tokens, last at) of who got tokens at a mount since then. Raises StorageUnavailable."""
        return await self._database.read(
            lambda connection: audit.mount_users(connection, environment, mount, since)
        )

    async def _tell(self) -> None:
        for listener in self._listeners:
            try:
                await listener()
            except StorageUnavailable:
                continue  # The write is durable; whoever listens catches up when reading works again.
