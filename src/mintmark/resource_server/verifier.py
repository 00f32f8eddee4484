"""One verifier in front of an API: from the Authorization header to a `Caller`, or an `OAuthError` of RFC
6750 §3.1.

It takes JWT access tokens of one issuer, opaque tokens of ours and, where the profile admits them, legacy
tokens by Basic. What cannot be checked is 503, never 401: a caller must not throw a good token away because a
key or a status is out of reach.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from mintmark.jose.access_token import verify
from mintmark.jose.jwk import PublicKey
from mintmark.jose.jws import TokenFault
from mintmark.resource_server.caller import Caller, caller_of, caller_of_facts, not_active, require
from mintmark.resource_server.profile import Profile
from mintmark.values.errors import OAuthError, invalid_token
from mintmark.values.secret import API_TOKEN, Secret, shape_of
from mintmark.values.token import TokenFacts
from mintmark.wire.basic import read_basic
from mintmark.wire.bearer import read_bearer
from mintmark.wire.http import Malformed

__all__ = ["Caller", "KeyAt", "TokenStatus", "Verifier", "require"]

KeyAt = Callable[[str | None, float], PublicKey | None]
"""From a token's ``kid`` and the time to the issuer's key, or None."""
RETRY_AFTER = 5


class TokenStatus(Protocol):
    """What only the issuer can say of a token."""

    async def jwt_active(self, claims: Mapping[str, object], now: float) -> bool:
        """Whether a JWT, already verified, still stands: nothing behind it is revoked or disabled."""
        ...

    async def opaque(self, token: Secret, now: float) -> TokenFacts | None:
        """The facts of a live opaque token, or None."""
        ...

    async def basic(self, token_id: str, secret: Secret, now: float, peer: str) -> TokenFacts | None:
        """The facts of a live legacy token by its id and secret, or None; may refuse a `peer` that guesses."""
        ...


class Verifier:
    """Checks the tokens of one issuer for one API. Raises ValueError when built without an issuer or an
    audience.

    `keys`: the issuer's published keys. `status`: what the issuer says of a token beyond its signature.
    `outages`: the exceptions by which `keys` and `status` say that they cannot tell.
    """

    __slots__ = ("_expectation", "_keys", "_outages", "_profile", "_status")

    def __init__(
        self,
        *,
        issuer: str,
        audiences: Sequence[str],
        profile: Profile,
        keys: KeyAt,
        status: TokenStatus,
        outages: tuple[type[Exception], ...] = (OSError,),
    ) -> None:
        if isinstance(audiences, str):
            raise ValueError("audiences is a list of audiences, not one text")
        self._expectation = profile.expectation(issuer, audiences)
        self._profile = profile
        self._keys = keys
        self._status = status
        self._outages = outages

    async def verify(self, authorization: Sequence[bytes], now: float, peer: str = "") -> Caller:
        """The caller that the values of the Authorization header prove. `peer`: its address. Raises OAuthError.

        401 without an error code when nothing was presented, ``invalid_token`` when it is not good, 503 with
        `retry_after` when that cannot be told.
        """
        try:
            if self._profile.basic and len(authorization) == 1:
                legacy = _read_legacy(authorization[0])
                if legacy is not None:
                    return self._known(await self._status.basic(*legacy, now, peer), now)
            token = read_bearer(authorization)
            shape = shape_of(token)
            if shape is not None and shape.prefix == API_TOKEN:
                return self._known(await self._status.opaque(Secret(token), now), now)
            return await self._jwt(token, now)
        except self._outages as outage:
            raise OAuthError(
                "temporarily_unavailable",
                503,
                "The token cannot be checked right now; try again later.",
                reason="status_unavailable",
                detail=type(outage).__name__,
                retry_after=RETRY_AFTER,
            ) from None

    async def _jwt(self, token: str, now: float) -> Caller:
        try:
            claims = verify(token, lambda kid: self._keys(kid, now), self._expectation, now)
        except TokenFault as fault:
            raise invalid_token(fault.sentence, reason=fault.reason) from None
        caller = caller_of(claims, self._profile, self._expectation.audiences)
        if not await self._status.jwt_active(claims, now):
            raise not_active()
        return caller

    def _known(self, facts: TokenFacts | None, now: float) -> Caller:
        return caller_of_facts(facts, self._expectation.issuer, self._expectation.audiences, now)


def _read_legacy(value: bytes) -> tuple[str, Secret] | None:
    try:
        pair = read_basic(value.strip(b" \t"))
    except Malformed as fault:
        raise invalid_token(str(fault), reason="malformed_header") from None
    return None if pair is None else (pair[0], Secret(pair[1]))
