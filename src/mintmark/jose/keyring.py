"""The signing keys of one issuer through time: which one signs, which are published, when the next one comes.

A key is published as soon as it is known, before it signs, and stays published until the last token it signed has
expired, so that a rotation refuses no token. Pure policy: `now` is handed in, and nothing has to run at the moment a
key changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from mintmark.jose.jwk import KeyFault, PrivateKey, PublicKey
from mintmark.values.tenancy import Algorithm, SigningKey

FOREVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class SigningKeyLife:
    """A signing key's record beside its loaded key. Raises KeyFault when the two are not of one key."""

    record: SigningKey
    private: PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        record, public = self.record, self.private.public()
        if (record.kid, record.algorithm) != (public.kid, public.algorithm) or json.loads(
            record.public
        ) != public.jwk():
            raise KeyFault(f"the signing key {record.kid} does not match its record")

    @classmethod
    def load(cls, record: SigningKey, der: bytes) -> SigningKeyLife:
        """From the record and its unsealed PKCS #8 DER. Raises KeyFault."""
        return cls(record, PrivateKey.from_der(der, record.algorithm, record.kid))

    def signs(self, now: float) -> bool:
        """From `signs_at` on, never before `published_at`, until before `retires_at` or `removed_at`."""
        record = self.record
        begins = max(record.published_at, record.signs_at)
        return begins <= now < _end(record.retires_at) and self.published(now)

    def published(self, now: float) -> bool:
        """From when it is known, before `removed_at`: `published_at` is its maker's clock, and ours may be behind."""
        return now < _end(self.record.removed_at)


def _end(at: int | None) -> float:
    return FOREVER if at is None else at


class Keyring:
    """All keys of one issuer. Raises KeyFault when two bear one key id."""

    __slots__ = ("_by_kid", "_timeline", "keys")

    def __init__(self, keys: tuple[SigningKeyLife, ...]) -> None:
        self.keys = tuple(
            sorted(keys, key=lambda life: (life.record.signs_at, life.record.kid), reverse=True)
        )
        self._by_kid = {life.record.kid: (life, life.private.public()) for life in self.keys}
        if len(self._by_kid) != len(self.keys):
            raise KeyFault("two signing keys of an issuer bear the same kid")
        algorithms = {life.record.algorithm for life in self.keys}
        self._timeline = {algorithm: self._spans(algorithm) for algorithm in algorithms}

    def _spans(self, algorithm: Algorithm) -> tuple[tuple[float, float, PrivateKey], ...]:
        """Who signs from when to when, latest first; the signer changes only where a key's state does."""
        mine = [life for life in self.keys if life.record.algorithm == algorithm]
        changes = {FOREVER}
        for life in mine:
            record = life.record
            changes |= {
                record.published_at,
                record.signs_at,
                _end(record.retires_at),
                _end(record.removed_at),
            }
        moments = sorted(changes)
        spans = []
        for start, end in pairwise(moments):
            signer = next((life.private for life in mine if life.signs(start)), None)
            if signer is not None:
                spans.append((start, end, signer))
        return tuple(reversed(spans))

    def signer(self, algorithm: Algorithm, now: float) -> PrivateKey:
        """The newest key of `algorithm` that signs at `now`. Raises LookupError when there is none."""
        for start, end, key in self._timeline.get(algorithm, ()):
            if start <= now < end:
                return key
        raise LookupError(f"No {algorithm} key of this issuer signs now; rotate its signing keys.")

    def published(self, now: float) -> list[dict[str, str]]:
        """The JWKs for the issuer's JWK Set at `now`, newest first."""
        return [public.jwk() for life, public in self._by_kid.values() if life.published(now)]

    def public_key(self, kid: str | None, now: float) -> PublicKey | None:
        """The key that a token's `kid` names, while it is published; else, and without a `kid`, None."""
        found = self._by_kid.get(kid) if kid is not None else None
        return found[1] if found is not None and found[0].published(now) else None


@dataclass(frozen=True, slots=True)
class Rotation:
    """The times of a change of keys, in whole seconds: of the new key, then of those that it replaces."""

    published_at: int
    signs_at: int
    retires_at: int
    removed_at: int

    def retire(self, record: SigningKey) -> SigningKey:
        """The record of a replaced key; an end of its own that comes earlier stays."""
        return replace(
            record,
            retires_at=_earlier(record.retires_at, self.retires_at),
            removed_at=_earlier(record.removed_at, self.removed_at),
        )


def _earlier(present: int | None, planned: int) -> int:
    return planned if present is None else min(present, planned)


def next_rotation(now: int, *, publish_ahead: int, max_lifetime: int, skew: int = 60) -> Rotation:
    """A rotation that begins at `now`: publish at once, sign after `publish_ahead` seconds, and remove the
    old key when the last token it can have signed is over.

    `publish_ahead`: at least the time for which verifiers keep a key set; 0 for an issuer's first key.
    `max_lifetime`: the longest lifetime of a token, seconds. `skew`: how far clocks may lie apart, seconds.
    Raises ValueError when one of them is negative.
    """
    if min(publish_ahead, max_lifetime, skew) < 0:
        raise ValueError("a rotation takes no negative times")
    change = now + publish_ahead
    return Rotation(
        published_at=now, signs_at=change, retires_at=change, removed_at=change + max_lifetime + skew
    )
