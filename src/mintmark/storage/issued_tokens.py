"""The `IssuedTokens` of the ports: a token's number is the id of its audit event, where all that can be revoked stands.

Which tokens are revoked is asked of the database in one statement per stretch of numbers: it looks at each event of the
environment in it once, and compares it with the kinds of revocations that are in question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import sqlalchemy as sa

from mintmark.storage.database import Database
from mintmark.storage.tables import audit_event, revocation
from mintmark.values.revocation import CLAIM_OF, RevokedKind

_event, _revoked = audit_event.c, revocation.c
#: Where the audit event has the claim of a token.
_COLUMN_OF: Final[Mapping[str, sa.ColumnElement[str]]] = {
    "client_id": _event.client_id,
    "mm_cred": _event.credential_id,
    "mm_user": _event.user_id,
    "jti": _event.jti,
    "aud": _event.audience,
}
#: Tokens that are handed over at a time.
_PAGE = 1000


class SqlIssuedTokens:
    """Implements `ports.IssuedTokens`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def numbers_since(self, environment_id: str, since: float) -> tuple[int, int] | None:
        """The first and the last number of what was issued since then (seconds since the epoch), or None.

        Between workers whose clocks differ the first may be late by as much. Raises StorageUnavailable.
        """

        def read(connection: sa.Connection) -> tuple[int, int] | None:
            here = _event.environment == environment_id
            ids = sa.select(_event.id)
            first = connection.execute(
                ids.where(here, _event.at >= since).order_by(_event.at).limit(1)
            ).scalar()
            last = connection.execute(ids.where(here).order_by(_event.id.desc()).limit(1)).scalar()
            return None if first is None or last is None else (first, last)

        return await self._database.read(read)

    async def ended(
        self, environment_id: str, numbers: tuple[int, int], after: int, found: Callable[[int], object]
    ) -> tuple[int, int]:
        """Call `found`, on a reading thread, with each number from the first to the last whose token was revoked by an
        entry behind the number `after`; which entry was the newest, and which event. Raises StorageUnavailable.
        """

        def read(connection: sa.Connection) -> tuple[int, int]:
            here = _revoked.environment == environment_id
            newest = connection.execute(sa.select(sa.func.max(_revoked.seq)).where(here)).scalar() or 0
            within = (_event.environment == environment_id, _event.id.between(*numbers))
            last = connection.execute(
                sa.select(_event.id).where(*within).order_by(_event.id.desc()).limit(1)
            ).scalar()
            kinds = connection.execute(
                sa.select(_revoked.kind, sa.func.max(_revoked.issued_before))
                .where(here, _revoked.seq > after)
                .group_by(_revoked.kind)
            ).all()
            if last is not None and kinds:
                covered = sa.or_(*(_covered(kind, latest, environment_id, after) for kind, latest in kinds))
                ids = sa.select(_event.id).where(*within, _event.outcome == "issued", covered)
                for page in connection.execute(ids).scalars().partitions(_PAGE):
                    for number in page:
                        found(number)
            return newest, numbers[0] - 1 if last is None else last

        return await self._database.read(read)


def _covered(kind: RevokedKind, latest: int, environment_id: str, after: int) -> sa.ColumnElement[bool]:
    """Whether a token was revoked by an entry of this kind: as `RevocationLog.revoked`, told of its event.

    A token's `iat` is the whole second of its event.
    """
    column = _COLUMN_OF.get(CLAIM_OF[kind])
    if column is None:  # all tokens of the issuer
        return _event.at < latest + 1
    # Two steps, each by a list that SQLite makes once and searches: it would go through all entries for each event.
    entries = (_revoked.environment == environment_id, _revoked.kind == kind, _revoked.seq > after)
    ids = sa.select(_revoked.id).where(*entries)
    late = sa.exists().where(*entries, _revoked.id == column, _event.at < _revoked.issued_before + 1)
    return sa.and_(column.in_(ids), late)
