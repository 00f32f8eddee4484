from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.jose.jwk import KeyFault
from mintmark.jose.key_set import MAX_KEY_SET_BYTES, KeySet, parse_key_set
from tests.jose.samples import ALGORITHMS, key

ES, RS = key("ES256").public(), key("RS256").public()


def document(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


def test_finds_keys_by_kid() -> None:
    publics = [key(algorithm).public() for algorithm in ALGORITHMS]
    found = parse_key_set(document(*(public.jwk() for public in publics)))
    assert [found(public.kid) for public in publics] == publics
    assert found("another") is None
    assert len(found) == 3
    assert parse_key_set(json.dumps(found.jwks()).encode()).jwks() == found.jwks()


def test_a_token_without_kid_gets_the_only_key() -> None:
    assert KeySet([ES])(None) == ES


def test_a_token_without_kid_gets_none_of_two() -> None:
    assert KeySet([ES, RS])(None) is None


def test_an_empty_set_has_no_key() -> None:
    assert parse_key_set(b'{"keys":[]}')(None) is None


def test_unknown_kinds_are_skipped() -> None:
    unknown = [
        {"kty": "oct", "k": "AAAA"},
        {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"},
        {"kty": "AKP"},
    ]
    assert len(parse_key_set(document(*unknown, ES.jwk()))) == 1


def test_a_kid_twice_is_refused() -> None:
    with pytest.raises(KeyFault, match="same kid"):
        parse_key_set(document(ES.jwk(), RS.jwk() | {"kid": ES.kid}))


def test_a_private_key_in_the_set_refuses_the_set() -> None:
    with pytest.raises(KeyFault, match="private members"):
        parse_key_set(document(RS.jwk(), ES.jwk() | {"d": "AAAA"}))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys":{}}',
        b'{"keys":null}',
        b'{"keys":["x"]}',
        b'{"keys":[],"keys":[]}',
        b'{"keys":[{}]}',
    ],
)
def test_a_malformed_document_is_refused(text: bytes) -> None:
    with pytest.raises(KeyFault):
        parse_key_set(text)


def test_the_size_is_bounded_before_reading() -> None:
    padded = document(ES.jwk()).ljust(MAX_KEY_SET_BYTES)
    assert len(parse_key_set(padded)) == 1
    with pytest.raises(KeyFault, match="64 KiB"):
        parse_key_set(padded + b" ")


@given(st.binary(max_size=200) | st.text('{}[]",:keysRSAntP-256\\u0', max_size=80).map(str.encode))
def test_any_document_is_a_set_or_a_key_fault(text: bytes) -> None:
    for data in (text, b'{"keys":[' + text + b"]}"):
        with suppress(KeyFault):
            parse_key_set(data)
