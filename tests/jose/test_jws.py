from __future__ import annotations

import json

import pytest

from mintmark.jose.jws import MAX_TOKEN_BYTES, Header, TokenFault, parse_compact, sign_compact
from tests.jose.samples import forge, header, key, segment

GOOD = {"alg": "ES256", "typ": "at+jwt", "kid": "k"}


def refused(token: str | bytes) -> TokenFault:
    with pytest.raises(TokenFault) as caught:
        parse_compact(token)
    assert caught.value.reason == "malformed"
    assert caught.value.__context__ is None, "an inner exception would carry the token"
    return caught.value


def test_takes_a_token_apart() -> None:
    token = sign_compact(segment(GOOD), b"payload", key("ES256"))
    for form in (token, token.encode()):
        parsed = parse_compact(form)
        assert parsed.header == Header("ES256", "at+jwt", "k")
        assert parsed.payload == b"payload"
        assert key("ES256").public().verify(parsed.signature, parsed.signing_input)
        assert parsed.signing_input == token.rpartition(".")[0].encode()


def test_neither_a_parsed_token_nor_a_fault_shows_the_token() -> None:
    parsed = parse_compact(forge(GOOD, b"payload", lambda _: b"signature"))
    assert "payload" not in repr(parsed)
    assert "signature" not in repr(parsed)
    assert repr(refused("secret-token")) == "TokenFault('malformed')"
    assert "secret" not in str(refused("secret-token"))


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param(".", id="one dot"),
        pytest.param("..", id="two dots"),
        pytest.param("...", id="three dots"),
        pytest.param("e30.e30", id="two parts"),
        pytest.param("e30.e30.e30.e30", id="four parts"),
        pytest.param("e30.e30.e30.e30.e30", id="five parts, as encryption has them"),
        pytest.param(json.dumps({"payload": "e30", "signatures": []}), id="JSON serialization"),
        pytest.param("é.é.é", id="beyond ASCII"),
        pytest.param("\ud800.e30.e30", id="a lone surrogate"),
        pytest.param(b"\xff.e30.e30", id="bytes beyond ASCII"),
    ],
)
def test_refuses_what_is_not_three_parts(token: str | bytes) -> None:
    refused(token)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_refuses_an_empty_part(part: int) -> None:
    parts = forge(GOOD, b"payload", lambda _: b"signature").split(".")
    parts[part] = ""
    refused(".".join(parts))


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("spoil", ["{}=", "{}\n", " {}", "{} ", "{}+", "{}/", "{}\0"])
def test_refuses_white_space_padding_and_other_alphabets(part: int, spoil: str) -> None:
    parts = forge(GOOD, b"payload", lambda _: b"signature").split(".")
    parts[part] = spoil.format(parts[part])
    refused(".".join(parts))


def test_the_size_is_bounded_before_decoding() -> None:
    token = forge(GOOD, b"p", lambda _: b"x" * 8000)
    room = MAX_TOKEN_BYTES - len(token)
    assert room < 0
    assert "8192 bytes" in refused(token).sentence
    assert parse_compact(token, len(token)).payload == b"p"
    with pytest.raises(TokenFault):
        parse_compact(token, len(token) - 1)


@pytest.mark.parametrize(
    "parameter",
    [
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": False},
        {"b64": True},
        {"zip": "DEF"},
        {"jwk": {"kty": "EC"}},
        {"jku": "https://attacker.example/keys"},
        {"x5u": "https://attacker.example/chain"},
        {"x5c": ["AAAA"]},
        {"x5t": "AAAA"},
        {"x5t#S256": "AAAA"},
        {"enc": "A128GCM"},
        {"epk": {}},
        {"p2c": 10_000_000},
        {"iss": "https://auth.example"},
        {"unknown": "value"},
        {"ALG": "none"},
    ],
    ids=lambda parameter: next(iter(parameter)),
)
def test_refuses_header_parameters_other_than_the_four(parameter: dict[str, object]) -> None:
    assert "parameter other than" in refused(forge(GOOD | parameter, b"p", lambda _: b"s")).sentence


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({}, id="no parameter"),
        pytest.param({"typ": "at+jwt"}, id="no alg"),
        pytest.param({"alg": None}, id="alg null"),
        pytest.param({"alg": ""}, id="alg empty"),
        pytest.param({"alg": ["ES256"]}, id="alg a list"),
        pytest.param({"alg": {"ES256": 1}}, id="alg an object"),
        pytest.param({"alg": 256}, id="alg a number"),
        pytest.param(GOOD | {"kid": 1}, id="kid a number"),
        pytest.param(GOOD | {"kid": ""}, id="kid empty"),
        pytest.param(GOOD | {"kid": None}, id="kid null"),
        pytest.param(GOOD | {"kid": ["k"]}, id="kid a list"),
        pytest.param(GOOD | {"typ": True}, id="typ a boolean"),
        pytest.param([], id="a list"),
        pytest.param(b"{}x", id="no JSON"),
        pytest.param(b'{"alg":"none","alg":"ES256"}', id="alg twice"),
        pytest.param(b'{"alg":"ES256","kid":NaN}', id="NaN"),
        pytest.param(b'{"alg":"ES256"', id="cut"),
        pytest.param(b'{"alg":"\xff"}', id="not UTF-8"),
        pytest.param(b'{"alg":' + b"[" * 700, id="deep"),
        pytest.param({"alg": "ES256", "kid": "k" * 2000}, id="more than 1 KiB"),
    ],
)
def test_refuses_a_header_that_is_not_strict(content: object) -> None:
    refused(forge(content, b"p", lambda _: b"s"))


def test_the_header_that_is_written_names_alg_typ_and_kid_in_this_order() -> None:
    assert list(header("ES256")) == ["alg", "typ", "kid"]
