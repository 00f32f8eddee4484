"""What the authorization server needs from outside: protocols that `storage` and `compose` implement.

Three ideas carry them. **Store**: a unit of work is a plain function over a `Transaction`, run atomically and
retried by the store when the engine asks for it. **Position**: every write appends the subjects it touched to a
change log; a position in that log says how recent a view is. **Ledger**: an issuance carries the position it was
judged at; the ledger commits it only if none of its subjects changed since.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from mintmark.authorization_server.unit_of_work import AuditQuery as AuditQuery
from mintmark.authorization_server.unit_of_work import Conflict as Conflict
from mintmark.authorization_server.unit_of_work import StorageUnavailable as StorageUnavailable
from mintmark.authorization_server.unit_of_work import Store as Store
from mintmark.authorization_server.unit_of_work import Transaction as Transaction
from mintmark.dialect import Dialect
from mintmark.jose.keyring import Keyring
from mintmark.values.audit_event import AuditEvent
from mintmark.values.client import Registration
from mintmark.values.credential import ApiToken, LegacyToken, MachineUser, SignatureKey
from mintmark.values.revocation import RevocationEntry
from mintmark.values.tenancy import Api, Environment, Mount, Tenant


@dataclass(frozen=True, slots=True, weakref_slot=True)
class EnvironmentView:
    """All that is in memory of an environment: what the token endpoint needs without asking.

    `mounts`: path -> (mount, its dialect). `apis`: audience -> api, disabled ones included.
    """

    tenant: Tenant
    environment: Environment
    apis: Mapping[str, Api]
    mounts: Mapping[str, tuple[Mount, Dialect]]
    keyring: Keyring


class RevocationLog(Protocol):
    """What was revoked in one environment, in memory; it follows the change log as the directory does."""

    @property
    def seq(self) -> int:
        """The number of the newest entry; 0 when there was none."""
        ...

    @property
    def head(self) -> str:
        """The digest of the newest entry, or what stands before the first."""
        ...

    def after(self, seq: int, most: int) -> tuple[RevocationEntry, ...] | None:
        """The next entries behind `seq`, oldest first; None when what comes next was forgotten, or never was."""
        ...

    def entries(self) -> tuple[RevocationEntry, ...]:
        """Every entry that is kept."""
        ...

    def revoked(self, claims: Mapping[str, object]) -> bool:
        """Whether a token with these claims was revoked: it bears a revoked id and was issued no later than that."""
        ...

    async def wait(self, seq: int, seconds: float) -> None:
        """Return when there is an entry behind `seq`, or when the time is up."""
        ...


class Directory(Protocol):
    """Cached reads. Each may be late by the propagation delay; `position` says as of when all of it is true.

    Take `position` before the first read of a judgement and hand it to the ledger.
    """

    @property
    def position(self) -> int:
        """Everything that the directory answers is true at this position of the change log, or later."""
        ...

    @property
    def current(self) -> bool:
        """Whether the change log could be followed lately; else what is answered may be long over."""
        ...

    def environment(self, environment_id: str) -> EnvironmentView | None:
        """The environment, enabled or not, or None."""
        ...

    async def registration(self, environment_id: str, client_id: str) -> Registration | None:
        """A client with its secret versions, or None."""
        ...

    def held(self, environment_id: str, client_id: str) -> Registration | None:
        """As `registration`, of a client that is in memory; None for every other."""
        ...

    async def machine_user(self, environment_id: str, username: str) -> MachineUser | None:
        """A machine user by user name, or None."""
        ...

    async def machine_user_by_id(self, environment_id: str, user_id: str) -> MachineUser | None:
        """A machine user by id, or None."""
        ...

    async def signature_keys(self, environment_id: str) -> tuple[SignatureKey, ...]:
        """The environment's signature keys, newest last."""
        ...

    async def api_token(self, environment_id: str, token_id: str) -> ApiToken | None:
        """An opaque token by its id, or None."""
        ...

    async def legacy_token(self, environment_id: str, token_id: str) -> LegacyToken | None:
        """A legacy token by its id, or None."""
        ...

    def revocations(self, environment_id: str) -> RevocationLog | None:
        """What was revoked in the environment; None when there is no such environment."""
        ...

    async def refresh(self) -> None:
        """Catch up with the change log now."""
        ...

    async def settle(self, seconds: float) -> bool:
        """Catch up with all that was committed before now; whether that could be done in time."""
        ...


class Allowance(NamedTuple):
    """A daily count to raise by one: `subject` as ``client:tenant/env/id`` or ``tenant:handle``. Where `limit` is None
    nothing is counted, whoever it is.
    """

    subject: str
    limit: int | None


class Issuance(NamedTuple):
    """A token waiting to be made true.

    `subjects`: the change-log subjects it was judged by: ``tenant:t``, ``environment:t/e``,
    ``client:t/e/id``, ``user:t/e/id``, ``signature_key:t/e/id``, ``revocations:t/e``. `day`: UTC days since the epoch.
    `opaque`: the record of an opaque token, stored in the same transaction. `ahead`: what the caller will need once
    this is committed; a ledger may call it, on the caller's thread, once nothing but the disk can refuse any more, with
    what it is committed as. `numbered`: whether the token's number is wanted.
    """

    position: int
    subjects: tuple[str, ...]
    day: int
    allowances: tuple[Allowance, ...]
    event: AuditEvent
    opaque: ApiToken | None = None
    ahead: Callable[[int], object] | None = None
    numbered: bool = False


class Committed(NamedTuple):
    """Durable. `used`: the counts after this token, in the order of the allowances. `number`: where one is wanted, the
    token's, which no other token ever has; it rises in the order of the commits.
    """

    used: tuple[int, ...]
    number: int = 0


@dataclass(frozen=True, slots=True)
class Stale:
    """Something it was judged by has changed; nothing was written. Judge again after `Directory.refresh`."""


@dataclass(frozen=True, slots=True)
class OverQuota:
    """The allowance with this index is used up; nothing was counted. `event` was not written."""

    index: int


class Ledger(Protocol):
    """The one way a token becomes issued: group-committed, durable before it answers."""

    def commit(self, issuance: Issuance) -> Awaitable[Committed | Stale | OverQuota]:
        """Re-check, count and audit in one transaction. Raises StorageUnavailable (nothing was written).

        Completes even if the caller is cancelled: committed counts as issued.
        """
        ...

    def note(self, event: AuditEvent) -> None:
        """Audit a refusal, bounded: a flood from one address becomes one counted event a second. Never waits."""
        ...

    def use(self, environment: str, credential_id: str, at: float, peer: str) -> None:
        """Record that a credential was used without a token being issued. Never waits."""
        ...


class IssuedTokens(Protocol):
    """The tokens of an environment by their numbers, for its status lists."""

    async def numbers_since(self, environment_id: str, since: float) -> tuple[int, int] | None:
        """The first and the last number of what was issued since then (seconds since the epoch), or None."""
        ...

    async def ended(
        self, environment_id: str, numbers: tuple[int, int], after: int, found: Callable[[int], object]
    ) -> tuple[int, int]:
        """Call `found`, on another thread, with each number from the first to the last whose token was revoked by an
        entry behind the number `after`; which entry was the newest, and which token.
        """
        ...


class Verdict(NamedTuple):
    """`allowed`; `remaining` units in the window; `reset`: whole seconds until it is full again;
    `retry_after`: whole seconds until one unit is free (0 when allowed)."""

    allowed: bool
    remaining: int
    reset: int
    retry_after: int
    #: Where wider limits hold too: names of watched ones that would have refused, and the tighter one of the others.
    exceeded: tuple[str, ...] = ()
    tighter: Tighter | None = None


class Tighter(NamedTuple):
    """A limit of which less is left: its name, its units per minute, what is left, seconds until it is full again."""

    name: str
    limit: int
    remaining: int
    reset: int


class Take(NamedTuple):
    """`cost` of the `limit` units that `key` has per `period` seconds; `cost` 0 asks whether one is free.

    `watched`: when it is refused, the others happen all the same, and it takes nothing.
    """

    key: str
    limit: int
    period: int = 60
    cost: int = 1
    watched: bool = False


class Counters(Protocol):
    """Short-window rate limits. Losing them loses limits for a moment, never identities or quotas."""

    async def take(self, takes: tuple[Take, ...], now: float) -> tuple[Verdict, ...]:
        """Take all of them or, when one that is not watched is refused, none; each key stands once. A
        verdict each, as if taken.

        Never raises. `now` is this process's clock: counters that nodes share go by one clock of their own.
        """
        ...


class ReplayUnknown(Exception):
    """Whether an identifier was accepted before cannot be told now; the text says why. Refuse, and let try again."""


class ReplayCache(Protocol):
    """Identifiers that are accepted once, over all nodes."""

    async def accept_once(self, key: str, seconds: float) -> bool:
        """Whether `key` was not accepted before; from now on, for so many seconds, it is. Raises ReplayUnknown.

        Of any number of calls at once, on whatever nodes, one is told so at most.
        """
        ...


class SlowHash(Protocol):
    """argon2id, one at a time, off the event loop, with a bounded queue."""

    async def verify(self, digest: str, password: str, peer: str) -> bool:
        """Whether `password` matches the argon2id `digest`. Raises Busy when the queue, or `peer`'s part, is full."""
        ...


class Busy(Exception):
    """Too many slow checks are waiting."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that is handed to the authorization server. `secret_key`: keys the HMAC of generated secrets.

    `unseal(sealed, context)`: opens a sealed text (signature keys; the context is ``signature_key:tenant/env/id``).
    `entropy`: n random bytes. `answer_late(now)`: waits until a fixed moment after `now`, the time at which a
    request was read, so that every refused authentication takes equally long.
    """

    directory: Directory
    ledger: Ledger
    counters: Counters
    slow_hash: SlowHash
    secret_key: bytes = field(repr=False)
    unseal: Callable[[str, str], bytes] = field(repr=False)
    entropy: Callable[[int], bytes] = field(repr=False)
    answer_late: Callable[[float], Awaitable[None]] = field(repr=False)
