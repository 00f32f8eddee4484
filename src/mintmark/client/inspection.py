"""What a token says of itself, and what is wrong with that: decoded leniently, judged strictly, for people to read.

Nothing here decides whether a token is let in; that is `jose.access_token.verify`. The signature is never shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from mintmark.jose import base64url
from mintmark.jose.json_object import parse_object
from mintmark.jose.jws import TokenFault, parse_compact
from mintmark.jose.key_set import KeySet

LARGEST = 65536
_END_OF_TIME = 253402300799
_TIMES = ("exp", "nbf", "iat", "auth_time")


@dataclass(frozen=True, slots=True)
class Fault:
    """`reason`: a stable word. `sentence`: what is wrong, with nothing secret."""

    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Inspected:
    """`signature`: ``not checked``, ``good``, ``bad``, ``unknown key`` or ``none``. Claims are not secret; the
    token is.
    """

    is_jwt: bool
    header: Mapping[str, object] = field(default_factory=dict)
    claims: Mapping[str, object] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    signature: str = "not checked"

    @property
    def audiences(self) -> tuple[str, ...]:
        """What stands in `aud`."""
        audience = self.claims.get("aud")
        if isinstance(audience, str):
            return (audience,)
        return tuple(str(one) for one in audience) if isinstance(audience, list) else ()

    @property
    def summary(self) -> str:
        """One line of it."""
        parts = [f"a JWT from {self.claims.get('iss', 'nobody')}"]
        if self.audiences:
            parts.append(f"for {', '.join(self.audiences)}")
        scope = self.claims.get("scope")
        if scope:
            parts.append(f"with scope {scope if isinstance(scope, str) else json.dumps(scope)}")
        return " ".join(parts)

    def instant(self, name: str) -> float | None:
        """A time among the claims, or None."""
        return _seconds(self.claims.get(name))


def cleaned(text: str) -> str:
    """The token in what somebody pasted: a whole header line, quotes and white space around it are taken away."""
    text = text.strip().strip("\"'").strip()
    for prefix in ("authorization:", "bearer "):
        if text.lower().startswith(prefix):
            text = text[len(prefix) :].strip()
    return text


def inspect(
    token: str,
    now: float,
    keys: KeySet | None = None,
    issuer: str | None = None,
    audience: str | None = None,
) -> Inspected:
    """Decode a token and say all that is wrong with it. `keys`: of the issuer; without them the signature is not
    checked. `issuer` and `audience`: what it should be. Raises nothing for whatever text it is given.
    """
    parts = token.split(".")
    if len(token) > LARGEST or not token.isascii() or len(parts) not in (3, 5) or not parts[0]:
        faults = (
            [Fault("malformed", "It holds blanks or characters that no token has.")] if _odd(token) else []
        )
        if parts[0].startswith("eyJ"):
            faults.append(Fault("malformed", "It begins like a JWT but is not three parts joined by dots."))
        return Inspected(False, faults=tuple(faults))
    header = _object(parts[0])
    if len(parts) == 5:
        fault = Fault("encrypted", "It is encrypted (JWE); only the API that it is for can read it.")
        return Inspected(True, header or {}, faults=(fault,))
    claims = _object(parts[1])
    faults = []
    if header is None:
        faults.append(Fault("malformed", "Its header is not a JSON object in base64url."))
    if claims is None:
        faults.append(Fault("malformed", "Its claims are not a JSON object in base64url."))
    if header is None or claims is None:
        return Inspected(True, header or {}, claims or {}, tuple(faults))
    faults += _of_header(header, parts[2])
    faults += _of_times(claims, now)
    if issuer is not None and claims.get("iss") != issuer:
        faults.append(Fault("wrong_issuer", f"It is not from {issuer}."))
    found = Inspected(True, header, claims)
    if audience is not None and audience not in found.audiences:
        faults.append(Fault("wrong_audience", f"It is not for {audience}."))
    for name in ("iss", "aud", "exp"):
        if name not in claims:
            faults.append(Fault("missing_claim", f"It lacks the claim {name}, which an access token has."))
    signature = "none" if not parts[2] else "not checked"
    if keys is not None and parts[2]:
        signature, wrong = _verified(token, keys)
        faults += wrong
    return Inspected(True, header, claims, tuple(faults), signature)


def _verified(token: str, keys: KeySet) -> tuple[str, list[Fault]]:
    try:
        header, _, signing_input, signature = parse_compact(token, LARGEST, frozenset({"x5t", "x5t#S256"}))
    except TokenFault as fault:
        return "bad", [Fault(fault.reason, fault.sentence)]
    found = keys(header.kid)
    if found is None:
        return "unknown key", [Fault("unknown_key", "It names a key that its issuer does not publish.")]
    if header.alg != found.algorithm:
        return "bad", [Fault("wrong_algorithm", "Its algorithm is not the one of its key.")]
    if not found.verify(signature, signing_input):
        return "bad", [Fault("bad_signature", "Its signature is not valid: it was changed or forged.")]
    return "good", []


def _of_header(header: Mapping[str, object], signature: str) -> list[Fault]:
    faults = []
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm.lower() == "none" or not signature:
        faults.append(Fault("unsigned", "It is not signed, so that anybody can have made it."))
    elif algorithm.startswith("HS"):
        faults.append(
            Fault(
                "symmetric", f"It is signed by a shared secret ({algorithm}): who can check it can forge it."
            )
        )
    typ = str(header.get("typ", "")).lower().removeprefix("application/")
    if typ not in ("at+jwt", "jwt", ""):
        faults.append(Fault("wrong_type", f"Its type is {typ}: this may not be an access token."))
    return faults


def _of_times(claims: Mapping[str, object], now: float) -> list[Fault]:
    faults = [
        Fault("malformed", f"Its claim {name} is not a time in seconds.")
        for name in _TIMES
        if name in claims and _seconds(claims[name]) is None
    ]
    expires, not_before, issued = (_seconds(claims.get(name)) for name in ("exp", "nbf", "iat"))
    if expires is not None and now >= expires:
        faults.append(Fault("expired", "It has expired."))
    if not_before is not None and not_before > now + 60:
        faults.append(Fault("not_yet_valid", "It is not valid yet."))
    elif issued is not None and issued > now + 60:
        faults.append(Fault("not_yet_valid", "It was issued in the future: the clocks differ."))
    return faults


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _END_OF_TIME:
        return None
    return value


def _object(part: str) -> dict[str, object] | None:
    try:
        return parse_object(base64url.decode(part.encode("ascii")))
    except ValueError:
        return None


def _odd(token: str) -> bool:
    return not token.isascii() or not token.isprintable() or " " in token or not token
