"""What has broken other verifiers: each class of attack is refused, with the reason that names it."""

from __future__ import annotations

import hashlib
import hmac
import json
import string
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mintmark.jose.access_token import build, verify
from mintmark.jose.jwk import PrivateKey, generate
from mintmark.jose.jws import TokenFault
from mintmark.jose.key_set import KeySet
from tests.jose.samples import ALGORITHMS, EXPECTATION, NOW, claims, forge, header, key, keys, segment


def refusal(token: str | bytes, lookup: KeySet | None = None) -> str:
    with pytest.raises(TokenFault) as caught:
        verify(token, keys() if lookup is None else lookup, EXPECTATION, NOW)
    return caught.value.reason


def good(algorithm: str = "ES256") -> str:
    return build(claims(), key(algorithm), "at+jwt")


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "null", "HS256", "unknown", " ES256", "es256"]
)
@pytest.mark.parametrize("victim", ["ES256", "RS256"])
def test_no_algorithm_of_the_header_is_obeyed(algorithm: str, victim: str) -> None:
    signed = forge(header(victim, alg=algorithm), claims(), key(victim).sign)
    assert refusal(signed) == "wrong_algorithm"


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES256"])
def test_an_unsigned_token_is_refused(algorithm: str) -> None:
    assert refusal(forge(header("ES256", alg=algorithm), claims())) == "malformed"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("length", [1, 32, 63, 64, 65, 128, 255, 256, 257])
def test_a_signature_of_zeros_is_refused(algorithm: str, length: int) -> None:
    assert refusal(forge(header(algorithm), claims(), lambda _: bytes(length))) == "bad_signature"


def public_spellings(private: PrivateKey) -> list[bytes]:
    """The public key as an attacker can have it, with the prefixes and endings that filters have missed."""
    native = private.native.public_key()
    pem = native.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = native.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    jwk = json.dumps(private.public().jwk()).encode()
    return [pem, pem.strip(), b" " + pem, b"# key\n" + pem, pem.replace(b"\n", b"\r\n"), der, jwk, b""]


@pytest.mark.parametrize("victim", ALGORITHMS)
def test_the_public_key_is_no_shared_secret(victim: str) -> None:
    for secret in public_spellings(key(victim)):
        for digest, name in ((hashlib.sha256, "HS256"), (hashlib.sha512, "HS512")):
            signed = forge(header(victim, alg=name), claims(), lambda data: hmac.digest(secret, data, digest))  # noqa: B023
            assert refusal(signed) == "wrong_algorithm"
            same = forge(header(victim), claims(), lambda data: hmac.digest(secret, data, digest))  # noqa: B023
            assert refusal(same) == "bad_signature"


@pytest.mark.parametrize("signer", ALGORITHMS)
@pytest.mark.parametrize("named", ALGORITHMS)
def test_a_token_of_one_key_is_not_valid_under_the_name_of_another(signer: str, named: str) -> None:
    if signer == named:
        return
    both = forge(header(named), claims(), key(signer).sign)
    assert refusal(both) == "bad_signature"
    crossed = forge(header(signer, kid=key(named).kid), claims(), key(signer).sign)
    assert refusal(crossed) == "wrong_algorithm"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_another_key_with_the_same_kid_is_refused(algorithm: str) -> None:
    assert refusal(forge(header(algorithm), claims(), key(algorithm, 1).sign)) == "bad_signature"


@pytest.mark.parametrize("kid", ["", "../../etc/passwd", "' OR 1=1", "\N{ZERO WIDTH SPACE}", "k" * 43])
def test_an_unknown_kid_has_no_key(kid: str) -> None:
    assert refusal(forge(header("ES256", kid=kid), claims(), key("ES256").sign)) in (
        "unknown_key",
        "malformed",
    )


def test_a_missing_kid_has_no_key_where_there_are_several() -> None:
    assert refusal(forge(header("ES256", kid=None), claims(), key("ES256").sign)) == "unknown_key"


def test_a_missing_kid_is_tried_on_the_only_key_alone() -> None:
    only = KeySet([key("ES256").public()])
    signed = forge(header("ES256", kid=None), claims(), key("ES256").sign)
    assert verify(signed, only, EXPECTATION, NOW) == claims()
    assert refusal(forge(header("ES256", kid=None), claims(), key("ES256", 1).sign), only) == "bad_signature"


def test_an_empty_key_set_admits_nothing() -> None:
    assert refusal(good(), KeySet([])) == "unknown_key"


@pytest.mark.parametrize("parameter", ["jwk", "jku", "x5c", "x5u"])
def test_a_key_that_the_token_brings_is_not_taken(parameter: str) -> None:
    attacker = generate("ES256")
    value: Any = {
        "jwk": attacker.public().jwk(),
        "jku": "https://attacker.example/jwks.json",
        "x5c": ["AAAA"],
        "x5u": "https://attacker.example/chain.pem",
    }[parameter]
    signed = forge(header("ES256", **{parameter: value}), claims(), attacker.sign)
    assert refusal(signed) == "malformed"
    unnamed = forge(header("ES256", kid=None, **{parameter: value}), claims(), attacker.sign)
    assert refusal(unnamed, KeySet([key("ES256").public()])) == "malformed"


@pytest.mark.parametrize("crit", [["exp"], ["b64"], ["unknown"], [], "exp", None])
def test_a_critical_extension_is_refused(crit: object) -> None:
    content = header("ES256") | {"crit": crit}
    assert refusal(forge(content, claims(), key("ES256").sign)) == "malformed"


def test_an_unencoded_payload_is_refused() -> None:
    head = segment(header("ES256") | {"b64": False, "crit": ["b64"]})
    payload = json.dumps(claims()).encode()
    signature = segment(key("ES256").sign(head + b"." + payload))
    assert refusal(b".".join((head, payload, signature))) == "malformed"


def test_a_detached_payload_is_refused() -> None:
    head, _, signature = good().split(".")
    assert refusal(f"{head}..{signature}") == "malformed"


def test_rsa_pss_is_not_pkcs1() -> None:
    native = key("RS256").native
    assert isinstance(native, rsa.RSAPrivateKey)

    def pss(data: bytes) -> bytes:
        return native.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())

    assert refusal(forge(header("RS256"), claims(), pss)) == "bad_signature"
    assert refusal(forge(header("RS256", alg="PS256"), claims(), pss)) == "wrong_algorithm"


@pytest.mark.parametrize(
    "digest", [hashes.SHA1(), hashes.SHA384(), hashes.SHA512()], ids=lambda digest: digest.name
)
def test_another_digest_is_refused(digest: hashes.HashAlgorithm) -> None:
    native = key("RS256").native
    assert isinstance(native, rsa.RSAPrivateKey)
    signed = forge(header("RS256"), claims(), lambda data: native.sign(data, padding.PKCS1v15(), digest))
    assert refusal(signed) == "bad_signature"


def test_a_der_signature_is_not_the_raw_one() -> None:
    native = key("ES256").native
    assert isinstance(native, ec.EllipticCurvePrivateKey)
    signed = forge(header("ES256"), claims(), lambda data: native.sign(data, ec.ECDSA(hashes.SHA256())))
    assert refusal(signed) == "bad_signature"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_truncation_is_refused(algorithm: str) -> None:
    token = good(algorithm)
    for end in range(len(token)):
        refusal(token[:end])
        refusal(token[end + 1 :])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_change_of_one_character_is_refused(algorithm: str) -> None:
    token = good(algorithm)
    for at, old in enumerate(token):
        flipped = chr(ord(old) ^ 1)
        for new in {flipped, old.swapcase(), "A", ".", "-", "", old * 2} - {old}:
            refusal(token[:at] + new + token[at + 1 :])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_spelling_of_the_last_characters_is_refused(algorithm: str) -> None:
    head, payload, signature = good(algorithm).split(".")
    for new in string.ascii_letters + string.digits + "-_+/= ":
        for parts in ((head[:-1] + new, payload, signature), (head, payload[:-1] + new, signature)):
            if parts != (head, payload, signature):
                refusal(".".join(parts))
        if new != signature[-1]:
            refusal(f"{head}.{payload}.{signature[:-1]}{new}")


@pytest.mark.parametrize("spoil", ["{} ", " {}", "{}\n", "{}=", "{}.", ".{}", "{}\0", "Bearer {}", '"{}"'])
def test_nothing_may_stand_around_a_token(spoil: str) -> None:
    assert refusal(spoil.format(good())) == "malformed"


def test_parts_of_two_good_tokens_do_not_mix() -> None:
    first, second = good().split("."), build(claims(sub="admin"), key("ES256"), "at+jwt").split(".")
    assert refusal(".".join((first[0], second[1], first[2]))) == "bad_signature"


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(json.dumps(claims())[:-1].encode() + b',"aud":"https://api.example"}', id="aud twice"),
        pytest.param(json.dumps(claims())[:-1].encode() + b',"exp":99999999999}', id="exp twice"),
        pytest.param(json.dumps(claims())[:-1].encode() + b',"x":NaN}', id="NaN"),
        pytest.param(json.dumps(claims())[:-1].encode() + b',"x":1e999}', id="a huge number"),
        pytest.param(
            json.dumps(claims())[:-1].encode() + b',"x":' + b"[" * 2000 + b"]" * 2000 + b"}", id="deep"
        ),
        pytest.param(json.dumps(claims())[:-1].encode() + b',"x":' + b"[" * 5000, id="deep and open"),
        pytest.param(json.dumps(claims())[:-1].encode() + b',"x":"\xff"}', id="not UTF-8"),
        pytest.param(json.dumps([claims()]).encode(), id="a list"),
        pytest.param(json.dumps(json.dumps(claims())).encode(), id="text"),
        pytest.param(b"null", id="null"),
        pytest.param(b"0", id="zero"),
        pytest.param(json.dumps(claims()).encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf" + json.dumps(claims()).encode(), id="byte order mark"),
    ],
)
def test_claims_that_two_readers_could_read_differently_are_refused(payload: bytes) -> None:
    """They are signed: even an issuer cannot make us read them."""
    assert refusal(forge(header("EdDSA"), payload, key("EdDSA").sign)) == "malformed"


@pytest.mark.parametrize("size", [8193, 100_000, 5_000_000])
def test_a_large_token_is_refused_before_it_is_decoded(size: int) -> None:
    looked_up = []
    with pytest.raises(TokenFault) as caught:
        verify("A" * size, looked_up.append, EXPECTATION, NOW)
    assert caught.value.reason == "malformed"
    assert looked_up == []


@pytest.mark.parametrize("prefix", ["", "e30.", "e30.e30."])
def test_many_dots_are_refused(prefix: str) -> None:
    assert refusal(prefix + "." * 8000) == "malformed"


def test_an_encrypted_token_is_refused() -> None:
    assert refusal("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkExMjhHQ00ifQ.AAAA.AAAA.AAAA.AAAA") == "malformed"


def test_the_json_serialization_with_no_signatures_is_refused() -> None:
    payload = segment(claims()).decode()
    assert refusal(json.dumps({"payload": payload, "signatures": []})) == "malformed"
