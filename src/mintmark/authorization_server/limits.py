"""Short windows and the day: who may ask now, and how an answer says what is left.

Before authentication only the address counts, and the address together with the claimed identity, so that nobody
can lock out a client by guessing at it from elsewhere (RFC 6749 §2.3.1 demands a limit on guessing). After it the
client's own rate counts. The daily allowance is counted by the ledger; here is only the memory of a day used up.
Fields: draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass, field
from functools import lru_cache

from mintmark.authorization_server.ports import Allowance, Counters, EnvironmentView, Take, Verdict
from mintmark.values.client import Client
from mintmark.values.errors import OAuthError, quota_exceeded, rate_limited

DAY = 86400
#: Failed authentications per window from one address for one claimed identity, and for all together.
FAILURES_PER_IDENTITY, FAILURES_PER_ADDRESS, FAILURE_WINDOW = 10, 100, 60
#: Exchanges of a signed customer id per customer and address and minute (Omneo method 3).
EXCHANGES_PER_SUBJECT = 20
_REMEMBERED_DAYS = 10_000


def network_of(peer: str) -> str:
    """The address that limits count: an IPv4 address, or the /64 of an IPv6 one (one host has a whole /64)."""
    if ":" not in peer:
        return peer
    try:
        address = ipaddress.IPv6Address(peer.split("%", 1)[0])
    except ValueError:
        return peer
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


def seconds_to_midnight(now: float) -> int:
    """Whole seconds until the UTC day ends, at least 1."""
    return DAY - int(now) % DAY


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one process over the shared `counters`."""

    counters: Counters
    _used_up: dict[tuple[str, int, int], None] = field(default_factory=dict, repr=False)

    async def admit(self, environment: str, identity: str, peer: str, now: float) -> None:
        """Refuse an address that has failed too often; `identity` is the claimed client id or user name.

        Raises OAuthError 429 ``rate_limited``.
        """
        (verdict,) = await self.counters.take((_any_failures(peer),), now)
        if verdict.remaining != FAILURES_PER_ADDRESS:  # else nothing has failed from here lately, for anybody
            await self._judge_failures(verdict, environment, identity, peer, now)

    async def failed(self, environment: str, identity: str, peer: str, now: float) -> None:
        """Remember a failed authentication."""
        for look in (_failures_of(environment, identity, peer), _any_failures(peer)):
            await self.counters.take((look._replace(cost=1),), now)

    async def pace(self, take: Take, now: float, reason: str = "rate_client") -> Verdict:
        """A request of which it is known who asks. Raises OAuthError 429 ``rate_limited``."""
        (verdict,) = await self.counters.take((take,), now)
        return _allowed(take, verdict, reason)

    async def admit_and_pace(
        self, take: Take, environment: str, identity: str, peer: str, now: float
    ) -> Verdict:
        """Both at once, for a client's request that was judged before. Raises OAuthError 429 ``rate_limited``."""
        failures, verdict = await self.counters.take((_any_failures(peer), take), now)
        if failures.remaining != FAILURES_PER_ADDRESS:
            await self._judge_failures(failures, environment, identity, peer, now)
        return verdict if verdict.allowed else _allowed(take, verdict, "rate_client")

    async def pace_questions(self, what: str, client: Client, limit: int, now: float) -> None:
        """One question of an authenticated client to another endpoint, `limit` per minute. Raises OAuthError 429."""
        await self.pace(Take(f"{what}:{client.environment}/{client.client_id}", limit), now)

    async def _judge_failures(
        self, verdict: Verdict, environment: str, identity: str, peer: str, now: float
    ) -> None:
        """`verdict`: on all failures from the address."""
        take = _any_failures(peer)
        if verdict.allowed:
            take = _failures_of(environment, identity, peer)
            (verdict,) = await self.counters.take((take,), now)
        _allowed(take, verdict, "failed_attempts", "failures")

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


@lru_cache(maxsize=8192)
def _any_failures(peer: str) -> Take:
    """A look at all failures from an address."""
    return Take(f"failed:{network_of(peer)}", FAILURES_PER_ADDRESS, FAILURE_WINDOW, cost=0)


def _failures_of(environment: str, identity: str, peer: str) -> Take:
    """A look at those for one identity; the key is short and says nothing, whatever was claimed."""
    claimed = hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    key = f"failed:{environment}:{network_of(peer)}:{claimed}"
    return Take(key, FAILURES_PER_IDENTITY, FAILURE_WINDOW, cost=0)


def token_take(client: Client, view: EnvironmentView) -> Take:
    """What one token request of a client takes."""
    limit = client.rate_limit or view.environment.rate_limit
    return Take(f"client:{client.environment}/{client.client_id}", limit)


def subject_take(environment: str, subject: str, peer: str) -> Take:
    """What one exchange of a signed customer id takes, or one login."""
    return Take(f"subject:{environment}:{network_of(peer)}:{subject}", EXCHANGES_PER_SUBJECT)


def allowances_of(view: EnvironmentView, subject: str, daily_limit: int | None) -> tuple[Allowance, ...]:
    """What one token is counted against: the one who asked, then the tenant."""
    return (
        Allowance(subject, daily_limit),
        Allowance(f"tenant:{view.tenant.handle}", view.tenant.daily_token_limit),
    )


def rate_fields(
    limit: int, verdict: Verdict, daily: int | None, used: int, now: float
) -> tuple[tuple[bytes, bytes], ...]:
    """``RateLimit-Policy`` and ``RateLimit`` of a successful answer: the minute, and the day where it is limited."""
    state = f'"minute";r={verdict.remaining};t={verdict.reset}'
    if daily is not None:
        state += f', "day";r={max(0, daily - used)};t={seconds_to_midnight(now)}'
    return ((b"ratelimit-policy", _policy(limit, daily)), (b"ratelimit", state.encode("ascii")))


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
