"""Several processes on one file, and processes that are killed: acknowledged is durable, counted and exact."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mintmark.authorization_server.ports import AuditQuery
from mintmark.storage.engines.sqlite import open_sqlite
from mintmark.storage.store import SqlStore
from tests.storage.samples import AUDIT_KEY, DAY, A, fill

ROOT = Path(__file__).resolve().parents[2]


def start(path: Path, name: str, *, count: int = 0, limit: int = 0) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.storage.issue_tokens", str(path), name, str(count), str(limit)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    )


def prepare(path: Path) -> None:
    database = open_sqlite(path, AUDIT_KEY)
    asyncio.run(SqlStore(database).write(fill))
    database.close()


def on_disk(path: Path) -> tuple[list[str], int]:
    """The ids of all tokens in the audit trail, and the count of the quota."""

    async def read() -> tuple[list[str], int]:
        store = SqlStore(database)
        events = await store.events(AuditQuery(outcome="issued", limit=10_000_000))
        return [event.jti for _, event in events], await store.read(lambda t: t.used(A, DAY))

    database = open_sqlite(path, AUDIT_KEY)
    try:
        return asyncio.run(read())
    finally:
        database.close()


def kill_while_issuing(path: Path, rounds: int) -> None:
    acknowledged: set[str] = set()
    for number in range(rounds):
        process = start(path, f"round{number}")
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(50 + 37 * number)]
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().splitlines(keepends=True)
        process.wait()
        process.stdout.close()
        acknowledged |= {line.strip().decode() for line in (*lines, *rest) if line.endswith(b"\n")}
        stored, used = on_disk(path)
        assert acknowledged <= set(stored)
        assert len(stored) == len(set(stored)) == used
    assert len(acknowledged) >= 50 * rounds


def test_every_acknowledged_token_survives_a_kill(sqlite_file: Path) -> None:
    prepare(sqlite_file)
    kill_while_issuing(sqlite_file, 2)


@pytest.mark.soak
def test_every_acknowledged_token_survives_many_kills(sqlite_file: Path) -> None:
    prepare(sqlite_file)
    kill_while_issuing(sqlite_file, 50)


def test_a_quota_of_n_gives_exactly_n_to_several_processes(sqlite_file: Path) -> None:
    prepare(sqlite_file)
    processes = [start(sqlite_file, name, count=400, limit=501) for name in ("one", "two", "three")]
    issued = [line for process in processes for line in process.communicate()[0].splitlines()]
    assert [process.returncode for process in processes] == [0, 0, 0]
    stored, used = on_disk(sqlite_file)
    assert len(issued) == len(set(issued)) == len(stored) == used == 501
