"""A process says every few seconds in the database how it is, and says goodbye when it stops in good order.

No fault of a beat is anybody else's: it is logged when it begins and when it ends, and the next beat is tried all the
same.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable
from typing import NamedTuple

import sqlalchemy as sa

from mintmark import __version__
from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.compose.health import PATIENCE, Health
from mintmark.config import Settings
from mintmark.storage import nodes, trail_checked
from mintmark.storage.database import Database
from mintmark.storage.directory import CachedDirectory
from mintmark.storage.trail_checked import Checked
from mintmark.web.refusal_log import Log

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

    @property
    def id(self) -> str:
        """As beats name it."""
        return f"{self.node}/{self.number}"


class Heartbeat:
    """`health`: of `process`. `waiting()`: tokens that wait for their commit. `clock`: seconds since the epoch.
    `fault`: why the last beat could not be written; empty when it was. `checked`: when the audit trail was last
    verified, as of the last beat.
    """

    def __init__(
        self,
        database: Database,
        directory: CachedDirectory,
        health: Health,
        process: Process,
        waiting: Callable[[], int],
        log: Log,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.health = health
        self.process = process
        self.fault = ""
        self.checked = Checked()
        self._database = database
        self._directory = directory
        self._waiting = waiting
        self._log = log
        self._clock = clock

    async def said(self) -> Row:
        """How this process is now."""
        checks = await self.health.checks()
        return {
            "node": self.process.node,
            "workers": self.process.workers,
            "version": __version__,
            "position": self._directory.position,
            "lag": round(self._directory.following.lag, 1),
            "waiting": self._waiting(),
            "draining": self.health.draining,
            "checks": {check.name: [check.state, check.reason[:_LONGEST]] for check in checks},
        }

    async def keep_beating(self) -> None:
        """Beat until cancelled."""
        while True:
            await self.beat()
            await asyncio.sleep(nodes.BEAT)

    async def beat(self) -> None:
        """Write how this process is; what hinders it is in `fault`."""
        try:
            said = await self.said()
            beating = asyncio.ensure_future(
                self._database.write_aside(lambda connection: self._write(connection, said))
            )
            try:
                await asyncio.shield(beating)
            except asyncio.CancelledError:
                # A beat that has begun must not come after `leave`.
                await asyncio.wait((beating,), timeout=PATIENCE)
                beating.add_done_callback(lambda done: done.cancelled() or done.exception())
                raise
        except (StorageUnavailable, sa.exc.IntegrityError) as fault:
            self._failed(str(fault) if isinstance(fault, StorageUnavailable) else "Two wrote at once.")
        except Exception as fault:  # whatever it is, health must go on being told
            self._failed(f"It failed inside: {type(fault).__name__}.", exc_info=True)
        else:
            if self.fault:
                self._log.warning("beats_again")
            self.fault = ""

    async def leave(self) -> None:
        """This process stops in good order, and is not missed."""
        try:
            await asyncio.wait_for(
                self._database.write_aside(lambda connection: nodes.leave(connection, self.process.id)),
                PATIENCE,
            )
        except (StorageUnavailable, TimeoutError):
            return  # It is listed as lost until its node runs again.

    def _write(self, connection: sa.Connection, said: Row) -> None:
        asked_at = self._clock()
        there = self._database.now(connection)
        # The database read its clock at some moment in between; a millisecond more for what rounding takes.
        within = (self._clock() - asked_at) / 2
        skew = {"skew": round(asked_at + within - there, 3), "skew_within": round(within + 0.001, 3)}
        nodes.beat(connection, self._database, self.process.id, json.dumps(said | skew))
        self.checked = trail_checked.last(connection)

    def _failed(self, reason: str, **fields: object) -> None:
        if not self.fault:
            self._log.error("beat_failed", reason=reason, **fields)
        self.fault = reason
