from __future__ import annotations

import copy
import pickle
import traceback
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from mintmark.jose import base64url
from mintmark.jose.jwk import KeyFault, PrivateKey, PublicKey, UnsupportedKey, generate, parse_jwk, thumbprint
from tests.jose.samples import ALGORITHMS, key

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
DATA = b"header.payload"


def b64(number: int, length: int | None = None) -> str:
    size = length or (number.bit_length() + 7) // 8
    return base64url.encode(number.to_bytes(size, "big")).decode()


def rsa_jwk(bits: int, exponent: int = 65537) -> dict[str, Any]:
    """A public key of exactly `bits`; nobody needs to have its private half."""
    return {"kty": "RSA", "n": b64((1 << bits) - 1), "e": b64(exponent)}


def swapped(jwk: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {name: value for name, value in (jwk | changes).items() if value is not None}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_verifies_its_own_signature_and_no_other(algorithm: str) -> None:
    private = key(algorithm)
    signature = private.sign(DATA)
    assert private.public().verify(signature, DATA)
    assert not private.public().verify(signature, DATA + b"x")
    assert not key(algorithm, 1).public().verify(signature, DATA)
    assert not private.public().verify(b"", DATA)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_public_key_survives_its_jwk(algorithm: str) -> None:
    public = key(algorithm).public()
    jwk = public.jwk()
    assert parse_jwk(jwk) == public
    assert hash(parse_jwk(jwk)) == hash(public)
    assert (jwk["use"], jwk["alg"], jwk["kid"]) == ("sig", algorithm, public.kid)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_private_key_survives_its_der(algorithm: str) -> None:
    private = key(algorithm)
    again = PrivateKey.from_der(private.to_der(), private.algorithm, private.kid)
    assert again.public() == private.public()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_generated_key_is_named_by_its_thumbprint(algorithm: str) -> None:
    private = key(algorithm)
    assert private.kid == thumbprint(private.public())
    assert private.kid != generate("ES256").kid


def test_no_generated_key_id_reads_as_an_option_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    hyphen, letter = (ed25519.Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (7, 8))
    made = iter((hyphen, letter))
    monkeypatch.setattr("mintmark.jose.jwk._generate", lambda algorithm: next(made))
    assert thumbprint(PrivateKey("", "EdDSA", hyphen).public()).startswith("-")
    assert generate("EdDSA").native is letter


def test_generated_rsa_keys_have_2048_bits() -> None:
    native = key("RS256").native
    assert isinstance(native, rsa.RSAPrivateKey)
    assert native.key_size == 2048


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_private_key_shows_and_copies_nothing(algorithm: str) -> None:
    private = key(algorithm)
    assert repr(private) == f"PrivateKey(kid={private.kid!r}, algorithm={algorithm!r})"
    assert str(private) == repr(private)
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            leak(private)


def test_a_damaged_private_key_is_refused_without_showing_it() -> None:
    der = key("ES256").to_der()
    with pytest.raises(KeyFault) as caught:
        PrivateKey.from_der(der[:-1], "ES256", "k")
    assert caught.value.__context__ is None
    assert der.hex() not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("other", ALGORITHMS)
def test_a_key_takes_only_the_algorithm_of_its_kind(algorithm: str, other: str) -> None:
    private = key(algorithm)
    if algorithm == other:
        return
    with pytest.raises(KeyFault, match="does not fit"):
        PrivateKey("k", other, private.native)  # type: ignore[arg-type]
    with pytest.raises(KeyFault, match="does not fit"):
        PublicKey("k", other, private.public().native)  # type: ignore[arg-type]
    with pytest.raises(KeyFault, match="does not fit"):
        PrivateKey.from_der(private.to_der(), other, "k")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "native",
    [
        pytest.param(ec.generate_private_key(ec.SECP384R1()), id="P-384"),
        pytest.param(ed448.Ed448PrivateKey.generate(), id="Ed448"),
        pytest.param(rsa.generate_private_key(65537, 1024), id="RSA with 1024 bits"),
        pytest.param(rsa.generate_private_key(3, 2048), id="RSA with exponent 3"),
    ],
)
def test_a_private_key_of_another_kind_or_strength_is_refused(native: Any) -> None:
    der = native.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    for algorithm in ALGORITHMS:
        with pytest.raises(KeyFault):
            PrivateKey.from_der(der, algorithm, "k")


def test_es256_signatures_have_64_octets_whatever_their_numbers() -> None:
    # One r or s in 128 is short in DER or needs its zero octet back; 400 signatures meet both.
    private = key("ES256")
    public = private.public()
    for number in range(400):
        data = b"%d" % number
        signature = private.sign(data)
        assert len(signature) == 64
        assert public.verify(signature, data)


@pytest.mark.parametrize(
    ("r", "s"),
    [(0, 0), (0, 1), (1, 0), (P256_ORDER, 1), (1, P256_ORDER), (2**256 - 1, 2**256 - 1), (1, 1)],
)
def test_es256_refuses_numbers_out_of_range(r: int, s: int) -> None:
    assert not key("ES256").public().verify(r.to_bytes(32, "big") + s.to_bytes(32, "big"), DATA)


def test_es256_refuses_other_lengths_and_der() -> None:
    private = key("ES256")
    signature = private.sign(DATA)
    assert isinstance(private.native, ec.EllipticCurvePrivateKey)
    der = private.native.sign(DATA, ec.ECDSA(hashes.SHA256()))
    longer = signature[:32] + b"\0" + signature[32:]  # the same two numbers
    for wrong in (longer, signature[:-1], signature + b"\0", b"\0" + signature, signature[:32], der):
        assert not private.public().verify(wrong, DATA)


@given(st.binary(max_size=300))
@settings(max_examples=60)
def test_no_random_signature_is_valid_or_raises(signature: bytes) -> None:
    for algorithm in ALGORITHMS:
        assert not key(algorithm).public().verify(signature, DATA)


def test_an_rsa_key_without_alg_is_rs256() -> None:
    assert parse_jwk(rsa_jwk(2048)).algorithm == "RS256"


def test_a_key_without_kid_is_named_by_its_thumbprint() -> None:
    jwk = swapped(key("EdDSA").public().jwk(), kid=None)
    assert parse_jwk(jwk).kid == key("EdDSA").kid


@pytest.mark.parametrize("bits", [2048, 8192])
def test_rsa_sizes_at_the_bounds_are_admitted(bits: int) -> None:
    assert parse_jwk(rsa_jwk(bits)).algorithm == "RS256"


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param(rsa_jwk(2047), id="RSA with 2047 bits"),
        pytest.param(rsa_jwk(8193), id="RSA with 8193 bits"),
        pytest.param(rsa_jwk(40_000), id="RSA with 40,000 bits"),
        pytest.param(rsa_jwk(2048, 3), id="RSA exponent 3"),
        pytest.param(rsa_jwk(2048, 65535), id="RSA exponent below 65537"),
        pytest.param(rsa_jwk(2048, 2**32 + 1), id="RSA exponent of more than 32 bits"),
        pytest.param(rsa_jwk(2048) | {"alg": "PS256"}, id="RSA for PS256"),
        pytest.param(rsa_jwk(2048) | {"alg": "RS512"}, id="RSA for RS512"),
        pytest.param(rsa_jwk(2048) | {"alg": "HS256"}, id="RSA for HS256"),
        pytest.param(rsa_jwk(2048) | {"alg": None}, id="alg null"),
        pytest.param(rsa_jwk(2048) | {"use": "enc"}, id="for encryption"),
        pytest.param(rsa_jwk(2048) | {"key_ops": ["encrypt"]}, id="key_ops without verify"),
        pytest.param(rsa_jwk(2048) | {"key_ops": "verify"}, id="key_ops that is no list"),
        pytest.param({"kty": "oct", "k": "AAAA"}, id="a symmetric key"),
        pytest.param({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}, id="P-384"),
        pytest.param({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}, id="secp256k1"),
        pytest.param({"kty": "OKP", "crv": "X25519", "x": "AA"}, id="X25519"),
        pytest.param({"kty": "OKP", "crv": ["Ed25519"], "x": "AA"}, id="crv that is no text"),
        pytest.param({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"}, id="a kind to come"),
    ],
)
def test_kinds_that_are_not_used_here_are_told_apart(jwk: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedKey):
        parse_jwk(jwk)


def damaged() -> list[Any]:
    es, ed = key("ES256").public().jwk(), key("EdDSA").public().jwk()
    point = int.from_bytes(base64url.decode(es["x"].encode()), "big")
    cases = {
        "no kty": swapped(es, kty=None),
        "kty that is no text": swapped(es, kty=5),
        "empty": {},
        "kid empty": swapped(es, kid=""),
        "kid that is no text": swapped(es, kid=7),
        "x missing": swapped(es, x=None),
        "x empty": swapped(es, x=""),
        "x padded": swapped(es, x=es["x"] + "="),
        "x not base64url": swapped(es, x="é" * 43),
        "x a lone surrogate": swapped(es, x="\ud800" * 43),
        "x of 31 octets": swapped(es, x=b64(1, 31)),
        "x of 33 octets": swapped(es, x=b64(point, 33)),
        "a point that is not on the curve": swapped(es, y=es["x"]),
        "coordinates beyond the field": swapped(es, x=b64(2**256 - 1), y=b64(2**256 - 1)),
        "the origin": swapped(es, x=b64(0, 32), y=b64(0, 32)),
        "Ed25519 of 31 octets": swapped(ed, x=b64(1, 31)),
        "RSA modulus missing": {"kty": "RSA", "e": "AQAB"},
        "RSA exponent zero": {"kty": "RSA", "n": b64(2**2048 - 1), "e": "AA"},
        "RSA modulus with a leading zero octet": {"kty": "RSA", "n": b64(2**2048 - 1, 257), "e": "AQAB"},
        "an EC key with its private member": swapped(es, d=b64(1, 32)),
        "an Ed25519 key with its private member": swapped(ed, d=b64(1, 32)),
        "an RSA key with private primes": rsa_jwk(2048) | {"p": "AQ", "q": "AQ"},
        "a public key with a symmetric member": swapped(es, k="AAAA"),
    }
    return [pytest.param(jwk, id=name) for name, jwk in cases.items()]


@pytest.mark.parametrize("jwk", damaged())
def test_damaged_and_private_keys_are_refused(jwk: dict[str, Any]) -> None:
    with pytest.raises(KeyFault) as caught:
        parse_jwk(jwk)
    assert not isinstance(caught.value, UnsupportedKey)


@pytest.mark.parametrize("exponent", [65538, 2**32 - 2])
def test_an_even_exponent_is_refused(exponent: int) -> None:
    with pytest.raises(KeyFault):
        parse_jwk(rsa_jwk(2048, exponent))


def test_an_even_modulus_is_refused() -> None:
    with pytest.raises(KeyFault):
        parse_jwk({"kty": "RSA", "n": b64(2**2048 - 2), "e": "AQAB"})


@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use", "key_ops", "d", "k"]),
        st.sampled_from(
            ["RSA", "EC", "OKP", "P-256", "Ed25519", "AQAB", "sig", "", 1, None, [], {}, "A" * 43]
        )
        | st.text(max_size=50),
    )
)
def test_any_mapping_is_a_key_or_a_key_fault(jwk: dict[str, Any]) -> None:
    with suppress(KeyFault):
        parse_jwk(jwk)


def test_ed25519_from_another_library_call_is_the_same_key() -> None:
    native = ed25519.Ed25519PrivateKey.generate()
    private = PrivateKey("k", "EdDSA", native)
    assert private.public().jwk()["x"] == base64url.encode(native.public_key().public_bytes_raw()).decode()
