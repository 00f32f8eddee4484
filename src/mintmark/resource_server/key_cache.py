"""The published keys of one issuer through time: what may be used, what must be fetched, and what cannot be told.

Pure policy. A known key is one look-up without a lock; whoever calls `want`, `accept` or `fail` does so from one
thread at a time. Keys are used up to `max_age` after they were asked for and, only while the issuer cannot be
reached, for `grace` more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mintmark.jose.jwk import KeyFault, PublicKey
from mintmark.jose.key_set import KeySet, parse_key_set
from mintmark.values.errors import OAuthError, invalid_token

#: Seconds. Issuers say for how long their keys may be kept; within these bounds they are believed.
SHORTEST_AGE: Final = 60
DEFAULT_MAX_AGE: Final = 600
DEFAULT_GRACE: Final = 3600
#: Fetches for unknown keys: two at once, then one every 40 s, so that no minute has more than three.
_BURST: Final = 2.0
_REFILL: Final = 40.0
#: A key that the issuer was asked for and does not publish stays unknown so long; so many are remembered.
_UNKNOWN_FOR: Final = 60.0
MOST_UNKNOWN: Final = 1024
#: Pauses after failures, doubling from the first to the last.
_FIRST_PAUSE: Final = 1.0
_LAST_PAUSE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Held:
    """A key set: `asked_at`, when the request for it went out; `refresh_at` and `old_at` follow from its age."""

    keys: KeySet
    document: bytes
    asked_at: float
    refresh_at: float
    old_at: float


class KeyCache:
    """`max_age`: the most seconds that keys are kept. `grace`: how long known keys serve on in an outage.
    `jitter`: from 0 to 1, so that many guards do not fetch in one instant.
    """

    __slots__ = (
        *("_fill", "_filled_at", "_grace", "_jitter", "_max_age", "_unknown"),
        *("failures", "held", "last_fault", "retry_at", "serves_until"),
    )

    def __init__(
        self, *, max_age: float = DEFAULT_MAX_AGE, grace: float = DEFAULT_GRACE, jitter: float = 0.5
    ) -> None:
        if max_age < SHORTEST_AGE or grace < 0 or not 0 <= jitter <= 1:
            raise ValueError(f"keys are kept for at least {SHORTEST_AGE} seconds, and grace is not negative")
        self._max_age, self._grace, self._jitter = max_age, grace, jitter
        self._fill, self._filled_at = _BURST, 0.0
        self._unknown: dict[str | None, float] = {}
        self.held: Held | None = None
        self.serves_until = 0.0
        self.failures = 0
        self.retry_at = 0.0
        self.last_fault = ""

    def key(self, kid: str | None, now: float) -> PublicKey | None:
        """The key, if it is known and may still be used."""
        held = self.held
        return None if held is None or now >= self.serves_until else held.keys(kid)

    def due(self, now: float) -> float:
        """Seconds until the next fetch that nobody asked for; 0 when it is due."""
        if self.failures:
            return max(0.0, self.retry_at - now)
        held = self.held
        if held is None or now < held.asked_at:  # a clock that was set back says nothing about age
            return 0.0
        return max(0.0, held.refresh_at - now)

    def want(self, kid: str | None, now: float, *, under_way: bool) -> None:
        """Returns when a fetch may show whether the issuer publishes `kid`; `under_way`: there is one already.

        Raises OAuthError when that is decided: 401 for a key that the issuer does not publish, 503 when it cannot
        be told now.
        """
        held = self.held
        if held is None or now >= self.serves_until:
            if self.failures and now < self.retry_at and not under_way:
                raise unavailable(self.retry_at - now)
            return
        missed = self._unknown.get(kid)
        if missed is not None and 0 <= now - missed < _UNKNOWN_FOR:
            raise _unknown_key()
        if self.failures:
            raise unavailable(max(self.retry_at - now, 1.0))
        if not under_way:
            self._take(now)

    def _take(self, now: float) -> None:
        self._fill = min(_BURST, self._fill + max(0.0, now - self._filled_at) / _REFILL)
        self._filled_at = now
        if self._fill < 1.0:
            raise unavailable((1.0 - self._fill) * _REFILL)
        self._fill -= 1.0

    def asked_before(self, wanted_at: float, now: float) -> bool:
        """The keys are good, but were asked for before `wanted_at`: they say nothing about a key made since."""
        held = self.held
        return (
            held is not None and now < self.serves_until and not self.failures and held.asked_at < wanted_at
        )

    def missing(self, kid: str | None, wanted_at: float, now: float) -> OAuthError:
        """The refusal of a token whose key is not among the keys after a fetch was waited for."""
        held = self.held
        if held is None or now >= self.serves_until or held.asked_at < wanted_at:
            return unavailable(max(self.retry_at - now, 1.0))
        if len(self._unknown) >= MOST_UNKNOWN:
            self._unknown.pop(next(iter(self._unknown)), None)
        self._unknown[kid] = now
        return _unknown_key()

    def accept(self, document: bytes, lifetime: float | None, asked_at: float) -> None:
        """A document was fetched. `lifetime`: the seconds of its Cache-Control ``max-age``, or None.

        Raises KeyFault, and changes nothing, when it is no key set with at least one usable key.
        """
        held = self.held
        keys = held.keys if held is not None and held.document == document else parse_key_set(document)
        if len(keys) == 0:
            raise KeyFault("the key set has no key that can be used here")
        age = self._max_age if lifetime is None else min(max(lifetime, SHORTEST_AGE), self._max_age)
        self.serves_until = asked_at + age
        self.held = Held(
            keys, document, asked_at, asked_at + age * (0.6 + 0.2 * self._jitter), asked_at + age
        )
        self.failures, self.retry_at, self.last_fault = 0, 0.0, ""

    def fail(self, fault: str, now: float, retry_after: float = 0.0) -> None:
        """A fetch failed: known keys serve on within the grace, and the next attempt waits a while."""
        pause = min(_FIRST_PAUSE * 2.0 ** min(self.failures, 10), _LAST_PAUSE) * (0.75 + 0.5 * self._jitter)
        self.failures += 1
        self.last_fault = fault
        self.retry_at = now + max(pause, min(retry_after, _LAST_PAUSE))
        if self.held is not None:
            self.serves_until = self.held.old_at + self._grace


def unavailable(seconds: float, reason: str = "keys_unavailable") -> OAuthError:
    """503: the token may be good, but that cannot be told now."""
    return OAuthError(
        "temporarily_unavailable",
        503,
        "The token cannot be checked right now; try again later.",
        reason=reason,
        retry_after=max(1, int(seconds + 0.999)),
    )


def _unknown_key() -> OAuthError:
    return invalid_token("The token names a key that its issuer does not publish.", reason="unknown_key")
