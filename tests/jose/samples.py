"""Keys, claims and tokens that the tests of this layer share; the keys are made once per process."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

from mintmark.jose import base64url
from mintmark.jose.access_token import Expectation
from mintmark.jose.jwk import PrivateKey, generate
from mintmark.jose.key_set import KeySet

NOW = 1_800_000_000
ISSUER = "https://auth.example/t/acme/production"
AUDIENCE = "https://api.example"
ALGORITHMS = ("ES256", "RS256", "EdDSA")
EXPECTATION = Expectation(
    ISSUER,
    frozenset({AUDIENCE}),
    frozenset({"at+jwt"}),
    ("sub", "client_id", "iat", "jti"),
    max_lifetime=7200,
)


@cache
def _key(algorithm: str, number: int) -> PrivateKey:
    return generate(algorithm)  # type: ignore[arg-type]


def key(algorithm: str, number: int = 0) -> PrivateKey:
    """One of several keys of an algorithm, the same one each time."""
    return _key(algorithm, number)


@cache
def keys() -> KeySet:
    return KeySet([key(algorithm).public() for algorithm in ALGORITHMS])


def claims(**changes: object) -> dict[str, object]:
    """Good claims with changes; None takes a claim away."""
    good: dict[str, object] = {
        "iss": ISSUER,
        "sub": "reports",
        "aud": AUDIENCE,
        "client_id": "reports",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 3600,
        "jti": "0b7a2c5e",
        "scope": "read write",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def segment(value: object) -> bytes:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64url.encode(data)


def forge(header: object, payload: object, sign: Callable[[bytes], bytes] | None = None) -> str:
    """A token with any header and payload (bytes as they are, else as JSON), signed as told (not at all: b"")."""
    data = segment(header) + b"." + segment(payload)
    return (data + b"." + base64url.encode(sign(data) if sign else b"")).decode()


def header(algorithm: str, **changes: object) -> dict[str, object]:
    good: dict[str, object] = {"alg": algorithm, "typ": "at+jwt", "kid": key(algorithm).kid}
    return {name: value for name, value in (good | changes).items() if value is not None}
