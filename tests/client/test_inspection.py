"""`mintmark inspect`: what is said of a token, and that nothing a stranger sends breaks it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.client.inspection import cleaned, inspect
from mintmark.jose.access_token import build
from mintmark.jose.jwk import generate
from mintmark.jose.key_set import KeySet

NOW = 1_800_000_000
CLAIMS = {
    "iss": "https://i.example",
    "aud": "https://a.example",
    "sub": "c",
    "exp": NOW + 60,
    "iat": NOW,
    "nbf": NOW,
}


def part(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(claims: object = CLAIMS, header: object = None, signature: str = "c2ln") -> str:
    return f"{part(header or {'alg': 'ES256', 'typ': 'at+jwt', 'kid': 'k'})}.{part(claims)}.{signature}"


def reasons(text: str, **more: object) -> list[str]:
    return [fault.reason for fault in inspect(text, NOW, **more).faults]  # type: ignore[arg-type]


def test_a_good_token_has_no_fault() -> None:
    seen = inspect(token(), NOW)
    assert (seen.is_jwt, seen.faults, seen.signature) == (True, (), "not checked")
    assert seen.audiences == ("https://a.example",)
    assert seen.instant("exp") == NOW + 60


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"exp": NOW}, "expired"),
        ({"exp": "soon"}, "malformed"),
        ({"exp": True}, "malformed"),
        ({"nbf": NOW + 61}, "not_yet_valid"),
        ({"iat": NOW + 61}, "not_yet_valid"),
    ],
)
def test_times_are_judged(changed: dict[str, object], reason: str) -> None:
    assert reason in reasons(token({**CLAIMS, **changed}))


def test_the_second_before_its_end_a_token_is_good() -> None:
    assert reasons(token({**CLAIMS, "exp": NOW + 1})) == []
    assert reasons(token({**CLAIMS, "nbf": NOW + 60, "iat": NOW + 60})) == []


@pytest.mark.parametrize(
    ("header", "signature", "reason"),
    [
        ({"alg": "none"}, "", "unsigned"),
        ({"alg": "none"}, "c2ln", "unsigned"),
        ({"alg": "ES256"}, "", "unsigned"),
        ({}, "c2ln", "unsigned"),
        ({"alg": "HS256"}, "c2ln", "symmetric"),
        ({"alg": "ES256", "typ": "dpop+jwt"}, "c2ln", "wrong_type"),
    ],
)
def test_headers_are_judged(header: dict[str, str], signature: str, reason: str) -> None:
    assert reason in reasons(token(CLAIMS, header or {"typ": "JWT"}, signature))


def test_what_an_access_token_has_is_missed() -> None:
    assert reasons(token({"sub": "c"})) == ["missing_claim"] * 3


def test_issuer_and_audience_are_compared() -> None:
    assert reasons(token(), issuer="https://other.example", audience="https://other.example") == [
        "wrong_issuer",
        "wrong_audience",
    ]


def test_a_signature_is_checked_with_the_issuers_keys() -> None:
    key, other = generate("ES256"), generate("ES256")
    signed = build(CLAIMS, key, "at+jwt")
    assert inspect(signed, NOW, KeySet([key.public()])).signature == "good"
    forged = f"{signed.rpartition('.')[0]}.{build(CLAIMS, other, 'at+jwt').rpartition('.')[2]}"
    assert inspect(forged, NOW, KeySet([key.public()])).signature == "bad"
    assert inspect(signed, NOW, KeySet([])).signature == "unknown key"


@pytest.mark.parametrize("text", ["abc", "a.b", "eyJ.x", "a.b.c", "1.2.3.4.5", "\u00fc.b.c", "a b", "."])
def test_what_is_no_jwt_is_told_apart(text: str) -> None:
    seen = inspect(text, NOW)
    assert not seen.is_jwt or seen.faults


@given(st.text(max_size=200))
def test_nothing_breaks_it(text: str) -> None:
    inspect(cleaned(text), NOW, KeySet([]))


def test_a_pasted_header_line_is_a_token() -> None:
    for text in (
        "a.b.c\n",
        ' "a.b.c" ',
        "Bearer a.b.c",
        "Authorization: Bearer a.b.c",
        "authorization: bearer a.b.c\r\n",
    ):
        assert cleaned(text) == "a.b.c"
