"""The `Store` of the ports: units of work on the database's threads, durable before they answer.

Who caches what is stored listens here: after a write that changed something, and before `write` returns, every
listener has been told, so a process never shows its own writes late.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import TypeVar

import sqlalchemy as sa

from mintmark.authorization_server.ports import AuditQuery, StorageUnavailable, Transaction
from mintmark.storage import audit
from mintmark.storage.database import Database
from mintmark.storage.transaction import SqlTransaction
from mintmark.values.audit_event import AuditEvent

Result = TypeVar("Result")


class SqlStore:
    """Implements `ports.Store` on any database that the tables run on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: list[Callable[[], Awaitable[None]]] = []

    def listen(self, listener: Callable[[], Awaitable[None]]) -> None:
        """Have `listener` awaited after each write of this process that changed something."""
        self._listeners.append(listener)

    async def write(self, work: Callable[[Transaction], Result]) -> Result:
        """Run `work` in one durable transaction; its exception rolls everything back and is re-raised.

        Raises StorageUnavailable.
        """

        def unit(connection: sa.Connection) -> tuple[Result, bool]:
            transaction = SqlTransaction(connection, writable=True)
            return work(transaction), transaction.changed

        result, changed = await self._database.write(unit)
        if changed:
            await self._tell()
        return result

    async def read(self, work: Callable[[Transaction], Result]) -> Result:
        """Run `work` against one snapshot; writing inside raises RuntimeError. Raises StorageUnavailable."""
        return await self._database.read(lambda connection: work(SqlTransaction(connection, writable=False)))

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
