"""What the guard is measured beside: bare signatures, the least that a verifier does, and other libraries."""

from __future__ import annotations

import json
from binascii import a2b_base64
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from mintmark.jose.jwk import PrivateKey
from mintmark.jose.jws import parse_compact
from mintmark.jose.key_set import KeySet

AUDIENCE = "https://api.example"
Check = Callable[[Any], object]
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def bare(key: PrivateKey, made: Sequence[str]) -> Check:
    """The signature alone, taken apart before the clock runs."""
    verify = _verification(key)
    parsed = {token: parse_compact(token) for token in made}
    parts = {token: (_native(key, one.signature), one.signing_input) for token, one in parsed.items()}
    return lambda token: verify(*parts[token])


def least(key: PrivateKey) -> Check:
    """What no verifier in Python can do without, in calls of compiled code, and nothing checked but the signature: the
    token's hash for the look-up, its parts, two of them decoded, and its claims read as JSON.
    """
    verify, read = _verification(key), json.JSONDecoder().raw_decode

    def check(headers: dict[str, str]) -> object:
        token = headers["Authorization"].encode("latin-1")[7:]
        sha256(token).digest()
        signed, _, signature = token.rpartition(b".")
        _, _, payload = signed.partition(b".")
        verify(_native(key, a2b_base64(signature.translate(_FROM_URL) + b"===")), signed)
        return read(a2b_base64(payload.translate(_FROM_URL) + b"===").decode())

    return check


def _verification(key: PrivateKey) -> Callable[[bytes, bytes], object]:
    native: Any = key.public().native
    if key.algorithm == "EdDSA":
        return native.verify  # type: ignore[no-any-return]
    scheme = (padding.PKCS1v15(), SHA256()) if key.algorithm == "RS256" else (ec.ECDSA(SHA256()),)
    return lambda signature, data: native.verify(signature, data, *scheme)


def _native(key: PrivateKey, signature: bytes) -> bytes:
    if key.algorithm != "ES256":
        return signature
    return encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))


def pyjwt(key: PrivateKey, iss: str) -> Check:
    """`PyJWKClient` and `decode`, as its documentation shows them."""
    import jwt

    client = jwt.PyJWKClient(f"{iss}/jwks.json", lifespan=3600)
    options: Any = {"require": ["exp", "iat", "sub", "jti"]}

    def check(token: str) -> object:
        found = client.get_signing_key_from_jwt(token)
        return jwt.decode(
            token, found, algorithms=[key.algorithm], audience=AUDIENCE, issuer=iss, options=options
        )

    return check


def joserfc(key: PrivateKey, iss: str) -> Check:
    """`jwt.decode` and a claims registry."""
    from joserfc import jwt
    from joserfc.jwk import KeySet as TheirKeySet

    keys = TheirKeySet.import_key_set(cast(Any, KeySet([key.public()]).jwks()))
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": iss},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
        sub={"essential": True},
    )

    def check(token: str) -> object:
        decoded = jwt.decode(token, keys, algorithms=[key.algorithm])
        registry.validate(decoded.claims)
        return decoded

    return check


def authlib(key: PrivateKey, iss: str) -> Check:
    """Its RFC 9068 validator, whose `get_jwks` gives keys that are already parsed."""
    from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
    from joserfc.jwk import KeySet as TheirKeySet

    keys = TheirKeySet.import_key_set(cast(Any, KeySet([key.public()]).jwks()))

    class Validator(JWTBearerTokenValidator):  # type: ignore[misc]
        def get_jwks(self) -> object:
            return keys

    validator = Validator(issuer=iss, resource_server=AUDIENCE)

    def check(token: str) -> object:
        claims = validator.authenticate_token(token)
        validator.validate_token(claims, [], None)
        return claims

    return check
