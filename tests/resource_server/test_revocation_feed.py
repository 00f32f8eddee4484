"""The guard's half of the revocation feed: chain, gaps, time bounds, silence, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from mintmark.jose.access_token import build
from mintmark.jose.jwk import PublicKey, generate
from mintmark.resource_server.revocation_feed import (
    CLAIM_OF,
    LEEWAY,
    SILENCE,
    TYPE,
    FeedFault,
    Revocations,
    digest_of,
    first_digest,
)

NOW = 1_800_000_000
ISSUER = "https://auth.example/t/acme/production"
KEY, STRANGER = generate("ES256"), generate("ES256")


def key(kid: str | None) -> PublicKey | None:
    return KEY.public() if kid == KEY.kid else None


def say(kind: str, signer: Any = KEY, typ: str = TYPE, **claims: Any) -> str:
    return build({"iss": ISSUER, "iat": NOW, "kind": kind} | claims, signer, typ)


class Feed:
    """What an issuer says, in order."""

    def __init__(self) -> None:
        self.seq, self.head = 0, first_digest(ISSUER)

    def entry(self, kind: str = "client", name: str = "gone", **changes: Any) -> str:
        self.seq += 1
        claims = {"id": name, "issued_before": NOW, "until": NOW + 3600, "seq": self.seq, "prev": self.head}
        text = say(kind, **(claims | changes))
        self.head = digest_of(text)
        return text

    def heartbeat(self, **changes: Any) -> str:
        return say("heartbeat", **({"seq": self.seq, "prev": self.head} | changes))

    def snapshot(self, *revocations: list[Any], **changes: Any) -> str:
        claims = {"seq": self.seq, "prev": self.head, "revocations": list(revocations)}
        return say("snapshot", **(claims | changes))


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def state(feed: Feed) -> Revocations:
    made = Revocations(ISSUER)
    made.restore(feed.snapshot(), key, NOW)
    return made


def token(**changes: object) -> dict[str, object]:
    return {
        "iat": NOW - 1,
        "client_id": "c",
        "mm_cred": "v",
        "mm_user": "u",
        "jti": "j",
        "mm_tenant": "t",
        "aud": "a",
    } | changes


@pytest.mark.parametrize(
    ("kind", "claim"), [(kind, claim) for kind, claim in CLAIM_OF.items() if claim], ids=lambda value: value
)
def test_an_entry_refuses_the_tokens_that_bear_its_id(
    kind: str, claim: str, feed: Feed, state: Revocations
) -> None:
    state.read([feed.entry(kind, "gone"), feed.heartbeat()], key, NOW)
    assert state.refuse(token(**{claim: "gone"}))
    assert not state.refuse(token())
    assert not state.refuse({name: value for name, value in token().items() if name != claim})


def test_an_environments_entry_refuses_every_token(feed: Feed, state: Revocations) -> None:
    state.read([feed.entry("environment", "acme/production"), feed.heartbeat()], key, NOW)
    assert state.refuse(token())
    assert not state.refuse(token(iat=NOW + 1))


def test_one_of_several_audiences_is_enough(feed: Feed, state: Revocations) -> None:
    state.read([feed.entry("api", "a2"), feed.heartbeat()], key, NOW)
    assert state.refuse(token(aud=["a1", "a2"]))
    assert not state.refuse(token(aud=["a1", "a3"]))


@pytest.mark.parametrize(
    ("issued", "refused"), [(NOW - 1, True), (NOW, True), (NOW + 1, False), (None, True)]
)
def test_tokens_issued_up_to_the_instant_are_refused(
    issued: int | None, refused: bool, feed: Feed, state: Revocations
) -> None:
    state.read([feed.entry(), feed.heartbeat()], key, NOW)
    assert state.refuse(token(client_id="gone", iat=issued)) is refused


def test_the_later_instant_holds_whatever_the_order(feed: Feed, state: Revocations) -> None:
    entries = [feed.entry(issued_before=NOW), feed.entry(issued_before=NOW - 50), feed.heartbeat()]
    state.read(entries, key, NOW)
    assert state.refuse(token(client_id="gone", iat=NOW))


@pytest.mark.parametrize(("after", "kept"), [(3600 + LEEWAY, 1), (3601 + LEEWAY, 0)])
def test_an_entry_is_forgotten_when_no_token_of_it_can_live(
    after: float, kept: int, feed: Feed, state: Revocations
) -> None:
    state.read([feed.entry(), feed.heartbeat()], key, NOW)
    later = int(NOW + after)
    state.read([feed.heartbeat(iat=later)], key, later)
    assert len(state) == kept


@pytest.mark.parametrize("later_by", [-10, 0, 10])
def test_a_renewed_entry_outlives_the_end_of_the_first(later_by: int, feed: Feed, state: Revocations) -> None:
    state.read(
        [feed.entry(), feed.entry(issued_before=NOW + 10, until=NOW + 9000), feed.heartbeat()], key, NOW
    )
    later = NOW + 4000
    state.read([feed.heartbeat(iat=later)], key, later)
    assert state.refuse(token(client_id="gone"))


# --- what is not the feed's next word ---


@pytest.mark.parametrize("changes", [{"seq": 2}, {"seq": 0}, {"seq": "1"}, {"prev": "x"}, {"prev": None}])
def test_an_entry_out_of_the_chain_is_a_gap(changes: dict[str, Any], feed: Feed, state: Revocations) -> None:
    with pytest.raises(FeedFault) as caught:
        state.read([feed.entry(**changes), feed.heartbeat()], key, NOW)
    assert caught.value.gap
    assert not state.refuse(token(client_id="gone"))


def test_a_heartbeat_of_another_state_is_a_gap(feed: Feed, state: Revocations) -> None:
    for changes in ({"seq": 1}, {"prev": "x"}):
        with pytest.raises(FeedFault) as caught:
            state.read([feed.heartbeat(**changes)], key, NOW)
        assert caught.value.gap


def test_a_dropped_entry_is_noticed(feed: Feed, state: Revocations) -> None:
    feed.entry()
    with pytest.raises(FeedFault) as caught:
        state.read([feed.entry("client", "second"), feed.heartbeat()], key, NOW)
    assert caught.value.gap


@pytest.mark.parametrize("ago", [-LEEWAY - 1, LEEWAY + 1])
def test_an_answer_of_another_time_is_not_heard(ago: float, feed: Feed, state: Revocations) -> None:
    heard = state.heard_at
    with pytest.raises(FeedFault, match="clocks"):
        state.read([feed.heartbeat(iat=int(NOW - ago))], key, NOW)
    assert state.heard_at == heard


def test_an_older_heartbeat_is_not_heard_again(feed: Feed, state: Revocations) -> None:
    old = feed.heartbeat(iat=NOW + 1)
    state.read([feed.heartbeat(iat=NOW + 2)], key, NOW + 2)
    with pytest.raises(FeedFault):
        state.read([old], key, NOW + 3)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(lambda: say("heartbeat", typ="at+jwt"), id="an access token"),
        pytest.param(lambda: say("heartbeat", typ="JWT"), id="another type"),
        pytest.param(lambda: say("heartbeat", typ=TYPE.upper()), id="another case"),
        pytest.param(lambda: say("heartbeat", iss="https://evil.example"), id="another issuer"),
        pytest.param(lambda: say("heartbeat", STRANGER), id="an unknown key"),
        pytest.param(lambda: say("heartbeat")[:-4] + "AAAA", id="a broken signature"),
        pytest.param(lambda: "", id="nothing"),
        pytest.param(lambda: "a.b", id="no JWS"),
        pytest.param(lambda: "é" * 10, id="no ASCII"),
        pytest.param(lambda: say("heartbeat", pad="x" * 9000), id="too long"),
        pytest.param(lambda: say("client"), id="no heartbeat"),
    ],
)
def test_what_the_issuer_did_not_say_here_is_refused(statement: Any, state: Revocations) -> None:
    with pytest.raises(FeedFault):
        state.read([statement()], key, NOW)
    with pytest.raises(FeedFault):
        state.restore(statement(), key, NOW)
    assert (state.seq, state.heard_at) == (0, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "star"},
        {"kind": None},
        {"kind": []},
        {"id": ""},
        {"id": 1},
        {"id": "x" * 1025},
        {"issued_before": None},
        {"issued_before": -1},
        {"issued_before": 1.5},
        {"issued_before": True},
        {"until": NOW - 1},
        {"until": 1 << 50},
        {"until": "1"},
    ],
    ids=str,
)
def test_an_entry_without_sense_is_refused(changes: dict[str, Any], feed: Feed, state: Revocations) -> None:
    with pytest.raises(FeedFault):
        state.read([feed.entry(**changes), feed.heartbeat()], key, NOW)
    members = {"kind": "client", "id": "gone", "issued_before": NOW, "until": NOW + 1} | changes
    with pytest.raises(FeedFault):
        state.restore(feed.snapshot(list(members.values())), key, NOW)
    assert state.seq == 0
    assert len(state) == 0


@pytest.mark.parametrize("listed", [None, {}, [1], [[]], [["client", "x", NOW]], "x"])
def test_a_snapshot_without_sense_changes_nothing(listed: Any, feed: Feed, state: Revocations) -> None:
    with pytest.raises(FeedFault):
        state.restore(feed.snapshot(revocations=listed), key, NOW)
    assert state.seq == 0


def test_a_feed_begins_with_a_snapshot(feed: Feed) -> None:
    state = Revocations(ISSUER)
    with pytest.raises(FeedFault) as caught:
        state.read([feed.heartbeat()], key, NOW)
    assert caught.value.gap
    state.restore(feed.snapshot(["client", "gone", NOW, NOW + 5]), key, NOW)
    assert state.refuse(token(client_id="gone"))


def test_a_snapshot_takes_nothing_back(feed: Feed, state: Revocations) -> None:
    state.read([feed.entry(), feed.heartbeat()], key, NOW)
    state.restore(Feed().snapshot(), key, NOW)  # the issuer was restored from an old copy
    assert state.seq == 0
    assert state.refuse(token(client_id="gone"))


def test_an_answer_without_a_heartbeat_is_none(feed: Feed, state: Revocations) -> None:
    with pytest.raises(FeedFault, match="heartbeat"):
        state.read([], key, NOW)
    with pytest.raises(FeedFault):
        state.read([feed.entry()], key, NOW + 5)
    assert state.heard_at == NOW


# --- silence ---


def test_silence_of_three_heartbeats_cuts_off(state: Revocations) -> None:
    assert not state.cut_off(NOW + SILENCE - 1)
    assert state.cut_off(NOW + SILENCE)
    assert state.cut_off(NOW - 1)


@pytest.mark.parametrize(("policy", "grace"), [("serve", 100.0), ("close", 0.0)])
def test_the_policy_says_how_long_a_guard_that_is_cut_off_serves(
    policy: Any, grace: float, feed: Feed
) -> None:
    state = Revocations(ISSUER, policy, 100)
    assert state.waited_for(NOW)
    assert state.serves_until == NOW + grace
    state.fail("no answer", NOW)
    assert not state.waited_for(NOW)
    state.restore(feed.snapshot(), key, NOW + 50)
    assert state.serves_until == NOW + 50 + SILENCE + grace
    assert state.last_fault == ""


def test_the_bounds_of_the_policy() -> None:
    for policy, grace in (("perhaps", 1.0), ("serve", -1.0)):
        with pytest.raises(ValueError, match="feed_policy"):
            Revocations(ISSUER, policy, grace)  # type: ignore[arg-type]


def test_ten_thousand_revocations_cost_other_tokens_no_more_look_ups(feed: Feed) -> None:
    """Counted, not timed: the look-ups of one token are those of its own claims."""
    asked = 0

    class Counting(dict[str, object]):
        def get(self, name: str, default: object = None) -> Any:  # type: ignore[override]
            nonlocal asked
            asked += 1
            return super().get(name, default)

    state = Revocations(ISSUER)
    state.restore(feed.snapshot(*(["client", f"c{n}", NOW, NOW + 5] for n in range(10_000))), key, NOW)
    assert len(state) == 10_000
    assert not state.refuse(Counting(token()))
    assert asked <= 1 + len(set(CLAIM_OF.values()))
