"""Whether this process can serve: each thing that it needs, looked at when somebody asks, at most once a second."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from mintmark.authorization_server.ports import EnvironmentView, StorageUnavailable
from mintmark.storage.database import Database
from mintmark.storage.directory import CachedDirectory
from mintmark.web.operations import Check, State

if TYPE_CHECKING:
    from mintmark.compose.installation import Installation
    from mintmark.storage.ledger import SqlLedger
    from mintmark.storage.valkey_server import ValkeyServer

#: Bytes that must be free where the database lies, and below which an operator is told.
DISK_NEEDED, DISK_WANTED = 64 << 20, 1 << 30
#: Seconds that the database may take to answer, and that an answer is good for.
PATIENCE, GOOD_FOR = 2.0, 1.0


class Health:
    """`folder`: where the database's file lies; None: it is another machine's. `clock`: seconds since the epoch.
    `directory`: what is served, following the change log. `commits()`: whether the last group commit worked.
    `shared`: the Valkey server, where there is one. `draining`: set once the process is to stop.
    """

    def __init__(
        self,
        database: Database,
        folder: Path | None,
        directory: CachedDirectory,
        commits: Callable[[], bool],
        clock: Callable[[], float],
        shared: ValkeyServer | None = None,
    ) -> None:
        self._database = database
        self._folder = folder
        self._directory = directory
        self._commits = commits
        self._clock = clock
        self._shared = shared
        self._known: tuple[float, Sequence[Check]] = (-1.0, ())
        self.draining = False

    @classmethod
    def of(
        cls,
        installation: Installation,
        directory: CachedDirectory,
        ledger: SqlLedger,
        shared: ValkeyServer | None,
    ) -> Health:
        """Of the process that serves this installation."""
        file = installation.settings.database_file
        folder = None if file is None else file.parent
        return cls(installation.database, folder, directory, lambda: ledger.working, time.time, shared)

    async def checks(self) -> Sequence[Check]:
        """How everything is."""
        if self.draining:
            return (Check("serving", "failed", "The server is stopping: it answers, and takes no new work."),)
        at, known = self._known
        if not 0 <= self._clock() - at < GOOD_FOR:
            disk = () if self._folder is None else (_disk(self._folder),)
            known = (
                Check("serving"),
                await self._storage(),
                self._changes(),
                self._signing_keys(),
                *self._valkey(),
                *disk,
            )
            self._known = (self._clock(), known)
        return known

    async def _storage(self) -> Check:
        def ask(connection: sa.Connection) -> None:
            connection.execute(sa.text("SELECT 1"))

        try:
            await asyncio.wait_for(self._database.read(ask), PATIENCE)
        except StorageUnavailable as fault:
            return Check("database", "failed", str(fault))
        except TimeoutError:
            return Check("database", "failed", f"The database did not answer within {PATIENCE:.0f} seconds.")
        if not self._commits():
            return Check(
                "database",
                "warning",
                "The last group of tokens could not be committed; the next one tries again.",
            )
        return Check("database")

    def _changes(self) -> Check:
        if self._directory.current:
            return Check("changes")
        lag = self._directory.following.lag
        about = (
            f"What others changed could not be read for {lag:.0f} seconds: keys and revocations may be old."
        )
        return Check("changes", "failed", about)

    def _signing_keys(self) -> Check:
        now = self._clock()
        served = [
            view for view in self._directory.environments().values() if view.environment.enabled and view.apis
        ]
        silent = [view.environment.id for view in served if not _signs(view, now)]
        if not silent:
            return Check("signing_keys")
        shown = ", ".join(silent[:3]) + (f" and {len(silent) - 3} more" if len(silent) > 3 else "")
        # One tenant's keys must not take a node from all the others.
        state: State = "failed" if len(silent) == len(served) else "warning"
        return Check("signing_keys", state, f"No key can sign now for {shown}.")

    def _valkey(self) -> Sequence[Check]:
        if self._shared is None:
            return ()
        if self._shared.there:
            return (Check("valkey"),)
        about = f"Valkey is away, so limits hold per process and passkeys are refused: {self._shared.why}."
        return (Check("valkey", "warning", about),)


def _disk(folder: Path) -> Check:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as fault:
        return Check("disk", "failed", f"{folder}: {fault.strerror}.")
    if free >= DISK_WANTED:
        return Check("disk")
    state: State = "failed" if free < DISK_NEEDED else "warning"
    return Check("disk", state, f"{free >> 20} MiB are free where the database lies.")


def _signs(view: EnvironmentView, now: float) -> bool:
    try:
        for algorithm in {api.algorithm for api in view.apis.values()}:
            view.keyring.signer(algorithm, now)
    except LookupError:
        return False
    return True
