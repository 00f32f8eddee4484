"""The rules of one verification: each claim, each boundary of time, and that one call is enough."""

from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from mintmark.jose import base64url
from mintmark.jose.access_token import Expectation, build, verify
from mintmark.jose.jws import TokenFault
from tests.jose.samples import (
    ALGORITHMS,
    AUDIENCE,
    EXPECTATION,
    ISSUER,
    NOW,
    claims,
    forge,
    header,
    key,
    keys,
)


def token(**changes: object) -> str:
    return build(claims(**changes), key("ES256"), "at+jwt")


def refusal(text: str, now: float = NOW, expectation: Expectation = EXPECTATION) -> str:
    with pytest.raises(TokenFault) as caught:
        verify(text, keys(), expectation, now)
    fault = caught.value
    assert fault.__context__ is None, "an inner exception would carry claims"
    assert fault.sentence.endswith(".")
    assert fault.sentence.isascii()
    return fault.reason


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_gives_the_claims_of_a_good_token(algorithm: str) -> None:
    text = build(claims(), key(algorithm), "at+jwt")
    assert verify(text, keys(), EXPECTATION, NOW) == claims()
    assert verify(text.encode(), keys(), EXPECTATION, NOW) == claims()


@pytest.mark.parametrize("typ", ["at+jwt", "JWT"])
def test_the_header_says_alg_typ_and_kid(typ: str) -> None:
    text = build(claims(), key("RS256"), typ)
    assert json.loads(base64url.decode(text.split(".")[0].encode())) == {
        "alg": "RS256",
        "typ": typ,
        "kid": key("RS256").kid,
    }
    assert base64url.decode(text.split(".")[0].encode()).startswith(b'{"alg":"RS256","typ":"')


def test_builds_from_any_mapping() -> None:
    text = build(MappingProxyType(claims()), key("ES256"), "at+jwt")
    assert verify(text, keys(), EXPECTATION, NOW) == claims()


def test_builds_text_beyond_ascii() -> None:
    assert verify(token(sub="Zoë 😀"), keys(), EXPECTATION, NOW)["sub"] == "Zoë 😀"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"bytes"])
def test_builds_nothing_that_json_cannot_hold(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        token(extra=value)


@pytest.mark.parametrize(("seconds", "outcome"), [(-1, None), (0, "expired"), (1, "expired")])
def test_exp_is_exclusive_and_has_no_leeway(seconds: int, outcome: str | None) -> None:
    text = token()
    if outcome is None:
        verify(text, keys(), EXPECTATION, NOW + 3600 + seconds)
    else:
        assert refusal(text, NOW + 3600 + seconds) == outcome


@pytest.mark.parametrize("claim", ["nbf", "iat"])
@pytest.mark.parametrize(("ahead", "good"), [(59, True), (60, True), (61, False)])
def test_nbf_and_iat_may_lie_ahead_by_the_leeway(claim: str, ahead: int, good: bool) -> None:
    text = token(**{claim: NOW + ahead})
    if good:
        verify(text, keys(), EXPECTATION, NOW)
    else:
        assert refusal(text) == "not_yet_valid"


def test_without_leeway_a_token_is_valid_from_the_second_of_nbf() -> None:
    strict = replace(EXPECTATION, leeway=0)
    text = token(iat=NOW - 10)
    assert refusal(text, NOW - 1, strict) == "not_yet_valid"
    verify(text, keys(), strict, NOW)
    verify(text, keys(), strict, NOW + 1)


def test_times_may_have_fractions() -> None:
    text = token(exp=NOW + 3600.5, iat=NOW - 0.5)
    verify(text, keys(), EXPECTATION, NOW + 3600)
    assert refusal(text, NOW + 3600.5) == "expired"


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", [True, False, str(NOW + 60), [NOW], {}, -1, 10**15, 10**300, 1e300])
def test_times_are_numbers_of_seconds(claim: str, value: object) -> None:
    assert refusal(token(**{claim: value})) == "malformed"


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
def test_a_time_is_not_null(claim: str) -> None:
    text = forge(header("ES256"), claims() | {claim: None}, key("ES256").sign)
    assert refusal(text) == "malformed"


@pytest.mark.parametrize(("lifetime", "good"), [(7199, True), (7200, True), (7201, False)])
def test_the_lifetime_is_bounded_where_asked(lifetime: int, good: bool) -> None:
    text = token(exp=NOW + lifetime)
    verify(text, keys(), replace(EXPECTATION, max_lifetime=None), NOW)
    if good:
        verify(text, keys(), EXPECTATION, NOW)
    else:
        assert refusal(text) == "lifetime_too_long"


def test_a_bounded_lifetime_needs_iat() -> None:
    lenient = replace(EXPECTATION, required=())
    assert refusal(token(iat=None), expectation=lenient) == "missing_claim"
    verify(token(iat=None), keys(), replace(lenient, max_lifetime=None), NOW)


def test_nbf_is_optional() -> None:
    verify(token(nbf=None), keys(), EXPECTATION, NOW)


@pytest.mark.parametrize(
    "issuer", [ISSUER + "/", ISSUER.upper(), ISSUER[:-1], "", None, 5, [ISSUER], {"iss": ISSUER}]
)
def test_the_issuer_is_exact(issuer: object) -> None:
    assert refusal(token(iss=issuer)) == "wrong_issuer"


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["https://other.example", AUDIENCE]])
def test_one_audience_of_the_token_must_be_ours(audience: object) -> None:
    verify(token(aud=audience), keys(), EXPECTATION, NOW)


@pytest.mark.parametrize(
    "audience",
    [
        "https://other.example",
        AUDIENCE + "/",
        AUDIENCE[:-1],
        "",
        None,
        [],
        ["https://other.example"],
        [AUDIENCE, 5],
        [[AUDIENCE]],
        {AUDIENCE: 1},
        7,
    ],
)
def test_any_other_audience_is_refused(audience: object) -> None:
    assert refusal(token(aud=audience)) == "wrong_audience"


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])
def test_typ_is_a_media_type_in_any_case(typ: str) -> None:
    text = forge(header("ES256", typ=typ), claims(), key("ES256").sign)
    verify(text, keys(), EXPECTATION, NOW)


@pytest.mark.parametrize(
    "typ",
    [
        None,
        "JWT",
        "logout+jwt",
        "dpop+jwt",
        "token-introspection+jwt",
        "statuslist+jwt",
        "secevent+jwt",
        "client-authentication+jwt",
        "at+jwt ",
        "application/application/at+jwt",
    ],
)
def test_other_tokens_of_the_same_issuer_are_not_access_tokens(typ: str | None) -> None:
    text = forge(header("ES256", typ=typ), claims(), key("ES256").sign)
    assert refusal(text) == "wrong_type"


def test_a_token_without_typ_is_admitted_only_where_declared() -> None:
    text = forge(header("ES256", typ=None), claims(), key("ES256").sign)
    verify(text, keys(), replace(EXPECTATION, types=frozenset({""})), NOW)


@pytest.mark.parametrize("claim", ["sub", "client_id", "iat", "jti", "exp"])
def test_required_claims_must_be_there(claim: str) -> None:
    assert refusal(token(**{claim: None})) == "missing_claim"


@pytest.mark.parametrize("claim", ["sub", "client_id", "jti"])
@pytest.mark.parametrize("value", ["", [], None])
def test_required_claims_must_not_be_empty(claim: str, value: object) -> None:
    text = forge(header("ES256"), claims() | {claim: value}, key("ES256").sign)
    assert refusal(text) == "missing_claim"


@pytest.mark.parametrize("claim", ["sub", "client_id", "jti", "scope"])
@pytest.mark.parametrize("value", [5, ["x"], {"x": 1}, True])
def test_names_are_text(claim: str, value: object) -> None:
    assert refusal(token(**{claim: value})) == "malformed"


@pytest.mark.parametrize("cnf", [{"jkt": "x"}, {"x5t#S256": "x"}, {}, False, ""])
def test_a_sender_constrained_token_is_no_bearer_token(cnf: object) -> None:
    assert refusal(token(cnf=cnf)) == "sender_constrained"


def test_a_sender_constraint_is_seen_even_when_null() -> None:
    text = forge(header("ES256"), claims() | {"cnf": None}, key("ES256").sign)
    assert refusal(text) == "sender_constrained"


def test_the_signature_is_judged_before_any_claim() -> None:
    assert refusal(forge(header("ES256"), claims(iss="x", exp=1), lambda _: b"x" * 64)) == "bad_signature"


def test_a_fault_repeats_nothing_of_the_token() -> None:
    text = token(iss="https://very-secret.example", sub="very-secret")
    with pytest.raises(TokenFault) as caught:
        verify(text, keys(), EXPECTATION, NOW)
    assert "very-secret" not in caught.value.sentence + str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(
    "broken",
    [
        {"issuer": ""},
        {"audiences": frozenset()},
        {"audiences": frozenset({""})},
        {"types": frozenset()},
        {"audiences": AUDIENCE},
        {"types": "at+jwt"},
        {"audiences": [AUDIENCE]},
    ],
    ids=str,
)
def test_an_expectation_that_admits_everything_cannot_be_made(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        replace(EXPECTATION, **broken)
