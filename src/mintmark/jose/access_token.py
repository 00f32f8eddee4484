"""JWT access tokens (RFC 9068, RFC 7519): built with one call, and checked with one call, signature and
claims.

`verify` returns claims only of a token that is genuine, for this issuer and audience, of an admitted type and
valid at `now`; there is no way to get at the claims with less.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Final

from mintmark.jose import base64url
from mintmark.jose.json_object import parse_object
from mintmark.jose.jwk import PrivateKey, PublicKey
from mintmark.jose.jws import MAX_TOKEN_BYTES, TokenFault, parse_compact, sign_compact

KeyLookup = Callable[[str | None], PublicKey | None]
"""From a token's `kid` (None when it has none) to the key; a `KeySet` is one."""

_MAX_SECONDS: Final = 253402300799  # the end of the year 9999
_TEXT_CLAIMS: Final = ("sub", "client_id", "jti", "scope")
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a token must be. Raises ValueError when issuer, audiences or types are empty.

    `issuer`: exact `iss`. `audiences`: one of them must stand in `aud`. `types`: admitted `typ` in lower case
    without ``application/`` (RFC 7515 §4.1.9); ``""`` admits a token without `typ`. `required`: claims that
    must be present and not empty; `iss`, `aud` and `exp` always are. `leeway`: seconds that `nbf` and `iat`
    may lie ahead; `exp` has none. `max_lifetime`: the most seconds from `iat` to `exp`, or None. `limit`: the
    most bytes of a token. `audience_claim`: where the audience stands (Amazon Cognito: ``client_id``).
    `ignored`: header parameters beside the four that are passed over (Microsoft Entra ID: ``x5t``).
    """

    issuer: str
    audiences: frozenset[str]
    types: frozenset[str]
    required: tuple[str, ...] = ()
    leeway: int = 60
    max_lifetime: int | None = None
    limit: int = MAX_TOKEN_BYTES
    audience_claim: str = "aud"
    ignored: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if {type(self.audiences), type(self.types)} != {frozenset}:  # one text would be a set of letters
            raise ValueError("an expectation takes its audiences and types as frozensets")
        if not self.issuer or not self.audiences or not all(self.audiences) or not self.types:
            raise ValueError("an expectation needs an issuer, at least one audience and at least one type")


@lru_cache(maxsize=1024)
def _header(algorithm: str, typ: str, kid: str) -> bytes:
    return base64url.encode(_encode({"alg": algorithm, "typ": typ, "kid": kid}).encode("ascii"))


def build(claims: Mapping[str, object], key: PrivateKey, typ: str) -> str:
    """A signed token with these claims and the header `alg`, `typ`, `kid`.

    `typ`: ``at+jwt`` (RFC 9068 §2.1), or ``JWT`` for vendors whose pages show it (Omnissa Intelligence).
    Raises ValueError or TypeError when a claim cannot be written as JSON.
    """
    return build_of_members(members(claims), key, typ)


def members(claims: Mapping[str, object]) -> str:
    """The claims as JSON without the braces, for what stays the same from token to token."""
    return ",".join([_member(name) + _json(value) for name, value in claims.items()])


def build_of_members(text: str, key: PrivateKey, typ: str) -> str:
    """As `build`, of what `members` gave, and more of its kind joined by commas."""
    return sign_compact(_header(key.algorithm, typ, key.kid), f"{{{text}}}".encode("ascii"), key)


def _json(value: object) -> str:
    """Nearly every claim is text or a whole number, and an encoder of any tree costs several times as much."""
    if type(value) is str:
        return encode_basestring_ascii(value)
    return str(value) if type(value) is int else _encode(value)


@lru_cache(maxsize=1024)
def _member(name: str) -> str:
    return encode_basestring_ascii(name) + ":"


def verify(token: str | bytes, keys: KeyLookup, expectation: Expectation, now: float) -> Mapping[str, object]:
    """The claims of an access token that is all that `expectation` says at `now`.

    Raises TokenFault with one of the reasons ``malformed``, ``unknown_key``, ``wrong_algorithm``,
    ``bad_signature``, ``wrong_type``, ``missing_claim``, ``wrong_issuer``, ``wrong_audience``, ``expired``,
    ``not_yet_valid``, ``lifetime_too_long``, ``sender_constrained``. The key carries the algorithm; the
    header's must only agree with it.
    """
    header, payload, signing_input, signature = parse_compact(token, expectation.limit, expectation.ignored)
    key = keys(header.kid)
    if key is None:
        raise TokenFault("unknown_key", "The token names a key that its issuer does not publish.")
    if header.alg != key.algorithm:
        raise TokenFault("wrong_algorithm", "The token's algorithm is not the one of its key.")
    if not key.verify(signature, signing_input):
        raise TokenFault("bad_signature", "The token's signature is not valid.")
    if _media_type(header.typ) not in expectation.types:
        raise TokenFault(
            "wrong_type", "The token is not of an admitted type; this may not be an access token."
        )
    claims: dict[str, object] | None
    try:
        claims = parse_object(payload)
    except ValueError:
        claims = None
    if claims is None:
        raise TokenFault("malformed", "The token's claims are not a strict JSON object.")
    _check_claims(claims, expectation, now)
    return claims


@lru_cache(maxsize=64)
def _media_type(typ: str | None) -> str:
    return (typ or "").lower().removeprefix("application/")


def _check_claims(claims: Mapping[str, object], expectation: Expectation, now: float) -> None:
    issuer, audience = claims.get("iss"), claims.get(expectation.audience_claim)
    if issuer != expectation.issuer:
        raise TokenFault("wrong_issuer", "The token is from another issuer.")
    if type(audience) is str:
        fits = audience in expectation.audiences
    elif type(audience) is list and all(type(one) is str for one in audience):
        fits = not expectation.audiences.isdisjoint(audience)
    else:
        fits = False
    if not fits:
        raise TokenFault("wrong_audience", "The token is for another audience.")
    expires = _seconds(claims, "exp")
    if expires is None:
        raise TokenFault("missing_claim", "The token lacks the claim exp.")
    if now >= expires:  # RFC 7519 §4.1.4: on or after that time it is over
        raise TokenFault("expired", "The token has expired; obtain a new one.")
    not_before, issued = _seconds(claims, "nbf"), _seconds(claims, "iat")
    horizon = now + expectation.leeway
    if (not_before is not None and not_before > horizon) or (issued is not None and issued > horizon):
        raise TokenFault("not_yet_valid", "The token is not valid yet; check the clocks.")
    if "cnf" in claims:
        raise TokenFault(
            "sender_constrained", "The token is bound to a key and cannot be used as a plain Bearer token."
        )
    for name in expectation.required:
        if claims.get(name) in (None, "", []):
            raise TokenFault("missing_claim", f"The token lacks the claim {name}.")
    for name in _TEXT_CLAIMS:
        if name in claims and type(claims[name]) is not str:
            raise TokenFault("malformed", f"The token's claim {name} is not text.")
    if expectation.max_lifetime is not None:
        if issued is None:
            raise TokenFault("missing_claim", "The token lacks the claim iat.")
        if expires - issued > expectation.max_lifetime:
            raise TokenFault("lifetime_too_long", "The token lives longer than is admitted here.")


def _seconds(claims: Mapping[str, object], name: str) -> float | None:
    """A NumericDate (RFC 7519 §2): a whole number or a fraction, never a boolean."""
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if not (type(value) is int or type(value) is float) or not 0 <= value <= _MAX_SECONDS:
        raise TokenFault("malformed", f"The token's claim {name} is not a time in seconds.")
    return value
