"""Which key-encryption key a database was made with: its id, kept from the first opening on.

With another key no secret would be accepted any more, and what it seals could be opened by nobody who has the right
one; so whoever opens the database compares the ids before doing anything else.
"""

from __future__ import annotations

import sqlalchemy as sa

from mintmark.crypto.seal import sealed_by
from mintmark.storage.database import Database
from mintmark.storage.tables import TABLES, sealing_key
from mintmark.values.credential import SignatureKey
from mintmark.values.tenancy import SigningKey

_SEALED = tuple(TABLES[kind].c.sealed for kind in (SigningKey, SignatureKey))


def claim(database: Database, key_id: str) -> str:
    """The id of the key that the database was made with; `key_id` when nothing says another. Kept from then on.

    A database that is older than this record is judged by what is sealed in it. Raises StorageUnavailable.
    """
    return database.reading(_kept) or database.writing(lambda connection: _claim(connection, key_id))


def _kept(connection: sa.Connection) -> str | None:
    return connection.execute(sa.select(sealing_key.c.id)).scalar()


def _claim(connection: sa.Connection, key_id: str) -> str:
    kept = _kept(connection)
    if kept is not None:
        return kept
    found = [sealed_by(text) for column in _SEALED for text in connection.scalars(sa.select(column))]
    ids = {found_id for found_id in found if found_id is not None}
    owner = min(ids) if ids and key_id not in ids else key_id
    connection.execute(sealing_key.insert(), {"id": owner})
    return owner
