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

from mintmark.authorization_server.ports import Allowance, Counters, EnvironmentView, Verdict
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

    def admit(self, environment: str, identity: str, peer: str, now: float) -> None:
        """Refuse an address that has failed too often; `identity` is the claimed client id or user name.

        Raises OAuthError 429 ``rate_limited``.
        """
        address = network_of(peer)
        verdict = self.counters.take(f"failed:{address}", FAILURES_PER_ADDRESS, FAILURE_WINDOW, now, cost=0)
        if verdict.remaining == FAILURES_PER_ADDRESS:
            return  # nothing has failed from here lately, for this identity or another
        if verdict.remaining:
            most = FAILURES_PER_IDENTITY
            key = _failures_of(environment, address, identity)
            verdict = self.counters.take(key, most, FAILURE_WINDOW, now, cost=0)
        else:
            most = FAILURES_PER_ADDRESS
        if not verdict.remaining:
            wait = max(1, verdict.reset - FAILURE_WINDOW + FAILURE_WINDOW // most)
            limit = ("failures", most, FAILURE_WINDOW)
            raise rate_limited(wait, reason="failed_attempts", limit=limit)

    def failed(self, environment: str, identity: str, peer: str, now: float) -> None:
        """Remember a failed authentication."""
        address = network_of(peer)
        key = _failures_of(environment, address, identity)
        self.counters.take(key, FAILURES_PER_IDENTITY, FAILURE_WINDOW, now)
        self.counters.take(f"failed:{address}", FAILURES_PER_ADDRESS, FAILURE_WINDOW, now)

    def pace(self, client: Client, view: EnvironmentView, now: float) -> Verdict:
        """One token request of an authenticated client. Raises OAuthError 429 ``rate_limited``."""
        limit = client.rate_limit or view.environment.rate_limit
        verdict = self.counters.take(f"client:{client.environment}/{client.client_id}", limit, 60, now)
        if not verdict.allowed:
            raise rate_limited(max(1, verdict.retry_after), reason="rate_client", limit=("minute", limit, 60))
        return verdict

    def pace_questions(self, what: str, client: Client, limit: int, now: float) -> None:
        """One question of an authenticated client to another endpoint, `limit` per minute. Raises OAuthError 429."""
        verdict = self.counters.take(f"{what}:{client.environment}/{client.client_id}", limit, 60, now)
        if not verdict.allowed:
            raise rate_limited(max(1, verdict.retry_after), reason="rate_client", limit=("minute", limit, 60))

    def pace_subject(self, environment: str, subject: str, peer: str, now: float) -> Verdict:
        """One exchange of a signed customer id, or one login. Raises OAuthError 429 ``rate_limited``."""
        key = f"subject:{environment}:{network_of(peer)}:{subject}"
        verdict = self.counters.take(key, EXCHANGES_PER_SUBJECT, 60, now)
        if not verdict.allowed:
            limit = ("minute", EXCHANGES_PER_SUBJECT, 60)
            raise rate_limited(max(1, verdict.retry_after), reason="rate_subject", limit=limit)
        return verdict

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


def _failures_of(environment: str, address: str, identity: str) -> str:
    """A short key whatever was claimed: nobody fills the memory with long identities."""
    claimed = hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    return f"failed:{environment}:{address}:{claimed}"


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
