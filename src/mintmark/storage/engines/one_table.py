"""The audit trail as one table: bytes are what an average event takes, and old events go one by one.

The database's own tables of sizes (dbstat) would be read through from end to end, and are not compiled into every
SQLite; events of one end and of the other are looked at instead.
"""

from __future__ import annotations

import sqlalchemy as sa

from mintmark.storage.database import Database
from mintmark.storage.tables import audit_event
from mintmark.values.audit_event import AuditEvent

#: Events that are looked at from each end.
_LOOKED_AT = 200
#: Bytes beside the texts: of a row and its place in the table, and of its places in the indexes.
_ROW, _PLACES = 45, 42
#: How much more pages take than what is in them; those of the index by request id are filled by chance.
_PAGES, _BY_CHANCE = 1.04, 1.45
_texts = [audit_event.c[name] for name in AuditEvent._fields[1:-1]]


class OneTable:
    """As `storage.layout.Layout` has it."""

    def size(self, connection: sa.Connection) -> int:
        """Bytes of the average event, times how many there are: ids have no gaps."""
        return int(self._each(connection) * self._count(connection))

    def beyond(self, connection: sa.Connection, most: int) -> int:
        """As many of the newest stay as fit."""
        stay = int(most / each) if (each := self._each(connection)) else 0
        count = self._count(connection)
        return self._ends(connection)[1] + 1 - stay if count > stay else 0

    def edge(self, connection: sa.Connection, first_kept: int) -> int:  # noqa: ARG002 - as every layout
        """Everywhere."""
        return first_kept

    def drop(self, connection: sa.Connection, first_kept: int) -> int | None:  # noqa: ARG002 - as every layout
        """Nothing goes at once."""
        return None

    def hold(self, connection: sa.Connection) -> None:
        """Nothing goes at once."""

    def upkeep(self, database: Database, now: float) -> None:
        """Nothing to do."""

    def settle(self, connection: sa.Connection) -> None:
        """Nothing to do."""

    def _ends(self, connection: sa.Connection) -> tuple[int, int]:
        ids = audit_event.c.id
        oldest = connection.execute(sa.select(ids).order_by(ids).limit(1)).scalar() or 0
        return oldest, connection.execute(sa.select(ids).order_by(ids.desc()).limit(1)).scalar() or 0

    def _count(self, connection: sa.Connection) -> int:
        oldest, newest = self._ends(connection)
        return newest - oldest + 1 if newest else 0

    def _each(self, connection: sa.Connection) -> float:
        """Bytes of an average event, in the table and in its indexes."""
        size = sum((sa.func.length(sa.cast(text, sa.LargeBinary)) for text in _texts), sa.literal(0))
        environment, request_id = (
            sa.func.length(audit_event.c.environment),
            sa.func.length(audit_event.c.request_id),
        )
        looked = [
            sa.select(size.label("size"), environment.label("environment"), request_id.label("request_id"))
            .order_by(order)
            .limit(_LOOKED_AT)
            .subquery()
            for order in (audit_event.c.id, audit_event.c.id.desc())
        ]
        both = sa.union_all(*(sa.select(each) for each in looked)).subquery().c
        average = sa.select(
            sa.func.avg(both.size), sa.func.avg(both.environment), sa.func.avg(both.request_id)
        )
        found = connection.execute(average).one()
        if found[0] is None:
            return 0.0
        texts, of_environment, of_request = (float(value) for value in found)
        return _PAGES * (texts + _ROW + 2 * of_environment + _PLACES) + _BY_CHANCE * (of_request + 12)
