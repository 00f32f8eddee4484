"""Introspection (RFC 7662): what a token is good for, told to the resource server that it is meant for and nobody else.

A client that `protects` an audience may ask about that audience's tokens; about any other token, as about one that is
not good, the answer is ``{"active": false}``. On request the answer is a signed JWT (RFC 9701).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from mintmark.authorization_server.client_endpoint import NO_STORE, Inquiry
from mintmark.authorization_server.limits import Limits
from mintmark.authorization_server.ports import Ports
from mintmark.authorization_server.statements import signed
from mintmark.authorization_server.token_status import TokenStatus
from mintmark.jose.access_token import Expectation, verify
from mintmark.jose.jws import TokenFault
from mintmark.values.errors import OAuthError
from mintmark.values.secret import API_TOKEN, Secret, shape_of
from mintmark.values.token import TokenFacts
from mintmark.wire.http import HttpResponse

#: The `typ` and media type of a signed answer (RFC 9701 §5).
TYPE = "token-introspection+jwt"
#: `token_type_hint` of a legacy token, presented as ``id:secret`` (Fyma).
LEGACY_HINT = "legacy_basic"
#: Questions per client and minute; a guard asks once per token and half a minute.
QUESTIONS_PER_MINUTE = 12_000
_TYPES = frozenset({"at+jwt", "jwt"})
_INACTIVE: Mapping[str, object] = {"active": False}


@dataclass(frozen=True, slots=True)
class Introspection:
    """The answer of a `ClientEndpoint`."""

    ports: Ports
    limits: Limits

    async def answer(self, inquiry: Inquiry) -> HttpResponse:
        """The members of RFC 7662 §2.2. Raises OAuthError, StorageUnavailable, Busy."""
        client = inquiry.client
        if not client.protects:
            raise OAuthError(
                "unauthorized_client",
                403,
                "This client stands in front of no API; it may not ask about tokens.",
                reason="not_a_protected_resource",
            )
        await self.limits.pace_questions("introspection", client, QUESTIONS_PER_MINUTE, inquiry.now)
        members = await self._members(inquiry)
        if TYPE in {kind.partition(";")[0].strip().lower() for kind in _accepted(inquiry.accept)}:
            claims = {
                "iss": inquiry.view.environment.issuer,
                "aud": client.client_id,
                "iat": int(inquiry.now),
                "token_introspection": members,
            }
            body = signed(inquiry.view, claims, TYPE, inquiry.now).encode("ascii")
            return HttpResponse(200, ((b"content-type", b"application/" + TYPE.encode()), *NO_STORE), body)
        body = json.dumps(members, separators=(",", ":")).encode("ascii")
        return HttpResponse(200, ((b"content-type", b"application/json"), *NO_STORE), body)

    async def _members(self, inquiry: Inquiry) -> Mapping[str, object]:
        status = TokenStatus(self.ports, inquiry.view.environment.id)
        text = inquiry.token.reveal()
        if inquiry.hint == LEGACY_HINT and ":" in text:
            token_id, _, secret = text.partition(":")
            # The guard does not say who presented it, so guesses count for the guard and the token.
            asker = f"client:{inquiry.client.client_id}"
            try:
                return _told(inquiry, await status.basic(token_id, Secret(secret), inquiry.now, asker))
            except OAuthError:  # too many guesses: a refusal of all questions would help who guesses
                return _INACTIVE
        shape = shape_of(text)
        if shape is not None and shape.prefix == API_TOKEN:
            return _told(inquiry, await status.opaque(inquiry.token, inquiry.now))
        keyring, now = inquiry.view.keyring, inquiry.now
        expected = Expectation(
            inquiry.view.environment.issuer,
            frozenset(inquiry.client.protects),
            _TYPES,
            ("client_id", "jti", "iat"),
        )
        try:
            claims = verify(text, lambda kid: keyring.public_key(kid, now), expected, now)
        except TokenFault:
            return _INACTIVE
        if not await status.jwt_active(claims, now):
            return _INACTIVE
        return {**claims, "active": True, "token_type": "Bearer"}


def _told(inquiry: Inquiry, facts: TokenFacts | None) -> Mapping[str, object]:
    """The members for a token that was looked up, if it is for an API of the client's."""
    if facts is None or facts.audience not in inquiry.client.protects:
        return _INACTIVE
    members: dict[str, object] = {
        "active": True,
        "scope": " ".join(facts.scopes),
        "client_id": facts.client_id,
        "token_type": "Bearer",
        "exp": facts.expires_at,
        "iat": facts.issued_at,
        "sub": facts.subject,
        "aud": facts.audience,
        "iss": facts.issuer,
        "jti": facts.token_id,
        "mm_tenant": facts.tenant,
        "mm_cred": facts.credential_id,
        "mm_user": facts.user_id,
    }
    return {name: value for name, value in members.items() if value is not None}


def _accepted(accept: str) -> list[str]:
    """The media types of an Accept header that are not refused, without ``application/``."""
    kinds = [kind.replace(" ", "") for kind in accept.split(",")]
    return [kind.removeprefix("application/") for kind in kinds if ";q=0" not in kind or ";q=0." in kind]
