"""The built-in dialects: their examples hold in both directions, and they say what the vendors' pages say."""

from __future__ import annotations

import json

import pytest

from mintmark.dialect import Dialect, catalogue, explain, prove, write_response
from mintmark.values.secret import Secret
from mintmark.values.token import TokenResponse

DIALECTS = list(catalogue())


@pytest.fixture(params=DIALECTS, ids=[dialect.name for dialect in DIALECTS])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    found: Dialect = request.param
    return found


def test_every_form_has_an_example_and_all_hold(dialect: Dialect) -> None:
    assert {example.form for example in dialect.examples} == {form.name for form in dialect.forms}
    assert list(prove(dialect)) == []


def test_it_explains_itself(dialect: Dialect) -> None:
    text = explain(dialect)
    assert dialect.path in text and "Answer:" in text and "Refusal:" in text


def test_the_catalogue_holds_the_five_vendors_and_the_standard() -> None:
    assert [dialect.name for dialect in DIALECTS] == [
        "fyma",
        "oleria",
        "omneo",
        "omneo-proxy",
        "omneo-shopify",
        "omnilab",
        "omnissa",
        "standard",
    ]


def test_browsers_are_let_in_only_where_no_client_secret_is_taken() -> None:
    assert {dialect.name for dialect in DIALECTS if dialect.admits_cors} == {"omneo-shopify", "omneo-proxy"}


def test_omnissa_answers_with_exactly_its_keys_in_order() -> None:
    extras = {"org_id": "o", "iss": "i", "nbf": 1559613306, "jti": "j"}
    response = TokenResponse(Secret("t"), "Bearer", 1559613306, 1559616905, "a b", extras)
    answer = write_response(catalogue().get("omnissa"), response)
    assert json.loads(answer.body) == {
        "access_token": "t",
        "expires_in": 3599,
        "iss": "i",
        "jti": "j",
        "nbf": 1559613306,
        "scope": "a b",
        "token_type": "bearer",
        "dpa.org_id": "o",
    }
    assert list(json.loads(answer.body)) == [
        "access_token",
        "expires_in",
        "iss",
        "jti",
        "nbf",
        "scope",
        "token_type",
        "dpa.org_id",
    ]


def test_no_answer_may_be_stored(dialect: Dialect) -> None:
    answer = write_response(dialect, TokenResponse(Secret("t"), "Bearer", 0, 3600))
    assert answer.values(b"cache-control") == [b"no-store"]
    assert answer.values(b"pragma") == [b"no-cache"]
    assert answer.values(b"content-type") == [b"application/json"]
