"""What a guard holds of one issuer, and what it may have to wait for: keys, the feed's first word, a token's status.

A `Need` is yielded by the guard's steps and met by whoever drives them, a thread or an event loop.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

from mintmark.resource_server.caller import Caller
from mintmark.resource_server.introspected import Introspected, Question
from mintmark.resource_server.issuer import Issuer
from mintmark.resource_server.key_cache import KeyCache
from mintmark.resource_server.revocation_feed import Revocations
from mintmark.values.token import TokenFacts


class Watch:
    """What a guard holds of one issuer. `revocations`: None when the feed is not followed."""

    __slots__ = ("expectation", "introspected", "issuer", "keys", "profile", "revocations")

    def __init__(
        self,
        issuer: Issuer,
        audiences: frozenset[str],
        keys: KeyCache,
        introspected: Introspected | None = None,
        revocations: Revocations | None = None,
    ) -> None:
        profile = issuer.rules
        self.issuer, self.profile, self.keys = issuer, profile, keys
        self.introspected, self.revocations = introspected, revocations
        self.expectation = profile.expectation(issuer.identifier, audiences)


class KeysWanted(NamedTuple):
    """A fetch of the issuer's keys may show the one that a token names. The driver answers when it was made."""

    watch: Watch
    kid: str | None


class FeedWanted(NamedTuple):
    """The revocation feed was not read yet. The driver answers when it was, or could not be."""

    watch: Watch


class StatusWanted(NamedTuple):
    """Only the issuer knows this token. The driver answers with its facts, or None."""

    watch: Watch
    question: Question


Need = KeysWanted | FeedWanted | StatusWanted
Steps = Generator[Need, TokenFacts | None, Caller]
