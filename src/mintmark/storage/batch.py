"""One group commit: a batch of issuances re-checked, counted and audited in a single transaction.

Runs on the writing thread with its own connection. Rows go in by statements of up to 64 rows, so that few statements
do the work of many, each is prepared once, and the interpreter lock changes hands seldom.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from mintmark.authorization_server.ports import Committed, Issuance, OverQuota, Stale, StorageUnavailable
from mintmark.storage import audit
from mintmark.storage.database import Database, sentence_of, unavailable_as_such
from mintmark.storage.rows import columns, encode
from mintmark.storage.trail import Trail
from mintmark.storage.uses import Use
from mintmark.values.audit_event import AuditEvent
from mintmark.values.credential import ApiToken

Outcome = Committed | Stale | OverQuota
Count = tuple[int, str]


class Batch:
    """Writes batches, one after another. Not for two threads at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: sa.Connection | None = None
        mark = database.mark
        # Only names of ours and placeholders are put together here, never a value.
        self._changed = f"SELECT subject, max(seq) FROM change_log WHERE seq > {mark} GROUP BY subject"  # noqa: S608
        self._token_exists = f"SELECT 1 FROM api_token WHERE environment = {mark} AND id = {mark}"  # noqa: S608
        self._give_back = f"UPDATE quota_use SET used = used - {mark} WHERE day = {mark} AND subject = {mark}"  # noqa: S608
        self._rows_of_counts = database.rows(
            "quota_use",
            ("day", "subject", "used"),
            "ON CONFLICT (day, subject) DO UPDATE SET used = quota_use.used + excluded.used"
            " RETURNING day, subject, used",
        )
        self._trail = Trail(database)
        self._uses = database.rows(
            "credential_use",
            ("environment", "credential_id", "at", "peer"),
            "ON CONFLICT (environment, credential_id) DO UPDATE SET at = excluded.at, peer = excluded.peer"
            " WHERE excluded.at > credential_use.at",
        )
        self._tokens = database.rows("api_token", [column.name for column in columns(ApiToken)])

    def write(
        self,
        issuances: Sequence[Issuance],
        notes: Sequence[AuditEvent],
        uses: Sequence[Use] = (),
        committing: Callable[[list[Outcome]], object] = list,
    ) -> list[Outcome]:
        """All of it or nothing, durable when it returns. Raises StorageUnavailable (nothing was written).

        `committing`: told the outcomes when nothing but the commit is left.
        """
        driver_error = self._database.engine.dialect.loaded_dbapi.Error
        try:
            with unavailable_as_such():
                with self._begun() as connection:
                    cursor = connection.connection.cursor()
                    try:
                        outcomes = self._fill(cursor, issuances, notes, uses)
                    finally:
                        cursor.close()
                    committing(outcomes)
                return outcomes
        except BaseException as error:
            self.discard()
            self._database.forget_connections()
            if isinstance(error, driver_error):
                raise StorageUnavailable(sentence_of(error)) from None
            raise

    @contextlib.contextmanager
    def _begun(self) -> Iterator[sa.Connection]:
        """The kept connection in a transaction; another one when it turns out to be broken before anything was done."""
        if self._connection is not None:
            try:
                transaction = self._connection.begin()
            except sa.exc.DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                self.discard()
            else:
                with transaction:
                    yield self._connection
                return
        self._connection = self._database.write_engine.connect()
        with self._connection.begin():
            yield self._connection

    def discard(self) -> None:
        """Throw the connection away; the next batch opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _fill(
        self,
        cursor: Any,
        issuances: Sequence[Issuance],
        notes: Sequence[AuditEvent],
        uses: Sequence[Use],
    ) -> list[Outcome]:
        outcomes: list[Outcome | None] = [None] * len(issuances)
        if issuances:
            self._refuse_stale(cursor, issuances, outcomes)
            self._refuse_taken(cursor, issuances, outcomes)
            self._count(cursor, issuances, outcomes)
        issued = [
            issuance
            for issuance, outcome in zip(issuances, outcomes, strict=True)
            if type(outcome) is Committed
        ]
        events = audit.cleaned([issuance.event for issuance in issued])
        first = self._trail.append(cursor, [*events, *notes])
        if any(issuance.numbered for issuance in issued):
            _number(outcomes, first)
        self._tokens.write(
            cursor, [tuple(encode(issuance.opaque).values()) for issuance in issued if issuance.opaque]
        )
        self._uses.write(cursor, uses)
        return outcomes  # type: ignore[return-value]

    def _refuse_stale(
        self, cursor: Any, issuances: Sequence[Issuance], outcomes: list[Outcome | None]
    ) -> None:
        oldest = min(issuance.position for issuance in issuances)
        changed: dict[str, int] = dict(cursor.execute(self._changed, (oldest,)).fetchall())
        if changed:
            for index, issuance in enumerate(issuances):
                if any(changed.get(subject, 0) > issuance.position for subject in issuance.subjects):
                    outcomes[index] = Stale()

    def _refuse_taken(
        self, cursor: Any, issuances: Sequence[Issuance], outcomes: list[Outcome | None]
    ) -> None:
        """An opaque token whose id exists already is to be made again: the caller judges it stale."""
        seen: set[tuple[str, str]] = set()
        for index, issuance in enumerate(issuances):
            token = issuance.opaque
            if token is None or outcomes[index] is not None:
                continue
            key = (token.environment, token.id)
            if key in seen or cursor.execute(self._token_exists, key).fetchone():
                outcomes[index] = Stale()
            seen.add(key)

    def _count(self, cursor: Any, issuances: Sequence[Issuance], outcomes: list[Outcome | None]) -> None:
        """Count against limits, see what the counts were before, and give back what goes beyond.

        Counting first takes the rows' locks in one order, so the counts are exact on every database.
        """
        wanted: dict[Count, int] = {}
        counted: list[int] = []
        for index, issuance in enumerate(issuances):
            if outcomes[index] is None:
                counts = _counts(issuance)
                if counts:
                    counted.append(index)
                    for count in counts:
                        wanted[count] = wanted.get(count, 0) + 1
                else:
                    outcomes[index] = Committed((0,) * len(issuance.allowances))
        used: dict[Count, int] = {}

        def fetch() -> None:
            for day, subject, total in cursor.fetchall():
                used[day, subject] = total - wanted[day, subject]

        self._rows_of_counts.write(cursor, [(*count, wanted[count]) for count in sorted(wanted)], fetch)
        beyond: dict[Count, int] = {}
        for index in counted:
            outcomes[index] = _admit(issuances[index], used, beyond)
        for (day, subject), excess in beyond.items():
            cursor.execute(self._give_back, (excess, day, subject))


def _number(outcomes: list[Outcome | None], first: int) -> None:
    """A token's number is the id of its audit event: events are written in the order of what was committed."""
    for index, outcome in enumerate(outcomes):
        if type(outcome) is Committed:
            outcomes[index] = outcome._replace(number=first)
            first += 1


def _counts(issuance: Issuance) -> list[Count]:
    """What the token is counted against: the allowances that have a limit (storage/quotas.py)."""
    return [
        (issuance.day, allowance.subject) for allowance in issuance.allowances if allowance.limit is not None
    ]


def _admit(issuance: Issuance, used: dict[Count, int], beyond: dict[Count, int]) -> Outcome:
    counts = _counts(issuance)
    for index, allowance in enumerate(issuance.allowances):
        if allowance.limit is not None and used[issuance.day, allowance.subject] >= allowance.limit:
            for count in counts:
                beyond[count] = beyond.get(count, 0) + 1
            return OverQuota(index)
    for count in counts:
        used[count] += 1
    return Committed(
        tuple([used.get((issuance.day, allowance.subject), 0) for allowance in issuance.allowances])
    )
