"""Bearer headers and challenges, in both directions (RFC 6750 §2.1 and §3)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.values.errors import OAuthError, insufficient_scope, invalid_token, temporarily_unavailable
from mintmark.wire.bearer import (
    MAX_HEADER_BYTES,
    Challenge,
    challenge_for,
    no_token,
    parse_challenge,
    read_bearer,
    write_challenge,
)

CASES: dict[str, list[dict[str, Any]]] = tomllib.loads(
    (Path(__file__).parent / "bearer.toml").read_text("utf-8")
)
TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30)


def refusal(*headers: bytes) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        read_bearer(headers)
    assert caught.value.status == 401
    return caught.value


def challenge_of(case: dict[str, Any]) -> Challenge:
    return Challenge(
        *(
            case.get(name, "")
            for name in ("realm", "error", "error_description", "scope", "resource_metadata")
        )
    )


@pytest.mark.parametrize("case", CASES["good"], ids=lambda case: case["source"])
def test_reads_a_token(case: dict[str, Any]) -> None:
    assert read_bearer([case["header"].encode()]) == case["token"]


@pytest.mark.parametrize("case", CASES["malformed"], ids=lambda case: case["header"])
def test_a_malformed_header_is_an_invalid_token(case: dict[str, Any]) -> None:
    error = refusal(case["header"].encode())
    assert (error.code, error.reason) == ("invalid_token", "malformed_header")
    assert "abc" not in error.description


@pytest.mark.parametrize("case", CASES["other"], ids=lambda case: case["header"])
def test_another_scheme_attempts_no_bearer_authentication(case: dict[str, Any]) -> None:
    assert refusal(case["header"].encode()).reason == "other_scheme"


def test_no_header_is_told_apart_from_a_bad_one() -> None:
    assert refusal().reason == "no_token"
    assert write_challenge(challenge_for(refusal(), "things")) == b'Bearer realm="things"'
    assert b"invalid_token" in write_challenge(challenge_for(refusal(b"Bearer ?"), "things"))


@pytest.mark.parametrize("second", [b"Bearer abc", b"Bearer def", b"Basic YTpi", b""])
def test_rejects_a_repeated_header(second: bytes) -> None:
    assert refusal(b"Bearer abc", second).reason == "malformed_header"


def test_the_size_is_bounded() -> None:
    longest = b"Bearer ".ljust(MAX_HEADER_BYTES, b"a")
    assert len(read_bearer([longest])) == MAX_HEADER_BYTES - 7
    assert "too long" in refusal(longest + b"a").description


@given(
    st.lists(st.binary(max_size=40) | st.binary(max_size=40).map(lambda text: b"Bearer " + text), max_size=2)
)
def test_any_headers_hold_a_token_or_are_refused(headers: list[bytes]) -> None:
    try:
        token = read_bearer(headers)
    except OAuthError as error:
        assert error.status == 401
    else:
        assert token.isascii()
        assert token.encode() in headers[0]


@pytest.mark.parametrize("case", CASES["challenge"], ids=lambda case: case["header"])
def test_writes_and_reads_a_challenge(case: dict[str, Any]) -> None:
    assert write_challenge(challenge_of(case)) == case["header"].encode()
    assert parse_challenge([case["header"].encode()]) == challenge_of(case)


@pytest.mark.parametrize("case", CASES["foreign"], ids=lambda case: case["header"])
def test_reads_the_challenges_of_others(case: dict[str, Any]) -> None:
    assert parse_challenge([case["header"].encode()]) == challenge_of(case)


@pytest.mark.parametrize("case", CASES["unreadable"], ids=lambda case: case["header"])
def test_reads_no_challenge_where_there_is_none(case: dict[str, Any]) -> None:
    assert parse_challenge([case["header"].encode()]) is None


def test_finds_the_challenge_among_several_headers() -> None:
    headers = [b'Basic realm="x"', b'Bearer realm="caf\xe9"', b'Bearer error="invalid_token"']
    assert parse_challenge(headers) == Challenge(error="invalid_token")
    assert parse_challenge([]) is None


def test_a_huge_challenge_is_not_read() -> None:
    assert parse_challenge([b'Bearer realm="' + b"a" * MAX_HEADER_BYTES + b'"']) is None


@given(st.builds(Challenge, TEXT, TEXT, TEXT, TEXT))
def test_reads_what_it_writes(challenge: Challenge) -> None:
    assert parse_challenge([write_challenge(challenge)]) == challenge


@given(st.binary(max_size=80) | st.text('bearBEAR =",\\x', max_size=60).map(str.encode))
def test_any_challenge_is_read_or_not(header: bytes) -> None:
    for value in (header, b"Bearer " + header, b'Bearer realm="' + header):
        found = parse_challenge([value])
        if found is not None:
            assert parse_challenge([write_challenge(found)]) == found


@pytest.mark.parametrize("text", ["a\r\nSet-Cookie: a=b", "a\n", "a\0", "café", "\x7f"])
@pytest.mark.parametrize("name", ["realm", "error", "error_description", "scope"])
def test_nothing_can_be_smuggled_into_a_challenge(name: str, text: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        Challenge(**{name: text})


@pytest.mark.parametrize(
    "error", [no_token(), temporarily_unavailable(5, reason="r")], ids=lambda error: error.code
)
def test_a_challenge_names_only_errors_that_rfc_6750_knows(error: OAuthError) -> None:
    assert challenge_for(error, "things", "read") == Challenge("things", scope="read")


def test_a_challenge_says_what_was_wrong_and_what_is_needed() -> None:
    expired = challenge_for(invalid_token("The token has expired.", reason="expired"), "things")
    assert expired == Challenge("things", "invalid_token", "The token has expired.")
    lacking = challenge_for(insufficient_scope("The token lacks the scope read."), "things", "read")
    assert (lacking.error, lacking.scope) == ("insufficient_scope", "read")
