"""Whether a token that this server issued is still good: for the sample APIs and for introspection.

A JWT is good while the tenant, environment, API, client, credential and user that stand behind it are, and none of
them was revoked since it was issued: what the feed has said stays said when something is enabled again. Opaque
tokens and Fyma's legacy tokens are looked up and compared by keyed hash or argon2id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mintmark.authorization_server.limits import Limits
from mintmark.authorization_server.ports import EnvironmentView, Ports
from mintmark.crypto.secret_hash import check_secret, dummy_digest
from mintmark.values.credential import ApiToken, LegacyToken
from mintmark.values.secret import API_TOKEN, Secret, shape_of
from mintmark.values.token import TokenFacts

_DUMMY_DIGEST = "A" * 43
_NOBODY = dummy_digest()


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """Answers for one environment (``tenant/name``)."""

    ports: Ports
    environment: str
    _limits: Limits = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_limits", Limits(self.ports.counters))

    async def jwt_active(self, claims: Mapping[str, object], now: float) -> bool:
        """Whether a JWT whose signature and claims are already verified still stands. Raises StorageUnavailable."""
        view = self._view()
        if view is None:
            return False
        api = view.apis.get(str(claims.get("aud")))
        if api is None or not api.enabled:
            return False
        client_id, credential = str(claims.get("client_id")), str(claims.get("mm_cred"))
        user_id = claims.get("mm_user")
        if self._revoked(claims):
            return False
        return await self._chain_stands(
            client_id, credential, user_id if isinstance(user_id, str) else None, now
        )

    async def opaque(self, token: Secret, now: float) -> TokenFacts | None:
        """The facts of a live opaque token, or None. Raises StorageUnavailable."""
        view = self._view()
        shape = shape_of(token.reveal())
        if view is None or shape is None or shape.prefix != API_TOKEN:
            return None
        record = await self.ports.directory.api_token(self.environment, shape.version_id)
        digest = record.digest if record is not None else _DUMMY_DIGEST
        if not check_secret(self.ports.secret_key, token.reveal(), digest) or record is None:
            return None
        if record.state(now) != "active" or not self._enabled(view, record):
            return None
        if record.client_id is not None:
            if self._revoked(
                {
                    "client_id": record.client_id,
                    "mm_cred": record.credential_id,
                    "mm_user": record.user_id,
                    "mm_tenant": view.tenant.handle,
                    "aud": record.audience,
                    "iat": record.created_at,
                }
            ):
                return None
            stands = await self._chain_stands(
                record.client_id, record.credential_id or "", record.user_id, now
            )
        else:
            stands = record.user_id is None or await self._user_stands(record.user_id)
        if not stands:
            return None
        self.ports.ledger.use(self.environment, record.id, now, "")
        return TokenFacts(
            issuer=view.environment.issuer,
            tenant=view.tenant.handle,
            subject=record.subject or record.user_id or record.id,
            client_id=record.client_id or record.id,
            audience=record.audience,
            scopes=record.scopes,
            token_id=record.id,
            credential_id=record.credential_id or record.id,
            user_id=record.user_id,
            issued_at=record.created_at,
            expires_at=record.expires_at,
        )

    async def basic(self, token_id: str, secret: Secret, now: float, peer: str = "") -> TokenFacts | None:
        """The facts of a legacy token by id and secret (Fyma), or None.

        `peer`: who presented it. Raises OAuthError 429 when too many wrong ones came from there, StorageUnavailable
        and Busy.
        """
        identity = f"legacy token {token_id}"
        await self._limits.admit(self.environment, identity, peer, now)
        view = self._view()
        record = await self.ports.directory.legacy_token(self.environment, token_id)
        digest = record.digest if record is not None else _NOBODY
        right = await self.ports.slow_hash.verify(digest, secret.reveal(), peer)
        if record is None or not right:
            await self._limits.failed(self.environment, identity, peer, now)
            return None
        if view is None:
            return None
        if record.state(now) != "active" or not self._enabled(view, record):
            return None
        self.ports.ledger.use(self.environment, record.id, now, peer)
        return TokenFacts(
            issuer=view.environment.issuer,
            tenant=view.tenant.handle,
            subject=record.id,
            client_id=record.id,
            audience=record.audience,
            scopes=record.scopes,
            token_id=record.id,
            credential_id=record.id,
            issued_at=record.created_at,
            expires_at=record.expires_at,
        )

    def _revoked(self, claims: Mapping[str, object]) -> bool:
        log = self.ports.directory.revocations(self.environment)
        return log is not None and log.revoked(claims)

    def _view(self) -> EnvironmentView | None:
        view = self.ports.directory.environment(self.environment)
        if view is None or not view.environment.enabled or not view.tenant.enabled:
            return None
        return view

    def _enabled(self, view: EnvironmentView, record: ApiToken | LegacyToken) -> bool:
        api = view.apis.get(record.audience)
        return api is not None and api.enabled

    async def _user_stands(self, user_id: str) -> bool:
        user = await self.ports.directory.machine_user_by_id(self.environment, user_id)
        return user is not None and user.enabled

    async def _chain_stands(self, client_id: str, credential: str, user_id: str | None, now: float) -> bool:
        """Credential and client, or signature key, or the user who logged in; and the user who acted."""
        if user_id is not None and not await self._user_stands(user_id):
            return False
        if user_id is not None and credential == user_id:
            return True
        registration = await self.ports.directory.registration(self.environment, client_id)
        if registration is not None:
            # A secret that has run out ends no token: only revoking or deleting it does (a rotation is no recall).
            versions = {version.id: version for version in registration.secrets}
            version = versions.get(credential)
            return registration.client.enabled and version is not None and version.state(now) != "revoked"
        for key in await self.ports.directory.signature_keys(self.environment):
            if key.id == credential:
                return key.state(now) != "revoked"
        return False
