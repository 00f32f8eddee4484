"""Operations on keys: those with which a storefront signs customer ids, and those that sign tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mintmark.authorization_server.administration import signature_keys, signing_keys
from mintmark.authorization_server.administration.operation import Call, operation
from mintmark.authorization_server.administration.operations.inputs import (
    Audience,
    EndsAt,
    EnvironmentId,
    ExpiresAt,
    Label,
    OfEnvironment,
    Scopes,
)
from mintmark.authorization_server.administration.signature_keys import NewSignatureKey, SignatureKeyEntry
from mintmark.authorization_server.administration.signing_keys import SigningKeyEntry
from mintmark.authorization_server.ports import Transaction
from mintmark.values.credential import SignatureKey
from mintmark.values.tenancy import Algorithm, SigningKey

KeyId = Annotated[str, "The id of the key, as listed."]


@dataclass(frozen=True, slots=True)
class SignatureKeyToMake:
    """A signature key to be made."""

    environment: EnvironmentId
    audience: Audience
    scopes: Scopes = ()
    label: Label = ""
    lifetime: Annotated[int, "Seconds that the tokens it obtains live; at most 3600."] = 3600
    expires_at: ExpiresAt = None


@dataclass(frozen=True, slots=True)
class OfSignatureKey:
    """A signature key of an environment."""

    environment: EnvironmentId
    key_id: KeyId


@dataclass(frozen=True, slots=True)
class SignatureKeyEnd:
    """When a signature key ends."""

    environment: EnvironmentId
    key_id: KeyId
    ends_at: EndsAt = None


@dataclass(frozen=True, slots=True)
class SigningKeyRotation:
    """Which signing key is rotated."""

    environment: EnvironmentId
    algorithm: Annotated[Algorithm, "ES256, RS256 or EdDSA."] = "ES256"


@dataclass(frozen=True, slots=True)
class OfSigningKey:
    """A signing key of an environment."""

    environment: EnvironmentId
    kid: KeyId


@operation("signature_key.create", "environment", writes=True, once=True)
def create(tx: Transaction, call: Call, given: SignatureKeyToMake) -> NewSignatureKey:
    """Create a signature key; it is shown once. Two may live while rotating."""
    return signature_keys.create(
        tx,
        call.act,
        environment=given.environment,
        audience=given.audience,
        scopes=given.scopes,
        label=given.label,
        lifetime=given.lifetime,
        expires_at=given.expires_at,
    )


@operation("signature_key.list", "environment")
def listing(tx: Transaction, call: Call, given: OfEnvironment) -> list[SignatureKeyEntry]:
    """List signature keys with state and last use."""
    return signature_keys.listing(tx, given.environment, call.now)


@operation("signature_key.retire", "environment", writes=True)
def retire(tx: Transaction, call: Call, given: SignatureKeyEnd) -> SignatureKey:
    """Let a signature key end, now or at a time; tokens it obtained live on."""
    return signature_keys.retire(
        tx, call.act, environment=given.environment, key_id=given.key_id, at=given.ends_at
    )


@operation("signature_key.revoke", "environment", writes=True)
def revoke(tx: Transaction, call: Call, given: OfSignatureKey) -> SignatureKey:
    """End a signature key now because it has leaked; its tokens are refused too."""
    return signature_keys.revoke(tx, call.act, environment=given.environment, key_id=given.key_id)


@operation("signing_key.list", "environment")
def list_signing(tx: Transaction, call: Call, given: OfEnvironment) -> list[SigningKeyEntry]:
    """List signing keys and what each does now."""
    return signing_keys.listing(tx, given.environment, call.now)


@operation("signing_key.rotate", "environment", writes=True)
def rotate(tx: Transaction, call: Call, given: SigningKeyRotation) -> SigningKey:
    """Publish the next key now; it signs after the publish-ahead period, and no token is refused."""
    return signing_keys.rotate(
        tx,
        call.act,
        environment=given.environment,
        algorithm=given.algorithm,
        schedule=call.schedule,
    )


@operation("signing_key.withdraw", "environment", writes=True)
def withdraw(tx: Transaction, call: Call, given: OfSigningKey) -> SigningKey:
    """Stop trusting a leaked key now; its tokens are refused, and another key, which is answered, signs at once."""
    return signing_keys.withdraw(tx, call.act, environment=given.environment, kid=given.kid)
