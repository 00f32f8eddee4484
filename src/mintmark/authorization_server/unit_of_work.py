"""The unit of work: what administration needs of a database, as protocols that `storage` implements.

A unit of work is a plain function over a `Transaction`; a `Store` runs it atomically, durable before it answers, and
again when the engine asks for that. Part of the ports; imported from there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mintmark.crypto.audit_chain import Report
from mintmark.values.audit_event import AuditEvent
from mintmark.values.revocation import Revocation

Record = TypeVar("Record")
Result = TypeVar("Result")


class StorageUnavailable(Exception):
    """Nothing can be read or made durable right now (disk full, read-only, database away)."""


class Conflict(Exception):
    """A record with this key, user name, host or issuer exists already. The text names which."""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Filters of an audit search; empty means any.

    `before_id`: cursor, exclusive; newest come first. `after_id`: cursor, exclusive; then oldest come first.
    `tenant`: of its environments. `clients`: about one of these, as ``tenant/env/id``; None means any.
    """

    environment: str = ""
    kind: str = ""
    outcome: str = ""
    request_id: str = ""
    client_id: str = ""
    credential_id: str = ""
    dialect: str = ""
    mount: str = ""
    reason: str = ""
    jti: str = ""
    since: float | None = None
    until: float | None = None
    before_id: int | None = None
    limit: int = 100
    tenant: str = ""
    clients: tuple[str, ...] | None = None
    after_id: int | None = None


class Transaction(Protocol):
    """Reads and writes inside one atomic unit of work. Records are the frozen values of `mintmark.values`.

    `put` and `remove` publish what the change revokes (`values.revocation.revocations_of`) in the same unit of work.

    Keys by type: Tenant(handle), Environment(tenant, name), Api(environment, audience), Client(environment,
    client_id), SecretVersion(environment, client_id, id), MachineUser(environment, id), ApiToken(environment,
    id), LegacyToken(environment, id), SignatureKey(environment, id), SigningKey(environment, kid),
    AccessRequest(id), Person(username), KeptAnswer(principal, key),
    HandOver(id), Session(id),
    Passkey(id), Notice(day).
    """

    def get(self, kind: type[Record], *key: str) -> Record | None:
        """The record of that type and key, or None."""
        ...

    def find(self, kind: type[Record], **equal: str) -> list[Record]:
        """All records of that type whose fields equal these values, ordered by key."""
        ...

    def add(self, record: object, *, now: float) -> None:
        """Insert. Raises Conflict when its key (or user name, host, issuer) is taken."""
        ...

    def add_many(self, records: Sequence[object], *, now: float) -> None:
        """Insert records of one type, none of them an environment. Raises Conflict, without saying which."""
        ...

    def client_ids(self, environment: str, among: Sequence[str]) -> set[str]:
        """Which of these client ids the environment has."""
        ...

    def encoded_client_ids(self, environment: str) -> list[str]:
        """The client ids of an environment that form decoding would read as others: those with ``%`` or ``+``."""
        ...

    def put(self, record: object, *, now: float) -> None:
        """Replace the record with the same key. Raises KeyError when there is none."""
        ...

    def remove(self, record: object, *, now: float) -> None:
        """Delete the record and all that hangs below it (a client's secrets, an environment's everything)."""
        ...

    def forget(self, kind: type, *, created_before: float) -> None:
        """Delete the records of that type that were made before an instant and that nothing hangs on."""
        ...

    def audit(self, event: AuditEvent) -> None:
        """Append to the audit trail in this same transaction."""
        ...

    def revoke(self, environment: str, revocation: Revocation, *, now: float) -> None:
        """Publish a revocation that no record stands for: of one JWT."""
        ...

    def used(self, subject: str, day: int) -> int:
        """Tokens counted for a quota subject on a UTC day (days since the epoch)."""
        ...

    def last_use(self, environment: str, credential_id: str) -> tuple[float, str] | None:
        """When and from which address a credential was last used (to the minute), or None."""
        ...

    def events(self, query: AuditQuery) -> list[tuple[int, AuditEvent]]:
        """Audit events with their ids, by the filters of `query`."""
        ...

    def mount_users(self, environment: str, mount: str, since: float) -> list[tuple[str, int, float]]:
        """(client id, tokens, last at) of who got tokens at a mount since then."""
        ...

    def tally(self, environment: str, since: int, span: int) -> list[tuple[int, str, str, str, int]]:
        """(beginning of the span, client id, outcome, reason, how many) of what was issued and refused since then.

        `since`, `span`: whole seconds; spans begin at multiples of `span`. In the order of the spans.
        """
        ...

    def position(self) -> int:
        """The newest position of the change log that this transaction sees."""
        ...


class Store(Protocol):
    """The database behind administration and behind the caches."""

    async def write(self, work: Callable[[Transaction], Result]) -> Result:
        """Run `work` in one durable transaction; its exception rolls everything back and is re-raised.

        `work` may run more than once. Raises StorageUnavailable.
        """
        ...

    async def read(self, work: Callable[[Transaction], Result]) -> Result:
        """Run `work` against one consistent snapshot; writing inside is an error. Raises StorageUnavailable."""
        ...

    async def events(self, query: AuditQuery) -> list[tuple[int, AuditEvent]]:
        """Audit events with their ids, newest first."""
        ...

    def export(self, environment: str = "", *, after_id: int = 0) -> AsyncIterator[tuple[int, AuditEvent]]:
        """Every event after an id, oldest first, read a page at a time. Raises StorageUnavailable."""
        ...

    async def check_trail(self, known: Mapping[str, tuple[int, str]]) -> Report:
        """Hold the whole audit trail against the links that vouch for it. Raises StorageUnavailable.

        `known`: lane -> (seq, mac) as an earlier check reported its heads; empty the first time.
        """
        ...

    async def note_check(self, report: Report, at: float) -> None:
        """Keep, for operators to see, what a check that began at `at` has found. Raises StorageUnavailable."""
        ...

    async def trim_trail(self, older_than: float, most: int | None, now: float) -> int:
        """Remove events written before `older_than`, and those beyond the newest `most`; how many went.

        Events of the last two days stay in any case: daily counts may begin with them. Raises StorageUnavailable.
        """
        ...

    async def forget_node(
        self, name: str, note: Callable[[Transaction, Sequence[str]], object]
    ) -> tuple[Sequence[str], Sequence[str]]:
        """Take a lost node, or one lost process of it, off the list of those that serve, in one transaction with
        `note`, which is told which went.

        The processes that went; those of that name that are heard of still, and then none went. Raises
        StorageUnavailable.
        """
        ...

    async def mount_users(self, environment: str, mount: str, since: float) -> list[tuple[str, int, float]]:
        """(client id, tokens, last at) of who got tokens at a mount since then. Raises StorageUnavailable."""
        ...
