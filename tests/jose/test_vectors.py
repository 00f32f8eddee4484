"""The published examples of RFC 7515, RFC 7638 and RFC 8037."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from mintmark.jose import base64url, jwk, jws

DATA = Path(__file__).parent / "data"
SIGNATURES = json.loads((DATA / "signatures.json").read_text())
THUMBPRINTS = json.loads((DATA / "thumbprints.json").read_text())


def number(text: str) -> int:
    return int.from_bytes(base64url.decode(text.encode()), "big")


def private_key(vector: dict[str, Any]) -> jwk.PrivateKey:
    """The key of an example from its published private value."""
    native: Any
    if vector["algorithm"] == "RS256":
        n, e, d = number(vector["jwk"]["n"]), number(vector["jwk"]["e"]), number(vector["d"])
        p, q = rsa.rsa_recover_prime_factors(n, e, d)
        numbers = rsa.RSAPrivateNumbers(
            p,
            q,
            d,
            rsa.rsa_crt_dmp1(d, p),
            rsa.rsa_crt_dmq1(d, q),
            rsa.rsa_crt_iqmp(p, q),
            rsa.RSAPublicNumbers(e, n),
        )
        native = numbers.private_key()
    elif vector["algorithm"] == "ES256":
        native = ec.derive_private_key(number(vector["d"]), ec.SECP256R1())
    else:
        native = ed25519.Ed25519PrivateKey.from_private_bytes(base64url.decode(vector["d"].encode()))
    return jwk.PrivateKey("example", vector["algorithm"], native)


@pytest.mark.parametrize("vector", SIGNATURES, ids=lambda vector: vector["source"])
def test_the_published_signature_is_valid(vector: dict[str, Any]) -> None:
    parsed = jws.parse_compact(vector["token"])
    key = jwk.parse_jwk(vector["jwk"])
    assert parsed.header.alg == key.algorithm == vector["algorithm"]
    assert parsed.payload.decode() == vector["payload"]
    assert key.verify(parsed.signature, parsed.signing_input)


@pytest.mark.parametrize("vector", SIGNATURES, ids=lambda vector: vector["source"])
def test_signing_with_the_published_key_gives_the_published_token(vector: dict[str, Any]) -> None:
    private = private_key(vector)
    assert private.public().jwk().items() >= vector["jwk"].items()
    token = jws.sign_compact(vector["token"].split(".")[0].encode(), vector["payload"].encode(), private)
    if vector["deterministic"]:
        assert token == vector["token"]
    else:
        assert token.split(".")[:2] == vector["token"].split(".")[:2]
        again = jws.parse_compact(token)
        assert jwk.parse_jwk(vector["jwk"]).verify(again.signature, again.signing_input)


@pytest.mark.parametrize("vector", THUMBPRINTS, ids=lambda vector: vector["source"])
def test_the_published_thumbprint_comes_out(vector: dict[str, Any]) -> None:
    assert jwk.thumbprint(jwk.parse_jwk(vector["jwk"])) == vector["thumbprint"]
