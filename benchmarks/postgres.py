"""`python -m benchmarks.postgres`: the group commit into PostgreSQL beside the one into SQLite, on this machine.

Each engine commits as in earnest (a commit is on disk before it returns). Figures are tokens per second of elapsed
time with so many callers waiting, and the processor time of this process per token; PostgreSQL's own comes on top, on
the same cores.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.signing import raw_rate, signer
from mintmark.authorization_server.ports import Allowance, Committed, Issuance, Transaction
from mintmark.storage import schema
from mintmark.storage.database import Database
from mintmark.storage.engines.postgres import open_postgres
from mintmark.storage.engines.sqlite import open_sqlite
from mintmark.storage.ledger import SqlLedger
from mintmark.storage.store import SqlStore
from mintmark.values.audit_event import AuditEvent
from mintmark.values.client import Client
from mintmark.values.tenancy import Environment, Tenant
from tests.end_to_end.server import free_port
from tests.postgres import Postgres

PLACE, CLIENTS = "bench/production", 1000


class Figure(NamedTuple):
    """`tokens`: per second. `processor`: microseconds of this process per token."""

    tokens: float
    processor: float


def fill(transaction: Transaction) -> int:
    """A thousand clients, every other one with a daily limit."""
    transaction.add(Tenant("bench", "Bench"), now=0)
    transaction.add(Environment("bench", "production", "https://id.example/t/bench/production"), now=0)
    for number in range(CLIENTS):
        limit = 10**9 if number % 2 else None
        transaction.add(Client(PLACE, f"c{number}", "Client", daily_token_limit=limit), now=0)
    return transaction.position()


async def measure(database: Database, callers: int, seconds: float) -> Figure:
    """Tokens through one ledger by so many callers."""
    ledger = SqlLedger(database, time.time)
    position = await SqlStore(database).write(fill)
    counts = [0] * callers

    async def caller(number: int, ends: float) -> None:
        client = f"c{number % CLIENTS}"
        allowance = Allowance(f"client:{PLACE}/{client}", 10**9 if number % 2 else None)
        subjects = ("tenant:bench", f"environment:{PLACE}", f"client:{PLACE}/{client}")
        while time.monotonic() < ends:
            at = time.time()
            jti = f"{number:08}{counts[number]:014}"
            event = AuditEvent(at, "token", "issued", PLACE, jti, client, "v00001", jti=jti, peer="192.0.2.1")
            issuance = Issuance(position, subjects, int(at) // 86400, (allowance,), event)
            assert isinstance(await ledger.commit(issuance), Committed)
            counts[number] += 1

    await asyncio.gather(*(caller(number, time.monotonic() + 1) for number in range(callers)))
    counts[:] = [0] * callers
    begun, used = time.monotonic(), _used()
    await asyncio.gather(*(caller(number, begun + seconds) for number in range(callers)))
    elapsed, processor = time.monotonic() - begun, _used() - used
    await ledger.close()
    return Figure(sum(counts) / elapsed, processor / sum(counts) * 1e6)


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.postgres", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--directory", type=Path, default=Path("build"), help="where the file is put (a disk)"
    )
    given = parser.parse_args()
    given.directory.mkdir(exist_ok=True)
    raw = raw_rate(signer("ES256"), 1.0)
    print(f"raw ES256 on one core: {raw:,.0f} signatures/s; nothing is signed below")
    print(f"{'':12}{'callers':>8}{'tokens/s':>12}{'of raw':>9}{'µs of this process per token':>32}")
    for callers in (1, 32, 256):
        with tempfile.TemporaryDirectory(dir=given.directory) as folder:
            _row("SQLite", open_sqlite(Path(folder) / "bench.db", bytes(32)), callers, given.seconds, raw)
        server = Postgres(port=free_port())
        try:
            _row("PostgreSQL", open_postgres(server.url(), bytes(32)), callers, given.seconds, raw)
        finally:
            server.remove()
    return 0


def _row(name: str, database: Database, callers: int, seconds: float, raw: float) -> None:
    schema.create(database)
    figure = asyncio.run(measure(database, callers, seconds))
    database.close()
    shown = f"{name:12}{callers:>8}{figure.tokens:>12,.0f}{figure.tokens / raw:>9.0%}"
    print(f"{shown}{figure.processor:>32.1f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
