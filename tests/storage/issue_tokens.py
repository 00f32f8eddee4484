"""A program for the tests: issues tokens through the ledger of a database file and prints each one it got.

    python issue_tokens.py FILE NAME COUNT LIMIT

COUNT 0 goes on until killed; LIMIT 0 is no limit. A line ``jti`` is printed only after its commit.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from mintmark.authorization_server.ports import Allowance, Committed
from mintmark.storage.engines.sqlite import open_sqlite
from mintmark.storage.ledger import SqlLedger
from mintmark.storage.store import SqlStore
from tests.storage.samples import AUDIT_KEY, NOW, A, event, issuance


async def main(path: Path, name: str, count: int, limit: int) -> None:
    database = open_sqlite(path, AUDIT_KEY, busy_timeout=30)
    ledger = SqlLedger(database, lambda: NOW)
    position = await SqlStore(database).read(lambda transaction: transaction.position())
    numbers = iter(range(count or sys.maxsize))

    async def caller() -> None:
        for number in numbers:
            jti = f"{name}-{number}"
            allowance = Allowance(A, limit or None)
            if isinstance(
                await ledger.commit(issuance(position, allowance, event=event(jti=jti))), Committed
            ):
                os.write(1, f"{jti}\n".encode())

    await asyncio.gather(*(caller() for _ in range(16)))
    await ledger.close()
    database.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
