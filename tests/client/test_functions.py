"""The named functions of dialects."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import cast

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from joserfc import jwt
from joserfc.jwk import OctKey, import_key

from mintmark.client.functions import named_functions

NOW = 1_700_000_000.5
FUNCTIONS = named_functions(lambda: NOW, lambda count: bytes(range(count)))
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@pytest.mark.parametrize(
    ("key", "kind", "algorithm"),
    [
        (RSA, "RSA", "RS256"),
        (ec.generate_private_key(ec.SECP256R1()), "EC", "ES256"),
        (ed25519.Ed25519PrivateKey.generate(), "OKP", "EdDSA"),
    ],
)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_jwt_signs_by_the_algorithm_of_its_key(key: rsa.RSAPrivateKey, kind: str, algorithm: str) -> None:
    claims = {"iss": "me", "aud": "https://vendor.example", "exp": "now+600", "iat": "now-60"}
    made = FUNCTIONS["jwt"]({"key": pem(key), "claims": claims, "kid": "k1"})
    read = jwt.decode(made, import_key(pem(key), kind), algorithms=[algorithm])  # type: ignore[arg-type]
    assert read.header == {"alg": algorithm, "typ": "JWT", "kid": "k1"}
    assert read.claims["exp"] == int(NOW) + 600
    assert read.claims["iat"] == int(NOW) - 60
    assert read.claims["iss"] == "me"
    assert len(cast(str, read.claims["jti"])) == 22


def test_jwt_with_a_shared_secret() -> None:
    made = FUNCTIONS["jwt"](
        {"alg": "HS256", "key": "s" * 32, "claims": {"ClientID": "me"}, "lifetime": "120"}
    )
    read = jwt.decode(made, OctKey.import_key("s" * 32))
    assert read.claims["ClientID"] == "me"
    assert read.claims["exp"] == int(NOW) + 120


def test_hmac_is_what_shopifys_filter_makes() -> None:
    # RFC 4231, test case 2
    made = FUNCTIONS["hmac"]({"key": "Jefe", "text": "what do ya want for nothing?"})
    assert made == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    encoded = FUNCTIONS["hmac"]({"key": "Jefe", "text": "what do ya want for nothing?", "encoding": "base64"})
    assert b64decode(encoded).hex() == made


def test_hash_knows_what_vendors_ask_for() -> None:
    assert FUNCTIONS["hash"]({"text": "abc"}).startswith("ba7816bf")
    assert (
        FUNCTIONS["hash"]({"text": "abc", "algorithm": "md5", "encoding": "HEX"})
        == "900150983CD24FB0D6963F7D28E17F72"
    )


def test_rsa_sign_and_encrypt() -> None:
    signature = b64decode(FUNCTIONS["rsa-sign"]({"key": pem(RSA), "text": "hello"}))
    RSA.public_key().verify(signature, b"hello", padding.PKCS1v15(), hashes.SHA256())
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    for word, pad in (("oaep", oaep), ("pkcs1", padding.PKCS1v15())):
        sealed = FUNCTIONS["rsa-encrypt"]({"key": public_pem(RSA), "text": "hello", "padding": word})
        assert RSA.decrypt(b64decode(sealed), pad) == b"hello"


def test_uuid_now_and_mask() -> None:
    assert FUNCTIONS["uuid"]({}) == "00010203-0405-4607-8809-0a0b0c0d0e0f"
    assert FUNCTIONS["now"]({}) == "1700000000"
    assert FUNCTIONS["now"]({"format": "milliseconds"}) == "1700000000500"
    assert FUNCTIONS["now"]({"format": "rfc3339"}) == "2023-11-14T22:13:20Z"
    assert FUNCTIONS["now"]({"format": "%Y%m%d%H"}) == "2023111422"
    assert FUNCTIONS["mask"]({"text": "secret-1234"}) == "*******1234"
    assert FUNCTIONS["mask"]({"text": "abc", "shown": "0"}) == "***"


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("jwt", {}, "needs 'key'"),
        ("jwt", {"key": "no key"}, "in PEM"),
        ("jwt", {"key": "x", "claims": "iss"}, "'claims' must be a table"),
        ("jwt", {"key": pem(RSA), "alg": "none"}, "'alg' must be"),
        ("jwt", {"key": pem(RSA), "lifetime": "soon"}, "'lifetime' must be"),
        ("hmac", {"key": "k"}, "needs 'text'"),
        ("hmac", {"key": "k", "text": "t", "algorithm": "crc"}, "'algorithm' must be"),
        ("hash", {"text": "t", "encoding": "rot13"}, "'encoding' must be"),
        ("rsa-sign", {"key": pem(ec.generate_private_key(ec.SECP256R1())), "text": "t"}, "RSA private key"),
        ("rsa-encrypt", {"key": "no key", "text": "t"}, "RSA public key"),
        ("rsa-encrypt", {"key": public_pem(RSA), "text": "t", "padding": "none"}, "'padding' must be"),
    ],
)
def test_an_argument_at_fault_is_named_and_not_shown(
    name: str, arguments: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence) as told:
        FUNCTIONS[name](arguments)
    assert "BEGIN" not in str(told.value)
    assert json.dumps(str(told.value))
