"""Operations on tokens: API tokens, legacy tokens, and ending one access token, whoever it was issued to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mintmark.authorization_server.administration import api_tokens, imported_secrets, legacy_tokens, tokens
from mintmark.authorization_server.administration.act import Act, AdministrationFault
from mintmark.authorization_server.administration.api_tokens import ApiTokenEntry, NewApiToken
from mintmark.authorization_server.administration.legacy_tokens import LegacyTokenEntry
from mintmark.authorization_server.administration.operation import Call, Hashed, operation
from mintmark.authorization_server.administration.operations.inputs import (
    Audience,
    EndsAt,
    EnvironmentId,
    ExpiresAt,
    Label,
    OfEnvironment,
    Scopes,
)
from mintmark.authorization_server.ports import Transaction
from mintmark.values.credential import ApiToken, LegacyToken
from mintmark.values.secret import Secret

TokenId = Annotated[str, "The id of the token, as listed."]


@dataclass(frozen=True, slots=True)
class ApiTokenToMake:
    """An API token to be made."""

    environment: EnvironmentId
    audience: Audience
    scopes: Scopes
    label: Label = ""
    machine_user: Annotated[str | None, "User name of the machine user that it acts for."] = None
    expires_at: ExpiresAt = None


@dataclass(frozen=True, slots=True)
class LegacyTokenToImport:
    """A legacy token of another server."""

    environment: EnvironmentId
    token_id: Annotated[str, "The token's id, as its programs send it."]
    secret: Annotated[Secret, "The secret that its programs hold already."]
    audience: Audience
    scopes: Scopes = ()
    label: Label = ""
    expires_at: ExpiresAt = None


@dataclass(frozen=True, slots=True)
class OfToken:
    """A token of an environment."""

    environment: EnvironmentId
    token_id: TokenId


@dataclass(frozen=True, slots=True)
class LegacyTokenEnd:
    """When a legacy token ends."""

    environment: EnvironmentId
    token_id: TokenId
    ends_at: EndsAt = None


@dataclass(frozen=True, slots=True)
class TokenToRevoke:
    """One access token or API token, by its id or by its text."""

    environment: EnvironmentId
    token_id: Annotated[str | None, "The token's id (jti), as the audit trail has it."] = None
    token: Annotated[Secret | None, "Its text, in place of the id."] = None


@dataclass(frozen=True, slots=True)
class RevokedToken:
    """A token that was ended. `revoked`: its id."""

    environment: str
    revoked: str


@operation("api_token.create", "environment", writes=True, once=True)
def create(tx: Transaction, call: Call, given: ApiTokenToMake) -> NewApiToken:
    """Create an API token; it is shown once."""
    return api_tokens.create(
        tx,
        call.act,
        environment=given.environment,
        audience=given.audience,
        scopes=given.scopes,
        label=given.label,
        username=given.machine_user,
        expires_at=given.expires_at,
    )


@operation("api_token.list", "environment")
def listing(tx: Transaction, call: Call, given: OfEnvironment) -> list[ApiTokenEntry]:
    """List API tokens with mask, state and last use."""
    return api_tokens.listing(tx, given.environment, call.now)


@operation("api_token.revoke", "environment", writes=True)
def revoke(tx: Transaction, call: Call, given: OfToken) -> ApiToken:
    """End an API token now."""
    return api_tokens.revoke(tx, call.act, environment=given.environment, token_id=given.token_id)


def _hashed(act: Act, given: LegacyTokenToImport) -> Hashed:
    return Hashed(given.secret, imported_secrets.digest(act, given.secret))


@operation("legacy_token.import", "environment", writes=True, hashed=_hashed)
def import_legacy(tx: Transaction, call: Call, given: LegacyTokenToImport) -> LegacyToken:
    """Import a legacy token with the id and secret that its programs hold already."""
    return legacy_tokens.import_token(
        tx,
        call.act,
        environment=given.environment,
        token_id=given.token_id,
        digest=call.slow.digest,
        audience=given.audience,
        scopes=given.scopes,
        label=given.label,
        expires_at=given.expires_at,
    )


@operation("legacy_token.list", "environment")
def list_legacy(tx: Transaction, call: Call, given: OfEnvironment) -> list[LegacyTokenEntry]:
    """List legacy tokens with state and last use."""
    return legacy_tokens.listing(tx, given.environment, call.now)


@operation("legacy_token.retire", "environment", writes=True)
def retire_legacy(tx: Transaction, call: Call, given: LegacyTokenEnd) -> LegacyToken:
    """Let a legacy token end, now or at a time."""
    return legacy_tokens.retire(
        tx, call.act, environment=given.environment, token_id=given.token_id, at=given.ends_at
    )


@operation("legacy_token.revoke", "environment", writes=True)
def revoke_legacy(tx: Transaction, call: Call, given: OfToken) -> LegacyToken:
    """End a legacy token now because it has leaked."""
    return legacy_tokens.revoke(tx, call.act, environment=given.environment, token_id=given.token_id)


@operation("token.revoke", "environment", writes=True)
def revoke_access(tx: Transaction, call: Call, given: TokenToRevoke) -> RevokedToken:
    """End one token now; guards that follow the revocation feed refuse it within a second."""
    if given.token_id is not None and given.token is None:
        made = tokens.revoke_id(tx, call.act, environment=given.environment, token_id=given.token_id)
    elif given.token is not None and given.token_id is None:
        made = tokens.revoke(tx, call.act, environment=given.environment, token=given.token)
    else:
        raise AdministrationFault("Name the token by its id or give its text, one of them.")
    return RevokedToken(given.environment, made)
