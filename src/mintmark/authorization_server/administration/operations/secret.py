"""Operations on the secret versions of a client, and rotating them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mintmark.authorization_server.administration import client_secrets, imported_secrets
from mintmark.authorization_server.administration.act import Act
from mintmark.authorization_server.administration.client_secrets import NewSecret, SecretEntry
from mintmark.authorization_server.administration.operation import Call, Hashed, operation
from mintmark.authorization_server.administration.operations.inputs import (
    ClientId,
    EndsAt,
    EnvironmentId,
    ExpiresAt,
    Label,
    OfClient,
    Overlap,
)
from mintmark.authorization_server.ports import Transaction
from mintmark.values.credential import SecretVersion
from mintmark.values.secret import Secret

SecretId = Annotated[str, "The id of the secret, as listed."]


@dataclass(frozen=True, slots=True)
class SecretToAdd:
    """A secret to be generated."""

    environment: EnvironmentId
    client_id: ClientId
    label: Label = ""
    expires_at: ExpiresAt = None
    overlap: Overlap = None
    keep_others: Annotated[bool, "Give the client's other secrets no end."] = False


@dataclass(frozen=True, slots=True)
class SecretToImport:
    """A secret from another server."""

    environment: EnvironmentId
    client_id: ClientId
    secret: Annotated[Secret, "The secret that its programs hold already."]
    label: Label = "imported"
    expires_at: ExpiresAt = None


@dataclass(frozen=True, slots=True)
class SecretEnd:
    """When a secret ends."""

    environment: EnvironmentId
    client_id: ClientId
    secret_id: SecretId
    ends_at: EndsAt = None


@dataclass(frozen=True, slots=True)
class OfSecret:
    """A secret of a client."""

    environment: EnvironmentId
    client_id: ClientId
    secret_id: SecretId


@operation("secret.add", "client", writes=True, once=True)
def add(tx: Transaction, call: Call, given: SecretToAdd) -> NewSecret:
    """Add a secret; it is shown once, and the others end after the overlap."""
    return client_secrets.add(
        tx,
        call.act,
        environment=given.environment,
        client_id=given.client_id,
        label=given.label,
        expires_at=given.expires_at,
        overlap=given.overlap,
        keep_others=given.keep_others,
    )


def _hashed(act: Act, given: SecretToImport) -> Hashed:
    return Hashed(given.secret, imported_secrets.digest(act, given.secret))


@operation("secret.import", "client", writes=True, hashed=_hashed)
def import_secret(tx: Transaction, call: Call, given: SecretToImport) -> SecretVersion:
    """Import a secret from another server beside those that live (two at most)."""
    return client_secrets.add_imported(
        tx,
        call.act,
        environment=given.environment,
        client_id=given.client_id,
        digest=call.slow.digest,
        label=given.label,
        expires_at=given.expires_at,
    )


@operation("secret.list", "client")
def listing(tx: Transaction, call: Call, given: OfClient) -> list[SecretEntry]:
    """List a client's secrets with state and last use."""
    return client_secrets.listing(tx, given.environment, given.client_id, call.now)


@operation("secret.retire", "client", writes=True)
def retire(tx: Transaction, call: Call, given: SecretEnd) -> SecretVersion:
    """End a secret as planned, now or at a time; tokens it obtained live on."""
    return client_secrets.retire(
        tx,
        call.act,
        environment=given.environment,
        client_id=given.client_id,
        secret_id=given.secret_id,
        at=given.ends_at,
    )


@operation("secret.revoke", "client", writes=True)
def revoke(tx: Transaction, call: Call, given: OfSecret) -> SecretVersion:
    """End a secret now because it has leaked; tokens it obtained are refused too."""
    return client_secrets.revoke(
        tx,
        call.act,
        environment=given.environment,
        client_id=given.client_id,
        secret_id=given.secret_id,
    )
