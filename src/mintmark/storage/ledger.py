"""The `Ledger` of the ports: whatever waits when a commit ends goes into the next one, tokens and refusals alike.

A caller appends its issuance and awaits a future; the writing thread makes the whole batch durable, then all of
its futures resolve in one step. Nobody holds a lock, and a caller that goes away takes nothing with it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from mintmark.authorization_server.ports import Committed, Issuance, OverQuota, Stale, StorageUnavailable
from mintmark.storage.batch import Batch, Outcome
from mintmark.storage.database import Database
from mintmark.storage.refusals import Refusals
from mintmark.storage.rows import refuse_unstorable
from mintmark.storage.uses import Use, Uses
from mintmark.values.audit_event import AuditEvent

_log = logging.getLogger("mintmark.storage")

_Waiting = tuple[Issuance, "asyncio.Future[Outcome]"]


class _Load(NamedTuple):
    """What goes into one transaction."""

    batch: list[_Waiting]
    notes: list[AuditEvent]
    uses: list[Use]


class Watcher(Protocol):
    """Whoever counts what goes through a ledger; told on the event loop."""

    def group(
        self, issuances: Sequence[Issuance], outcomes: Sequence[Outcome] | None, seconds: float
    ) -> None:
        """What became of the tokens of one group and how long it took; no outcomes when nothing could be written."""
        ...

    def refusal(self, event: AuditEvent) -> None:
        """A refusal is to be audited."""
        ...


#: Refusals that ride along with a batch of tokens, and that go alone when no token is waiting.
_NOTES_BESIDE_TOKENS, _NOTES_ALONE = 32, 256
#: Seconds that a batch waits for its share of callers at most.
_LINGER = 0.003


class SqlLedger:
    """Implements `ports.Ledger`.

    `clock`: seconds since the epoch. `note_delay`: seconds that a refusal or a use waits at most for company.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        *,
        refusals: Refusals | None = None,
        largest_batch: int = 512,
        note_delay: float = 0.5,
        watcher: Watcher | None = None,
    ) -> None:
        self._batch = Batch(database)
        self._writer = database.writer
        self._clock = clock
        self._refusals = Refusals() if refusals is None else refusals
        self._uses = Uses()
        self._largest_batch = largest_batch
        self._note_delay = note_delay
        self._watcher = watcher
        self._writing = 0
        self._pending: list[_Waiting] = []
        self._running = False
        self._notes_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._idle: list[asyncio.Future[None]] = []
        self._enough = 0
        self._lingering: asyncio.TimerHandle | None = None
        self._working = True
        self._closed = False

    @property
    def working(self) -> bool:
        """Whether the last group could be committed."""
        return self._working

    @property
    def waiting(self) -> int:
        """Tokens that wait for their commit now."""
        return self._writing + len(self._pending)

    def commit(self, issuance: Issuance) -> Awaitable[Committed | Stale | OverQuota]:
        """Re-check, count and audit in one transaction. Raises StorageUnavailable (nothing was written).

        Completes even if the caller is cancelled: committed counts as issued. Raises ValueError when a text of
        the opaque token cannot be stored, so that it spoils nobody else's batch.
        """
        if issuance.opaque is not None:
            refuse_unstorable(issuance.opaque)
        if self._closed:
            raise StorageUnavailable("The server is stopping.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._pending.append((issuance, future))
        if not self._running:
            self._running = True
            # Not now but after what else is ready in this turn of the loop, so that it comes along.
            loop.call_soon(self._next, loop)
        elif self._lingering is not None and len(self._pending) >= self._enough:
            self._lingering.cancel()
            self._lingering = None
            loop.call_soon(self._next, loop)
        return future

    def note(self, event: AuditEvent) -> None:
        """Audit a refusal, bounded: a flood from one address becomes one counted event a second. Never waits."""
        if self._watcher is not None:
            self._watcher.refusal(event)
        self._refusals.add(event)
        self._arm(asyncio.get_running_loop())

    def use(self, environment: str, credential_id: str, at: float, peer: str) -> None:
        """Record that a credential was used without a token being issued. Never waits."""
        self._uses.add(environment, credential_id, at, peer)
        self._arm(asyncio.get_running_loop())

    async def flush(self) -> None:
        """Write everything that waits; of refusals, what was counted in seconds that are over."""
        loop = asyncio.get_running_loop()
        self._refusals.end_second(int(self._clock()))
        self._notes_due = True
        idle = loop.create_future()
        self._idle.append(idle)
        self._go(loop)
        await idle

    async def close(self) -> None:
        """Take nothing more and write what waits; the database itself stays open."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._refusals.end_second(sys.maxsize)
        await self.flush()
        await asyncio.get_running_loop().run_in_executor(self._writer, self._batch.discard)

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is None and not self._closed and (len(self._refusals) or len(self._uses)):
            self._timer = loop.call_later(self._note_delay, self._time_for_notes, loop)

    def _time_for_notes(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        self._refusals.end_second(int(self._clock()))
        self._notes_due = True
        self._arm(loop)
        self._go(loop)

    def _go(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin now, unless a batch is being written."""
        if self._lingering is not None:
            self._lingering.cancel()
        if self._lingering is not None or not self._running:
            self._running = True
            self._next(loop)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand the next batch to the writing thread, or rest."""
        self._lingering = None
        batch = self._pending[: self._largest_batch]
        del self._pending[: self._largest_batch]
        beside = 0
        if self._working or self._notes_due:
            beside = _NOTES_BESIDE_TOKENS if batch else _NOTES_ALONE if self._notes_due else 0
        uses = self._uses.take(self._clock(), at_once=bool(self._idle)) if beside else []
        self._writing = len(batch)
        load = _Load(batch, self._refusals.take(beside), uses)
        if any(load):
            self._writer.submit(self._write, loop, load)
            return
        self._running = self._notes_due = False
        for idle in self._idle:
            if not idle.done():
                idle.set_result(None)
        self._idle.clear()

    def _write(self, loop: asyncio.AbstractEventLoop, load: _Load) -> None:
        """On the writing thread."""
        result: list[Outcome] | Exception

        def committing(outcomes: list[Outcome]) -> None:
            loop.call_soon_threadsafe(_work_ahead, load.batch, outcomes)

        issuances = [issuance for issuance, _ in load.batch]
        begun = time.perf_counter()
        try:
            result = self._batch.write(issuances, load.notes, load.uses, committing)
        except Exception as error:
            result = error
        if issuances and self._watcher is not None:
            # By itself, so that a fault in there leaves nobody unanswered.
            outcomes = None if isinstance(result, Exception) else result
            loop.call_soon_threadsafe(self._watcher.group, issuances, outcomes, time.perf_counter() - begun)
        loop.call_soon_threadsafe(self._settle, loop, load, result)

    def _settle(
        self, loop: asyncio.AbstractEventLoop, load: _Load, result: list[Outcome] | Exception
    ) -> None:
        batch = load.batch
        self._writing = 0
        if isinstance(result, Exception):
            self._failed(loop, load, result)
        else:
            if not self._working:
                self._working = True
                _log.warning("Writing to the database works again; tokens are issued again.")
            for (issuance, future), outcome in zip(batch, result, strict=True):
                if type(outcome) is Committed:
                    event = issuance.event
                    self._uses.add(event.environment, event.credential_id, event.at, event.peer)
                if not future.done():
                    future.set_result(outcome)
            self._arm(loop)
        # Callers that were just answered tend to come back together: a small batch now would cost as much as all of
        # theirs, so wait for most of them, for a moment.
        self._enough = (len(batch) + len(self._pending)) * 7 // 8
        if len(self._pending) < self._enough and not self._idle:
            self._lingering = loop.call_later(_LINGER, self._next, loop)
        else:
            self._next(loop)

    def _failed(self, loop: asyncio.AbstractEventLoop, load: _Load, error: Exception) -> None:
        if self._working:
            self._working = False
            if isinstance(error, StorageUnavailable):
                _log.error("No token can be issued until the database can be written again. %s", error)
            else:
                _log.error("A group of tokens could not be committed.", exc_info=error)
        for _, future in load.batch:
            if not future.done():
                future.set_exception(StorageUnavailable(str(error)))
        self._refusals.put_back(load.notes)
        self._uses.put_back(load.uses)
        # Refusals alone do not try again at once: the timer or the next token does.
        self._notes_due = False
        self._arm(loop)


def _work_ahead(batch: list[_Waiting], outcomes: list[Outcome]) -> None:
    """On the event loop while the writing thread waits for the disk: what whoever is committed will need next.

    What fails here fails again where the caller does it itself, and is reported there.
    """
    for (issuance, _), outcome in zip(batch, outcomes, strict=True):
        if issuance.ahead is not None and type(outcome) is Committed:
            try:
                issuance.ahead(outcome.number)
            except Exception:  # noqa: S112 - as said above
                continue
