"""Operations on service accounts: clients that are handed over as a credentials file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from mintmark.authorization_server.administration import client_secrets, clients, service_accounts
from mintmark.authorization_server.administration.act import AdministrationFault
from mintmark.authorization_server.administration.operation import Call, operation
from mintmark.authorization_server.administration.operations.client import granted
from mintmark.authorization_server.administration.operations.inputs import (
    Allowed,
    ClientId,
    EnvironmentId,
    ExpiresAt,
    Label,
    Name,
    Overlap,
)
from mintmark.authorization_server.ports import Transaction
from mintmark.dialect.keyfile import write_keyfile
from mintmark.values.secret import Secret

MountPath = Annotated[str | None, "The token endpoint it is for, where there are several."]
TokenEndpoint = Annotated[str | None, "Its URL as customers reach it; null: below the public URL."]


@dataclass(frozen=True, slots=True)
class ServiceAccountToMake:
    """A service account to be made."""

    environment: EnvironmentId
    name: Annotated[Name, "Name for people, also in the file."]
    allowed: Allowed = field(default_factory=dict)
    expires_at: ExpiresAt = None
    mount: MountPath = None
    token_endpoint: TokenEndpoint = None


@dataclass(frozen=True, slots=True)
class ServiceAccountSecret:
    """A new secret of a service account."""

    environment: EnvironmentId
    client_id: ClientId
    label: Label = ""
    expires_at: ExpiresAt = None
    overlap: Overlap = None
    mount: MountPath = None
    token_endpoint: TokenEndpoint = None


@dataclass(frozen=True, slots=True)
class CredentialsFile:
    """The text of a credentials file, as the dialect of its mount writes it. It holds the secret."""

    environment: str
    client_id: str
    secret_id: str
    text: Secret


def _file(
    tx: Transaction,
    call: Call,
    given: ServiceAccountToMake | ServiceAccountSecret,
    client_id: str,
    secret_id: str,
    secret: Secret,
) -> CredentialsFile:
    values = service_accounts.credentials_file(
        tx,
        environment=given.environment,
        client_id=client_id,
        secret=secret,
        public_url=call.public_url,
        mount_path=given.mount,
        token_endpoint=given.token_endpoint,
    )
    try:
        text = write_keyfile(
            call.dialects.get(values.dialect),
            {
                "name": values.name,
                "token_url": values.token_endpoint,
                "client_id": values.client_id,
                "client_secret": values.client_secret,
                "audience": " ".join(values.audiences),
            },
        )
    except ValueError as fault:
        raise AdministrationFault(
            f"No credentials file can be made: {fault} (allow it an API, name the mount of the token endpoint)."
        ) from None
    return CredentialsFile(given.environment, client_id, secret_id, Secret(text))


@operation("service_account.create", "environment", writes=True, once=True)
def create(tx: Transaction, call: Call, given: ServiceAccountToMake) -> CredentialsFile:
    """Create a service account; its credentials file is shown once."""
    made = clients.create(
        tx,
        call.act,
        environment=given.environment,
        name=given.name,
        allowed=granted(tx, call, given.environment, given.allowed),
        kind="service_account",
        expires_at=given.expires_at,
    )
    return _file(tx, call, given, made.client.client_id, made.version.id, made.secret or Secret(""))


@operation("service_account.new_secret", "client", writes=True, once=True)
def new_secret(tx: Transaction, call: Call, given: ServiceAccountSecret) -> CredentialsFile:
    """Generate a new secret for a service account; its credentials file is shown once."""
    made = client_secrets.add(
        tx,
        call.act,
        environment=given.environment,
        client_id=given.client_id,
        label=given.label,
        expires_at=given.expires_at,
        overlap=given.overlap,
    )
    return _file(tx, call, given, given.client_id, made.version.id, made.secret)
