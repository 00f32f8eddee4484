"""JSON Web Signature, compact serialization only (RFC 7515 §7.1): writing, and strict parsing without
judgement.

`parse_compact` says what a token claims to be; nothing in it is true before a key has verified the signature,
which is why programs call `access_token.verify` and not this.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from mintmark.jose import base64url
from mintmark.jose.json_object import parse_object
from mintmark.jose.jwk import PrivateKey

MAX_TOKEN_BYTES: Final = 8192
_MAX_HEADER_BYTES: Final = 1024
#: Everything else is refused: keys and their addresses (jwk, jku, x5u, x5c, x5t), what changes the meaning of
#: the rest (crit, b64, zip), and what nobody has told us about.
_KNOWN: Final = frozenset({"alg", "typ", "kid", "cty"})


class TokenFault(Exception):
    """A token is refused. `reason`: a stable word; `sentence`: public, with nothing of the token."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence

    def __repr__(self) -> str:
        return f"TokenFault({self.reason!r})"


@dataclass(frozen=True, slots=True)
class Header:
    """The parameters of a JWS header that have a meaning here (RFC 7515 §4.1)."""

    alg: str
    typ: str | None = None
    kid: str | None = None
    cty: str | None = None


class Parsed(NamedTuple):
    """A token taken apart, not yet verified."""

    header: Header
    payload: bytes
    signing_input: bytes
    signature: bytes

    def __repr__(self) -> str:
        return f"Parsed({self.header!r}, {len(self.payload)} bytes)"


def sign_compact(header_b64: bytes, payload: bytes, key: PrivateKey) -> str:
    """The compact serialization; `header_b64` is the encoded header and must name the algorithm of `key`."""
    signing_input = header_b64 + b"." + base64url.encode(payload)
    return (signing_input + b"." + base64url.encode(key.sign(signing_input))).decode("ascii")


def parse_compact(
    token: str | bytes, limit: int = MAX_TOKEN_BYTES, ignored: frozenset[str] = frozenset()
) -> Parsed:
    """The parts of a compact JWS of at most `limit` bytes. `ignored`: further header parameters that may stand
    there as text and mean nothing. Raises TokenFault (``malformed``).
    """
    if len(token) > limit:
        raise TokenFault("malformed", f"The token is longer than {limit} bytes.")
    header_b64 = signing_input = payload = signature = b""
    try:
        data = token if isinstance(token, bytes) else token.encode("ascii")
        signing_input, _, signature_b64 = data.rpartition(b".")
        header_b64, _, payload_b64 = signing_input.partition(b".")  # a third dot is not base64url
        payload, signature = base64url.decode(payload_b64), base64url.decode(signature_b64)
    except ValueError:
        signature = b""
    if not header_b64 or not payload or not signature:
        raise TokenFault("malformed", "The token is not three non-empty base64url parts joined by dots.")
    return Parsed(_header(header_b64, ignored), payload, signing_input, signature)


@lru_cache(maxsize=512)
def _header(encoded: bytes, ignored: frozenset[str]) -> Header:
    """One issuer's tokens share few headers, so each is read once."""
    members: dict[str, object] | None = None
    if len(encoded) <= _MAX_HEADER_BYTES:
        try:
            members = parse_object(base64url.decode(encoded))
        except ValueError:
            members = None
    if members is None:
        raise TokenFault("malformed", "The token's header is not a small JSON object in base64url.")
    if ignored:
        members = {
            name: value for name, value in members.items() if name not in ignored or type(value) is not str
        }
    if not members.keys() <= _KNOWN:
        raise TokenFault("malformed", "The token's header has a parameter other than alg, typ, kid and cty.")
    if "alg" not in members or not all(type(value) is str and value for value in members.values()):
        raise TokenFault("malformed", "The token's header lacks alg, or a parameter of it is not text.")
    return Header(**members)  # type: ignore[arg-type]  # every value is text, as the line above has seen
