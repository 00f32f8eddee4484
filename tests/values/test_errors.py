"""What leaves the process in a refusal, and what does not."""

from __future__ import annotations

import re

import pytest

from mintmark.values import errors
from mintmark.values.errors import OAuthError

SECRET_DETAIL = "private detail"
#: RFC 6749 §5.2: what may stand in error_description.
GRAMMAR = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
REFUSALS = {
    "invalid_request": (errors.invalid_request("A sentence.", detail=SECRET_DETAIL), 400),
    "invalid_client": (errors.invalid_client(reason="r", detail=SECRET_DETAIL), 401),
    "invalid_grant": (errors.invalid_grant("A sentence.", reason="r", detail=SECRET_DETAIL), 400),
    "unauthorized_client": (errors.unauthorized_client("A sentence.", reason="r", detail=SECRET_DETAIL), 400),
    "unsupported_grant_type": (errors.unsupported_grant_type("A sentence."), 400),
    "invalid_scope": (errors.invalid_scope("A sentence.", reason="r", detail=SECRET_DETAIL), 400),
    "invalid_target": (errors.invalid_target("A sentence.", reason="r", detail=SECRET_DETAIL), 400),
    "rate_limited": (errors.rate_limited(7, reason="r", detail=SECRET_DETAIL), 429),
    "quota_exceeded": (errors.quota_exceeded(7, reason="r", detail=SECRET_DETAIL), 429),
    "temporarily_unavailable": (errors.temporarily_unavailable(7, reason="r", detail=SECRET_DETAIL), 503),
    "invalid_token": (errors.invalid_token("A sentence.", reason="r", detail=SECRET_DETAIL), 401),
    "insufficient_scope": (errors.insufficient_scope("A sentence.", detail=SECRET_DETAIL), 403),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_each_refusal_has_its_code_and_status(code: str) -> None:
    error, status = REFUSALS[code]
    assert (error.code, error.status) == (code, status)
    assert error.reason


@pytest.mark.parametrize("code", REFUSALS)
def test_the_public_sentence_fits_the_grammar(code: str) -> None:
    assert GRAMMAR.fullmatch(REFUSALS[code][0].description)


@pytest.mark.parametrize("code", REFUSALS)
def test_the_private_detail_shows_nowhere(code: str) -> None:
    error = REFUSALS[code][0]
    assert SECRET_DETAIL not in str(error) + repr(error) + error.description


@pytest.mark.parametrize("code", REFUSALS)
def test_only_refusals_that_pass_say_when_to_come_back(code: str) -> None:
    error, status = REFUSALS[code]
    assert error.retry_after == (7 if status in (429, 503) else None)


def test_a_wrong_id_and_a_wrong_secret_read_the_same() -> None:
    unknown, wrong = (
        errors.invalid_client(reason="unknown_client"),
        errors.invalid_client(reason="wrong_secret"),
    )
    assert str(unknown) == str(wrong)
    assert unknown.reason != wrong.reason


def test_the_representation_names_code_status_and_reason() -> None:
    assert repr(OAuthError("c", 400, "D.", reason="r")) == "OAuthError(code='c', status=400, reason='r')"
