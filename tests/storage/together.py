"""Several processes that make the tables of one empty database at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from mintmark.storage import schema
from mintmark.storage.database import Database

PATIENCE = 60


def create_together(databases: Sequence[Database]) -> list[BaseException]:
    """`schema.create` on each, from threads of their own, and close them; what was raised."""
    failures: list[BaseException] = []

    def create(database: Database) -> None:
        try:
            schema.create(database)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=create, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    for database in databases:
        database.close()
    return failures
