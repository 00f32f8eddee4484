"""How a database lays the audit trail out on its disk: as one table, or in partitions of its ids, which rise with time.

What retention promises is the same for both (retention.py). They differ in what goes without touching a row, in how
bytes are counted, and in what has to be made ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import sqlalchemy as sa

if TYPE_CHECKING:
    from mintmark.storage.database import Database


class TrailInUse(Exception):
    """Somebody reads the trail for long, as a backup does: what should go stays until another time."""


class Layout(Protocol):
    """What is asked of it runs in the caller's transaction, but for `upkeep`."""

    def size(self, connection: sa.Connection) -> int:
        """Bytes that the events take, with their indexes."""

    def beyond(self, connection: sa.Connection, most: int) -> int:
        """The id of the first event to keep so that the events take `most` bytes; 0 when all may stay."""

    def edge(self, connection: sa.Connection, first_kept: int) -> int:
        """The largest id up to `first_kept` before which events go without touching one by one."""

    def drop(self, connection: sa.Connection, first_kept: int) -> int | None:
        """Remove at once the oldest part that is wholly before the id `first_kept`: how many events; None: of none.

        The transaction is one that writes. Raises TrailInUse.
        """

    def hold(self, connection: sa.Connection) -> None:
        """From here to the end of the transaction nothing goes at once. The first of all statements: a part that went
        before the first look at it, but after the snapshot was taken, would be missing from both the trail and its cut.
        """

    def upkeep(self, database: Database, now: float) -> None:
        """Make ahead what is needed, on the calling thread. `now`: seconds since the epoch.

        Raises StorageUnavailable.
        """

    def settle(self, connection: sa.Connection) -> None:
        """Called where many events came at once from elsewhere, before anybody is served."""
