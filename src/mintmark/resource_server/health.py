"""How a guard stands: the age of keys, what the feed says, and the last fault of each, for a health page or a probe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mintmark.resource_server.watch import Watch

KeysState = Literal["none", "fresh", "grace", "over"]
FeedState = Literal["not followed", "following", "cut off, serving", "cut off, closed"]


@dataclass(frozen=True, slots=True)
class IssuerHealth:
    """`keys_age`: seconds since the keys in use were asked for, or None. `keys`: ``grace`` while old keys serve in
    an outage. `revocations`: how many are in force. `feed_age`: seconds since the feed was last heard, or None.
    """

    issuer: str
    keys: KeysState
    keys_age: float | None
    keys_fault: str
    feed: FeedState
    feed_age: float | None
    feed_fault: str
    revocations: int


@dataclass(frozen=True, slots=True)
class GuardHealth:
    """`ok`: nothing is missing. `serving`: tokens of known keys are decided; else every one of an issuer is 503."""

    ok: bool
    serving: bool
    issuers: tuple[IssuerHealth, ...]


def health_of(watches: Iterable[Watch], now: float) -> GuardHealth:
    """The health at `now`; a guard that has seen no token yet has no keys and is well."""
    issuers = tuple(_issuer(watch, now) for watch in watches)
    serving = all(one.keys != "over" and one.feed != "cut off, closed" for one in issuers)
    well = all(
        one.keys in ("fresh", "none") and not one.keys_fault and one.feed in ("not followed", "following")
        for one in issuers
    )
    return GuardHealth(ok=serving and well, serving=serving, issuers=issuers)


def _issuer(watch: Watch, now: float) -> IssuerHealth:
    held, keys = watch.keys.held, watch.keys
    state: KeysState = "fresh"
    if held is None:
        state = "over" if keys.failures else "none"
    elif now >= keys.serves_until:
        state = "over"
    elif now >= held.old_at:
        state = "grace"
    feed: FeedState = "not followed"
    revocations = watch.revocations
    if revocations is not None:
        feed = "following"
        if revocations.cut_off(now):
            feed = "cut off, serving" if now < revocations.serves_until else "cut off, closed"
    heard_at = None if revocations is None else revocations.heard_at
    return IssuerHealth(
        watch.issuer.identifier,
        state,
        None if held is None else max(0.0, now - held.asked_at),
        keys.last_fault,
        feed,
        None if heard_at is None else max(0.0, now - heard_at),
        "" if revocations is None else revocations.last_fault,
        0 if revocations is None else len(revocations),
    )
