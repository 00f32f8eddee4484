"""`mintmark serve` on a database that does not always let itself be written, composed for the tests alone.

Each new connection runs the pragmas that stand in the file ``pragmas`` beside the database at that moment, such as
``max_page_count = 90`` (the disk is full at that size) or ``query_only = ON`` (nothing may be written).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import event

import mintmark.compose.installation as composed
from mintmark.compose.main import main
from mintmark.storage.database import Database
from mintmark.storage.engines.sqlite import open_sqlite


def open_constrained(path: Path, *key: bytes, **more: Any) -> Database:
    """The database with a tighter grip on its connections."""
    database = open_sqlite(path, *key, **more)
    pragmas = path.with_name("pragmas")

    def constrain(connection: Any, _record: object) -> None:
        for line in pragmas.read_text().splitlines() if pragmas.exists() else ():
            connection.execute(f"PRAGMA {line}").close()

    event.listen(database.engine, "connect", constrain)
    return database


if __name__ == "__main__":
    composed.open_sqlite = open_constrained
    main()
