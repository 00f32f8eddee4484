"""The answers of a protected API (RFC 6750 §3, RFC 9110 §10.2.3)."""

from __future__ import annotations

import json

import pytest

from mintmark.resource_server.challenge import challenge
from mintmark.values.errors import OAuthError, insufficient_scope, invalid_token, rate_limited
from mintmark.wire.bearer import Challenge, no_token, parse_challenge
from mintmark.wire.http import HttpResponse

OUTAGE = OAuthError(
    "temporarily_unavailable", 503, "Try again later.", reason="r", detail="private", retry_after=5
)


def read(answer: HttpResponse) -> Challenge | None:
    return parse_challenge(answer.values(b"www-authenticate"))


def test_without_a_token_the_challenge_has_no_error() -> None:
    answer = challenge(no_token(), "things", "read")
    assert answer.status == 401
    assert read(answer) == Challenge(realm="things", scope="read")


def test_a_bad_token_is_401_with_the_reason_in_words() -> None:
    answer = challenge(invalid_token("The token has expired.", reason="expired"), "things")
    assert answer.status == 401
    assert read(answer) == Challenge("things", "invalid_token", "The token has expired.")


def test_a_missing_permission_is_403_and_named() -> None:
    answer = challenge(insufficient_scope("The access token lacks the scope read."), "things", "read")
    assert answer.status == 403
    found = read(answer)
    assert found is not None
    assert (found.error, found.scope) == ("insufficient_scope", "read")


@pytest.mark.parametrize("error", [OUTAGE, rate_limited(5, reason="r")], ids=lambda error: error.code)
def test_what_passes_says_when_to_come_back_and_challenges_nobody(error: OAuthError) -> None:
    answer = challenge(error, "things")
    assert answer.status == error.status
    assert answer.values(b"retry-after") == [b"5"]
    assert answer.values(b"www-authenticate") == []


@pytest.mark.parametrize(
    "error", [no_token(), OUTAGE, insufficient_scope("No.")], ids=lambda error: error.code
)
def test_every_answer_is_json_that_nobody_stores(error: OAuthError) -> None:
    answer = challenge(error, "things")
    assert answer.values(b"content-type") == [b"application/json"]
    assert answer.values(b"cache-control") == [b"no-store"]
    assert json.loads(answer.body) == {"error": error.code, "error_description": error.description}


def test_the_private_detail_stays() -> None:
    assert b"private" not in challenge(OUTAGE, "things").body
