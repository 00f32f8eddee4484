"""Whatever bytes come, the answer is the claims of a genuine token or a TokenFault, and never another exception."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mintmark.jose.access_token import build, verify
from mintmark.jose.jws import TokenFault
from tests.jose.samples import EXPECTATION, NOW, claims, forge, header, key, keys

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
HEADERS = st.dictionaries(
    st.sampled_from(["alg", "typ", "kid", "cty", "crit", "jwk"]),
    st.sampled_from(["ES256", "RS256", "EdDSA", "none", "at+jwt", key("ES256").kid, key("RS256").kid])
    | ANYTHING,
    max_size=4,
)
CLAIMS = st.dictionaries(st.sampled_from([*claims(), "cnf"]), ANYTHING, max_size=3)


@given(st.binary(max_size=400) | st.text(max_size=200) | st.text("eyJ0.-_=AQ", max_size=200))
@settings(max_examples=400)
@example("\ud800.\ud800.\ud800")
def test_any_text_is_refused(token: bytes | str) -> None:
    try:
        verify(token, keys(), EXPECTATION, NOW)
    except TokenFault:
        return
    raise AssertionError("a token that nobody signed was taken")


@given(HEADERS, st.binary(max_size=80))
@settings(max_examples=300)
def test_any_header_with_a_foreign_signature_is_refused(head: dict[str, object], signature: bytes) -> None:
    try:
        verify(forge(head, claims(), lambda _: signature), keys(), EXPECTATION, NOW)
    except TokenFault:
        return
    raise AssertionError("a token that nobody signed was taken")


@given(HEADERS)
@settings(max_examples=200)
def test_any_header_that_is_signed_is_read_or_refused(head: dict[str, object]) -> None:
    with suppress(TokenFault):
        verify(forge(head, claims(), key("ES256").sign), keys(), EXPECTATION, NOW)


@given(CLAIMS | ANYTHING | st.binary(max_size=200))
@settings(max_examples=300)
def test_any_claims_that_are_signed_are_read_or_refused(changes: object) -> None:
    payload = claims() | changes if isinstance(changes, dict) else changes
    with suppress(TokenFault):
        taken = verify(forge(header("ES256"), payload, key("ES256").sign), keys(), EXPECTATION, NOW)
        assert taken["iss"] == EXPECTATION.issuer


@given(st.integers(0, 10_000), st.binary(min_size=0, max_size=4))
@settings(max_examples=300)
def test_a_changed_token_is_refused(at: int, patch: bytes) -> None:
    token = build(claims(), key("EdDSA"), "at+jwt").encode()
    at %= len(token)
    changed = token[:at] + patch + token[at + 1 :]
    if changed == token:
        return
    try:
        verify(changed, keys(), EXPECTATION, NOW)
    except TokenFault:
        return
    raise AssertionError("a changed token was taken")
