"""What an introspection answer means, which answers are none, and for how long they are believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mintmark.resource_server.introspected import (
    INACTIVE_FOR,
    MAX_ANSWER_BYTES,
    MOST_ACTIVE,
    MOST_INACTIVE,
    Introspected,
    NoAnswer,
    Question,
    read_answer,
    write_question,
)
from mintmark.values.secret import Secret
from mintmark.values.token import TokenFacts
from mintmark.wire.http import HttpResponse

NOW = 1_800_000_000.0
ISSUER, AUDIENCE = "https://auth.example", "https://api.example"
GOOD: dict[str, Any] = {
    "active": True,
    "iss": ISSUER,
    "aud": AUDIENCE,
    "client_id": "c",
    "sub": "s",
    "scope": "read write",
    "jti": "j",
    "exp": 1_800_000_100,
    "iat": 1_799_999_000,
    "mm_tenant": "acme",
    "mm_cred": "v",
    "mm_user": "u",
}


def read(members: Any, status: int = 200) -> TokenFacts | None:
    body = members if isinstance(members, bytes) else json.dumps(members).encode()
    return read_answer(HttpResponse(status, (), body), ISSUER, {AUDIENCE})


def test_reads_what_the_issuer_knows() -> None:
    assert read(GOOD) == TokenFacts(
        issuer=ISSUER,
        tenant="acme",
        subject="s",
        client_id="c",
        audience=AUDIENCE,
        scopes=("read", "write"),
        token_id="j",
        credential_id="v",
        user_id="u",
        issued_at=1_799_999_000,
        expires_at=1_800_000_100,
    )


@pytest.mark.parametrize(
    "audience", [None, "", "https://other.example", [], ["x"], [1], {"a": 1}, AUDIENCE + "/"]
)
def test_a_token_that_names_none_of_our_audiences_is_for_somebody_else(audience: object) -> None:
    facts = read(GOOD | {"aud": audience})
    assert facts is not None
    assert facts.audience == ""


def test_one_of_our_audiences_is_enough() -> None:
    facts = read(GOOD | {"aud": ["x", AUDIENCE]})
    assert facts is not None
    assert facts.audience == AUDIENCE


def test_a_token_that_is_not_active_has_no_facts() -> None:
    assert read({"active": False}) is None
    assert read(GOOD | {"active": False}) is None
    assert read(GOOD | {"cnf": {"jkt": "x"}}) is None


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (GOOD, 201),
        (GOOD, 302),
        (GOOD, 401),
        (GOOD, 503),
        (b"", 200),
        (b"<html>", 200),
        (b"[]", 200),
        (b'{"active":true,"active":false}', 200),
        (b" " * (MAX_ANSWER_BYTES + 1), 200),
        ({}, 200),
        (GOOD | {"active": "true"}, 200),
        (GOOD | {"active": 1}, 200),
        (GOOD | {"active": None}, 200),
        (GOOD | {"exp": "soon"}, 200),
        (GOOD | {"exp": True}, 200),
        (GOOD | {"exp": -1}, 200),
        (GOOD | {"exp": 1e15}, 200),
        (GOOD | {"scope": ["read"]}, 200),
        (GOOD | {"scope": 'a"b'}, 200),
        (GOOD | {"client_id": 1}, 200),
        (GOOD | {"iss": 1}, 200),
        (GOOD | {"jti": []}, 200),
    ],
    ids=str,
)
def test_anything_else_is_no_answer(answer: Any, status: int) -> None:
    with pytest.raises(NoAnswer):
        read(answer, status)


def facts(expires_at: int | None = None) -> TokenFacts:
    return TokenFacts(ISSUER, "acme", "s", "c", AUDIENCE, (), "j", "v", expires_at=expires_at)


@pytest.mark.parametrize(("expires_at", "kept"), [(None, 30), (int(NOW) + 100, 30), (int(NOW) + 7, 7)])
def test_a_live_token_is_believed_for_a_while_and_never_past_its_end(
    expires_at: int | None, kept: int
) -> None:
    memory = Introspected()
    memory.keep(b"d", facts(expires_at), NOW)
    assert memory.recall(b"d", NOW + kept - 1) is not None
    assert memory.recall(b"d", NOW + kept) is None
    assert memory.recall(b"d", NOW + kept + 1) is None


def test_an_unknown_token_is_believed_unknown_for_less() -> None:
    memory = Introspected()
    memory.keep(b"d", facts(), NOW)
    memory.keep(b"d", None, NOW + 1)
    known = memory.recall(b"d", NOW + INACTIVE_FOR)
    assert known is not None
    assert known.facts is None
    assert memory.recall(b"d", NOW + 1 + INACTIVE_FOR) is None


def test_the_memory_is_bounded_and_guesses_do_not_push_out_live_tokens() -> None:
    memory = Introspected()
    memory.keep(b"live", facts(), NOW)
    for number in range(20_000):
        memory.keep(number.to_bytes(4, "big"), None, NOW)
    assert memory.recall(b"live", NOW) is not None
    assert len(memory) <= MOST_INACTIVE + 1
    for number in range(20_000):
        memory.keep(number.to_bytes(4, "big"), facts(), NOW)
    assert len(memory) <= MOST_ACTIVE + MOST_INACTIVE


@pytest.mark.parametrize("seconds", [-1, 3601])
def test_answers_are_kept_for_an_hour_at_most(seconds: float) -> None:
    with pytest.raises(ValueError, match="3600"):
        Introspected(seconds)


def test_the_question_shows_no_secret() -> None:
    question = Question("opaque", Secret("the-token"), b"digest")
    request = write_question(ISSUER + "/introspect", question, "guard", Secret("the-secret"))
    assert request.body == b"token=the-token&token_type_hint=access_token"
    assert dict(request.headers)[b"authorization"] == b"Basic Z3VhcmQ6dGhlLXNlY3JldA=="
    for shown in (repr(question), repr(request), str(question)):
        assert "the-" not in shown
        assert "digest'" not in shown
