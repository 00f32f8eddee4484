"""Opaque tokens under a feed: an entry makes the guard ask again, and what the issuer says then counts."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from mintmark.jose.access_token import build
from mintmark.jose.jwk import generate
from mintmark.resource_server.guard import Doorkeeper, StatusWanted, Watch
from mintmark.resource_server.introspected import DOUBTFUL_FOR, Introspected
from mintmark.resource_server.issuer import Issuer
from mintmark.resource_server.key_cache import KeyCache
from mintmark.resource_server.revocation_feed import SILENCE, TYPE, Revocations, digest_of, first_digest
from mintmark.resource_server.seen_tokens import SeenTokens
from mintmark.values.errors import OAuthError
from mintmark.values.secret import Secret
from mintmark.values.token import TokenFacts

NOW = 1_800_000_000
ISSUER, AUDIENCE = "https://auth.example", "https://api.example"
KEY = generate("ES256")
FACTS = TokenFacts(ISSUER, "acme", "s", "c", AUDIENCE, ("read",), "t00001", "v00001", None, NOW - 99)


@dataclass
class Door:
    """A guard without threads: the issuer's answers are handed in, and counted."""

    now: float = NOW
    asked: int = 0
    head: str = field(default_factory=lambda: first_digest(ISSUER))
    seq: int = 0
    revocations: Revocations = field(default_factory=lambda: Revocations(ISSUER, "close"))

    def __post_init__(self) -> None:
        issuer = Issuer(ISSUER, credentials=lambda: ("guard", Secret("s")), follow_revocations=True)
        watch = Watch(issuer, frozenset({AUDIENCE}), KeyCache(), Introspected(), self.revocations)
        self.keeper = Doorkeeper({ISSUER: watch}, frozenset({AUDIENCE}), lambda: self.now, SeenTokens(16))
        self.revocations.restore(self.say("snapshot", revocations=[]), lambda _: KEY.public(), NOW)

    def say(self, kind: str, **more: object) -> str:
        claims = {"iss": ISSUER, "iat": int(self.now), "kind": kind, "seq": self.seq, "prev": self.head}
        return build({**claims, **more}, KEY, TYPE)

    def revoke(self, kind: str = "tenant", name: str = "acme") -> None:
        self.seq += 1
        entry = self.say(kind, id=name, issued_before=int(self.now), until=int(self.now) + 9999)
        self.head = digest_of(entry)
        self.revocations.read([entry, self.say("heartbeat")], lambda _: KEY.public(), self.now)

    def heartbeat(self) -> None:
        self.revocations.read([self.say("heartbeat")], lambda _: KEY.public(), self.now)

    def verify(self, answer: TokenFacts | None = FACTS) -> str:
        steps = self.keeper.steps([b"Bearer opaque-token"])
        try:
            need = next(steps)
            assert isinstance(need, StatusWanted)
            self.asked += 1
            steps.send(answer)
        except StopIteration as end:
            client_id: str = end.value.client_id
            return client_id
        raise AssertionError("one answer is enough")


def test_an_entry_about_a_remembered_token_makes_the_guard_ask_at_once() -> None:
    door = Door()
    assert [door.verify(), door.verify()] == ["c", "c"]
    assert door.asked == 1
    door.revoke("token", "t00001")
    with pytest.raises(OAuthError) as refused:
        door.verify(None)
    assert refused.value.reason == "not_active"
    assert door.asked == 2


def test_an_entry_about_another_token_changes_nothing() -> None:
    door = Door()
    door.verify()
    door.revoke("token", "another")
    door.verify()
    assert door.asked == 1


def test_a_token_that_came_back_is_good_and_believed_for_a_moment_only() -> None:
    """Its tenant was disabled and enabled again; or the worker that was asked has not heard of the revocation yet."""
    door = Door()
    door.verify()
    door.revoke()
    assert door.verify() == "c"
    door.now += DOUBTFUL_FOR / 2
    assert door.verify() == "c"
    assert door.asked == 2
    door.now += DOUBTFUL_FOR / 2
    with pytest.raises(OAuthError):
        door.verify(None)
    assert door.asked == 3


def test_a_token_first_seen_after_the_entry_is_believed_for_a_moment_only() -> None:
    door = Door()
    door.revoke()
    door.verify()
    door.now += DOUBTFUL_FOR
    door.verify()
    assert door.asked == 2


def test_a_guard_that_is_cut_off_asks_instead_of_remembering() -> None:
    door = Door()
    door.now += 10
    door.verify()
    door.now += SILENCE - 10
    door.verify()
    assert door.asked == 2
    door.heartbeat()
    door.verify()
    assert door.asked == 2
