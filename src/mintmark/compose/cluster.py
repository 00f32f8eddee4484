"""All nodes that serve from one database: each says how it is every few seconds, and any of them tells of all.

The whole is `healthy`, or `degraded` (tokens are issued, and there is something to see to), or `down` (nobody issues
any); each thing that is amiss is a sentence.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa

from mintmark import __version__
from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.compose.health import PATIENCE
from mintmark.config import Settings
from mintmark.storage import nodes
from mintmark.storage.database import Database
from mintmark.storage.directory import CachedDirectory
from mintmark.web.operations import Check

#: Seconds between the clocks of two nodes, beyond which an operator is told; a client assertion lives a minute.
SKEW = 2.0
#: Characters of a reason in a beat.
_LONGEST = 300
Row = dict[str, object]


class Process(NamedTuple):
    """What tells one from the others: the node's host and port, and its number there. `workers`: of the node."""

    node: str
    number: int
    workers: int

    @classmethod
    def of(cls, settings: Settings) -> Process:
        """The one that runs this."""
        return cls(f"{socket.gethostname()}:{settings.port}", os.getpid(), settings.workers)


@dataclass(frozen=True, slots=True)
class Cluster:
    """`process`: the one that tells, whose health is `checks()`.
    `waiting()`: tokens that wait for their commit. `draining()`: whether it is about to stop. `clock`: seconds since
    the epoch.
    """

    database: Database
    directory: CachedDirectory
    checks: Callable[[], Awaitable[Sequence[Check]]]
    process: Process
    waiting: Callable[[], int]
    draining: Callable[[], bool]
    clock: Callable[[], float] = time.time

    @property
    def _id(self) -> str:
        return f"{self.process.node}/{self.process.number}"

    async def keep_telling(self) -> None:
        """Say how this process is, every few seconds; while the database is away, its health says so itself."""
        while True:
            said = await self._said()

            def beat(connection: sa.Connection, said: Row = said) -> None:
                skew = self.clock() - self.database.now(connection)
                told = json.dumps(said | {"skew": round(skew, 3)})
                nodes.beat(connection, self.database, self._id, told)

            beating = asyncio.ensure_future(self.database.write_aside(beat))
            try:
                await asyncio.shield(beating)
            except (StorageUnavailable, sa.exc.IntegrityError):
                pass  # Said again with the next beat.
            except asyncio.CancelledError:
                # A beat that has begun must not come after `leave`.
                await asyncio.wait((beating,), timeout=PATIENCE)
                raise
            await asyncio.sleep(nodes.BEAT)

    async def leave(self) -> None:
        """This process stops in good order, and is not missed."""
        try:
            await asyncio.wait_for(
                self.database.write_aside(lambda connection: nodes.leave(connection, self._id)), PATIENCE
            )
        except (StorageUnavailable, TimeoutError):
            return  # It is forgotten after a while.

    async def view(self) -> Mapping[str, object]:
        """How all of it is now: `status`, `why`, `nodes`, `database`, `audit`, `signing_keys`, `clock_skew`."""
        own = {"process": self._id, "age": 0.0} | await self._said()
        told: Row = {}
        rows = [own]
        try:
            heard = await asyncio.wait_for(
                self.database.read(lambda connection: nodes.heard(connection, self.database)), PATIENCE
            )
        except (StorageUnavailable, TimeoutError):
            told["database"] = {"name": self.database.name, "there": False}
        else:
            others = [_row(beat) for beat in heard.beats]
            beaten = next((row for row in others if row["process"] == self._id), {})
            rows = [beaten | own, *(row for row in others if row["process"] != self._id)]
            told["database"] = {"name": self.database.name, "there": True, "bytes": heard.bytes}
            told["audit"] = {"oldest_at": heard.audit_from, "last_commit_at": heard.committed_at}
            for row in rows:
                row["behind"] = max(0, heard.position - _number(row, "position", heard.position))
        skews = [_number(row, "skew", 0.0) for row in rows if _fresh(row)]
        skew = max(skews, default=0.0) - min(skews, default=0.0)
        status, why = verdict(rows, skew)
        if "audit" not in told:
            status = "unknown"
            why.insert(0, f"{self._id} does not reach the database and cannot tell of the others.")
        rows.sort(key=lambda row: str(row["process"]))
        return {
            "status": status,
            "why": why,
            "nodes": rows,
            **told,
            "signing_keys": self._signing_keys(),
            "clock_skew": round(skew, 3),
        }

    async def _said(self) -> Row:
        checks = await self.checks()
        return {
            "node": self.process.node,
            "workers": self.process.workers,
            "version": __version__,
            "position": self.directory.position,
            "lag": round(self.directory.following.lag, 1),
            "waiting": self.waiting(),
            "draining": self.draining(),
            "checks": {check.name: [check.state, check.reason[:_LONGEST]] for check in checks},
        }

    def _signing_keys(self) -> Row:
        """Since when the oldest signer signs, and when the next one will, in seconds since the epoch."""
        now = self.clock()
        since: list[int] = []
        coming: list[int] = []
        for view in self.directory.environments().values():
            keys = view.keyring.keys  # the newest first
            signing = {
                life.record.algorithm: life.record.signs_at for life in reversed(keys) if life.signs(now)
            }
            since.extend(signing.values())
            coming.extend(life.record.signs_at for life in keys if life.record.signs_at > now)
        return {"oldest_signs_since": min(since, default=None), "next_signs_at": min(coming, default=None)}


def verdict(rows: Sequence[Mapping[str, object]], skew: float) -> tuple[str, list[str]]:
    """One word for the whole, and a sentence for each thing that is amiss.

    `rows`: as `Cluster.view` has them. `skew`: seconds between the clocks that are furthest apart.
    """
    why: list[str] = []
    serving = False
    for row in rows:
        name = row["process"]
        if not _fresh(row):
            why.append(f"{name} was not heard of for {_number(row, 'age', 0.0):.0f} seconds.")
            continue
        if row.get("draining"):
            why.append(f"{name} is about to stop.")
            continue
        checks = row.get("checks")
        amiss = [
            (state, f"{name}: {check}: {reason}")
            for check, (state, reason) in (checks.items() if isinstance(checks, dict) else ())
            if state != "ok"
        ]
        commits = not isinstance(checks, dict) or checks.get("database", ["ok"])[0] == "ok"
        serving = serving or (commits and all(state != "failed" for state, _ in amiss))
        why.extend(sentence for _, sentence in amiss)
    versions = sorted({str(row["version"]) for row in rows if _fresh(row) and "version" in row})
    if len(versions) > 1:
        why.append(f"Nodes run different versions: {', '.join(versions)}.")
    if skew > SKEW:
        why.append(f"The clocks of two nodes are {skew:.1f} seconds apart.")
    if not serving:
        return "down", why
    return ("degraded" if why else "healthy"), why


def _row(beat: nodes.Beat) -> Row:
    try:
        told = json.loads(beat.told)
    except ValueError:
        told = {}
    return {"process": beat.id, "age": round(beat.age, 1)} | (told if isinstance(told, dict) else {})


def _fresh(row: Mapping[str, object]) -> bool:
    return _number(row, "age", math.inf) < nodes.SILENT


def _number(row: Mapping[str, object], name: str, otherwise: float) -> float:
    value = row.get(name)
    return value if isinstance(value, int | float) else otherwise
