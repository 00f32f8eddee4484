"""Revocation (RFC 7009): a client ends a token of its own.

An opaque token's record is marked; a JWT's `jti` is published in the revocation feed until the token would have
expired. A token that is unknown, malformed or over is answered like one that was revoked just now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mintmark.authorization_server.client_endpoint import NO_STORE, Inquiry
from mintmark.authorization_server.limits import Limits
from mintmark.authorization_server.ports import Ports, Store, Transaction
from mintmark.crypto.secret_hash import check_secret
from mintmark.jose.access_token import Expectation, verify
from mintmark.jose.jws import TokenFault
from mintmark.values.audit_event import AuditEvent
from mintmark.values.credential import ApiToken
from mintmark.values.errors import OAuthError
from mintmark.values.revocation import Revocation
from mintmark.values.secret import API_TOKEN, shape_of
from mintmark.wire.http import HttpResponse

#: Revocations per client and minute; each is a durable write.
REVOCATIONS_PER_MINUTE = 600
_TYPES = frozenset({"at+jwt", "jwt"})


@dataclass(frozen=True, slots=True)
class TokenRevocation:
    """The answer of a `ClientEndpoint`."""

    ports: Ports
    limits: Limits
    store: Store

    async def answer(self, inquiry: Inquiry) -> HttpResponse:
        """200 and nothing else (RFC 7009 §2.2). Raises OAuthError for a token of another client, StorageUnavailable."""
        await self.limits.pace_questions("revocation", inquiry.client, REVOCATIONS_PER_MINUTE, inquiry.now)
        shape = shape_of(inquiry.token.reveal())
        if shape is not None and shape.prefix == API_TOKEN:
            await self._opaque(inquiry, shape.version_id)
        else:
            await self._jwt(inquiry)
        return HttpResponse(200, NO_STORE)

    async def _opaque(self, inquiry: Inquiry, token_id: str) -> None:
        environment, now = inquiry.view.environment.id, int(inquiry.now)
        record = await self.ports.directory.api_token(environment, token_id)
        if record is None or not check_secret(self.ports.secret_key, inquiry.token.reveal(), record.digest):
            return
        _own(record.client_id, inquiry)
        if record.state(now) != "active":
            return

        def work(tx: Transaction) -> None:
            current = tx.get(ApiToken, environment, token_id)
            if current is not None and current.revoked_at is None:
                tx.put(replace(current, revoked_at=now), now=inquiry.now)
                tx.audit(_event(inquiry, token_id, current.audience))

        await self.store.write(work)

    async def _jwt(self, inquiry: Inquiry) -> None:
        view, now = inquiry.view, inquiry.now
        if not view.apis:
            return
        expected = Expectation(
            view.environment.issuer, frozenset(view.apis), _TYPES, ("client_id", "jti", "iat")
        )
        try:
            claims = verify(
                inquiry.token.reveal(), lambda kid: view.keyring.public_key(kid, now), expected, now
            )
        except TokenFault:
            return
        _own(claims["client_id"], inquiry)
        log = self.ports.directory.revocations(view.environment.id)
        if log is not None and log.revoked(claims):
            return
        token_id, ends = str(claims["jti"]), int(float(str(claims["exp"])))

        def work(tx: Transaction) -> None:
            tx.revoke(view.environment.id, Revocation("token", token_id, ends), now=now)
            tx.audit(_event(inquiry, token_id, str(claims["aud"])))

        await self.store.write(work)


def _own(client_id: object, inquiry: Inquiry) -> None:
    """Refuse a token of another client (RFC 7009 §2.1)."""
    if client_id != inquiry.client.client_id:
        raise OAuthError(
            "unauthorized_client",
            400,
            "The token was not issued to this client.",
            reason="token_of_another_client",
        )


def _event(inquiry: Inquiry, token_id: str, audience: str) -> AuditEvent:
    return AuditEvent(
        at=inquiry.now,
        kind="revocation",
        outcome="done",
        environment=inquiry.view.environment.id,
        request_id=inquiry.request_id,
        client_id=inquiry.client.client_id,
        credential_id=inquiry.credential_id,
        jti=token_id,
        audience=audience,
        peer=inquiry.peer,
    )
