"""Short windows and the day: who may ask now, and how an answer says what is left.

Before authentication only failures from the address count, and those together with the claimed identity, so that
nobody can lock out a client by guessing at it from elsewhere (RFC 6749 §2.3.1 demands a limit on guessing). After it
the client's own rate counts, and what `wider_limits` there are. The daily allowance is counted by the ledger; here is
only the memory of a day used up.
Fields: draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter

from mintmark.authorization_server.ports import Allowance, Counters, EnvironmentView, Take, Tighter, Verdict
from mintmark.authorization_server.wider_limits import Wider, network_of, wider_limits
from mintmark.values.client import Client
from mintmark.values.errors import OAuthError, quota_exceeded, rate_limited

DAY = 86400
#: Failed authentications per window from one address for one claimed identity, and for all together.
FAILURES_PER_IDENTITY, FAILURES_PER_ADDRESS, FAILURE_WINDOW = 10, 100, 60
#: Exchanges of a signed customer id per customer and address and minute (Omneo method 3).
EXCHANGES_PER_SUBJECT = 20
_REMEMBERED_DAYS = 10_000


def seconds_to_midnight(now: float) -> int:
    """Whole seconds until the UTC day ends, at least 1."""
    return DAY - int(now) % DAY


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one process over the shared `counters`."""

    counters: Counters
    _used_up: dict[tuple[str, int, int], None] = field(default_factory=dict, repr=False)

    async def admit(
        self, environment: str, identity: str, peer: str, now: float, wider: tuple[Wider, ...] = ()
    ) -> None:
        """Refuse an address that has failed too often; `identity` is the claimed client id or user name.

        `wider`: limits of which nothing is taken yet, but something must be left. Raises OAuthError 429
        ``rate_limited``.
        """
        looks = [each.take._replace(cost=0) for each in wider]
        quiet, *others = await self.counters.take((_quiet(peer), *looks), now)
        if not quiet.allowed:
            looks = [_any_failures(peer), _failures_of(environment, identity, peer)]
            _none_too_many(looks, await self.counters.take(tuple(looks), now))
        for each, said in zip(wider, others, strict=True):
            if not each.take.watched:
                _allowed(each.take, said, f"rate_{each.name}", each.name)

    async def failed(self, environment: str, identity: str, peer: str, now: float) -> None:
        """Remember a failed authentication."""
        for look in (_failures_of(environment, identity, peer), _any_failures(peer), _failing(peer)):
            await self.counters.take((look._replace(cost=1),), now)

    async def pace(self, take: Take, now: float, reason: str = "rate_client") -> Verdict:
        """A request of which it is known who asks. Raises OAuthError 429 ``rate_limited``."""
        (verdict,) = await self.counters.take((take,), now)
        return _allowed(take, verdict, reason)

    async def pace_token(
        self, take: Take, wider: tuple[Wider, ...], now: float, reason: str = "rate_client"
    ) -> Verdict:
        """As `pace`, for a token: the wider limits count too, all of them or none."""
        if not wider:
            return await self.pace(take, now, reason)
        verdict, *others = await self.counters.take((take, *[each.take for each in wider]), now)
        return _within(take, verdict, reason, wider, others)

    async def admit_and_pace(
        self, take: Take, view: EnvironmentView, identity: str, peer: str, now: float
    ) -> Verdict:
        """Both at once, for a client's request that was judged before, so that a refusal for failures takes no unit.

        Raises OAuthError 429 ``rate_limited``.
        """
        wider: tuple[Wider, ...] = ()
        takes: tuple[Take, ...] = (take,)
        if view.tenant.rate_limit or view.environment.address_rate_limit:
            wider = wider_limits(view, peer)
            takes = (take, *[each.take for each in wider])
        quiet, verdict, *others = await self.counters.take((_quiet(peer), *takes), now)
        if not quiet.allowed:
            looks = [_any_failures(peer), _failures_of(view.environment.id, identity, peer)]
            first, second, verdict, *others = await self.counters.take((*looks, *takes), now)
            _none_too_many(looks, (first, second))
        if wider:
            return _within(take, verdict, "rate_client", wider, others)
        return verdict if verdict.allowed else _allowed(take, verdict, "rate_client")

    async def pace_questions(self, what: str, client: Client, limit: int, now: float) -> None:
        """One question of an authenticated client to another endpoint, `limit` per minute. Raises OAuthError 429."""
        await self.pace(Take(f"{what}:{client.environment}/{client.client_id}", limit), now)

    def foresee(self, allowances: tuple[Allowance, ...], now: float) -> None:
        """Refuse early when an allowance is known to be used up today; the ledger has the last word.

        Raises OAuthError 429 ``quota_exceeded``.
        """
        day = int(now) // DAY
        for index, allowance in enumerate(allowances):
            if allowance.limit is not None and (allowance.subject, day, allowance.limit) in self._used_up:
                raise over_quota(index, allowance, now)

    def remember_used_up(self, allowance: Allowance, now: float) -> None:
        """The ledger said so; a raised limit is asked about again."""
        if len(self._used_up) >= _REMEMBERED_DAYS:
            self._used_up.clear()
        if allowance.limit is not None:
            self._used_up[(allowance.subject, int(now) // DAY, allowance.limit)] = None


def over_quota(index: int, allowance: Allowance, now: float) -> OAuthError:
    """429 for the allowance at `index` of `allowances_of`: the client's own, or the tenant's."""
    reason = "tenant_daily_limit" if index else "daily_limit"
    return quota_exceeded(seconds_to_midnight(now), reason=reason, limit=("day", allowance.limit or 0, DAY))


def _allowed(take: Take, verdict: Verdict, reason: str, name: str = "minute") -> Verdict:
    if not verdict.allowed:
        limit = (name, take.limit, take.period)
        raise rate_limited(max(1, verdict.retry_after), reason=reason, limit=limit)
    return verdict


def _within(
    take: Take, own: Verdict, reason: str, wider: tuple[Wider, ...], others: Sequence[Verdict]
) -> Verdict:
    """The caller's own verdict with what wider limits say. Of several that refuse, the one that does so longest."""
    refusals = [] if own.allowed else [(own.retry_after, own, take, reason, "minute")]
    exceeded: tuple[str, ...] = ()
    tighter: Tighter | None = None
    least = own.remaining
    for (name, limit), said in zip(wider, others, strict=True):
        if limit.watched:
            exceeded += () if said.allowed else (name,)
        elif not said.allowed:
            refusals.append((said.retry_after, said, limit, f"rate_{name}", name))
        elif said.remaining < least:
            least = said.remaining
            tighter = Tighter(name, limit.limit, said.remaining, said.reset)
    if refusals:
        _, verdict, limit, reason, name = max(refusals, key=itemgetter(0))
        _allowed(limit, verdict, reason, name)
    return own._replace(exceeded=exceeded, tighter=tighter)


def _none_too_many(looks: Sequence[Take], verdicts: Sequence[Verdict]) -> None:
    for look, verdict in zip(looks, verdicts, strict=True):
        _allowed(look, verdict, "failed_attempts", "failures")


@lru_cache(maxsize=8192)
def _quiet(peer: str) -> Take:
    """Whether nothing has failed from an address lately: then none of the failures that are counted can be too many."""
    return _failing(peer)._replace(limit=1)


def _failing(peer: str) -> Take:
    """An address's failures at the pace of one identity, so that they are remembered at least as long as any of those
    are (but for a last one, which alone refuses nothing).
    """
    return Take(f"failing:{network_of(peer)}", FAILURES_PER_IDENTITY, FAILURE_WINDOW, cost=0)


def _any_failures(peer: str) -> Take:
    """A look at all failures from an address."""
    return Take(f"failed:{network_of(peer)}", FAILURES_PER_ADDRESS, FAILURE_WINDOW, cost=0)


def _failures_of(environment: str, identity: str, peer: str) -> Take:
    """A look at those for one identity; the key is short and says nothing, whatever was claimed."""
    claimed = hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    key = f"failed:{environment}:{network_of(peer)}:{claimed}"
    return Take(key, FAILURES_PER_IDENTITY, FAILURE_WINDOW, cost=0)


def token_take(subject: str, client: Client, view: EnvironmentView) -> Take:
    """What one token request of a client takes. `subject`: the client in the change log."""
    return Take(subject, client.rate_limit or view.environment.rate_limit)


def subject_take(environment: str, subject: str, peer: str) -> Take:
    """What one exchange of a signed customer id takes, or one login."""
    return Take(f"subject:{environment}:{network_of(peer)}:{subject}", EXCHANGES_PER_SUBJECT)


def allowances_of(view: EnvironmentView, subject: str, daily_limit: int | None) -> tuple[Allowance, ...]:
    """What one token is counted against: the one who asked, then the tenant."""
    without = _of_tenant(view.tenant.handle, view.tenant.daily_token_limit)
    return without if daily_limit is None else (Allowance(subject, daily_limit), without[1])


@lru_cache(maxsize=1024)
def _of_tenant(handle: str, daily_limit: int | None) -> tuple[Allowance, ...]:
    """Those of whoever has no limit himself: once in memory for all clients of the tenant."""
    return (Allowance("", None), Allowance(f"tenant:{handle}", daily_limit))


def rate_fields(
    limit: int, verdict: Verdict, daily: int | None, used: int, now: float
) -> tuple[tuple[bytes, bytes], ...]:
    """``RateLimit-Policy`` and ``RateLimit`` of a successful answer: the minute, the day where it is limited, and a
    wider limit of which less is left.
    """
    state = f'"minute";r={verdict.remaining};t={verdict.reset}'
    if daily is not None:
        state += f', "day";r={max(0, daily - used)};t={seconds_to_midnight(now)}'
    policy = _policy(limit, daily)
    if verdict.tighter is not None:
        name, units, remaining, reset = verdict.tighter
        policy += f', "{name}";q={units};w=60'.encode("ascii")
        state += f', "{name}";r={remaining};t={reset}'
    return ((b"ratelimit-policy", policy), (b"ratelimit", state.encode("ascii")))


@lru_cache(maxsize=1024)
def _policy(limit: int, daily: int | None) -> bytes:
    day = "" if daily is None else f', "day";q={daily};w={DAY}'
    return f'"minute";q={limit};w=60{day}'.encode("ascii")


def refusal_fields(error: OAuthError) -> tuple[tuple[bytes, bytes], ...]:
    """``RateLimit-Policy`` and ``RateLimit`` of a 429: nothing is left of the limit that refused, for so long."""
    if error.limit is None or error.retry_after is None:
        return ()
    name, units, seconds = error.limit
    return (
        (b"ratelimit-policy", f'"{name}";q={units};w={seconds}'.encode("ascii")),
        (b"ratelimit", f'"{name}";r=0;t={error.retry_after}'.encode("ascii")),
    )
