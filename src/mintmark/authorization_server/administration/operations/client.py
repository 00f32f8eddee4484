"""Operations on clients: OAuth applications and service accounts.

A developer's application is its own; nobody gives a client more of the admin API than it may do itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from mintmark.authorization_server.administration import apis, client_secrets, clients, imported_secrets
from mintmark.authorization_server.administration.act import Act, forbidden
from mintmark.authorization_server.administration.client_secrets import SecretEntry
from mintmark.authorization_server.administration.clients import NewClient
from mintmark.authorization_server.administration.operation import Call, Hashed, operation
from mintmark.authorization_server.administration.operations.inputs import (
    Allowed,
    ClientId,
    DailyTokenLimit,
    EnvironmentId,
    ExpiresAt,
    Label,
    Name,
    NeedsUser,
    OfClient,
    OfEnvironment,
    Protects,
    RateLimit,
)
from mintmark.authorization_server.ports import Transaction
from mintmark.values.client import Client
from mintmark.values.permission import EVERYTHING
from mintmark.values.secret import Secret


@dataclass(frozen=True, slots=True)
class ClientToMake:
    """A client to be made. Its limits and what it protects are not a developer's to set."""

    environment: EnvironmentId
    name: Name
    allowed: Allowed = field(default_factory=dict)
    protects: Protects = ()
    needs_user: NeedsUser = False
    daily_token_limit: DailyTokenLimit = None
    rate_limit: RateLimit = None
    label: Label = ""
    expires_at: ExpiresAt = None


@dataclass(frozen=True, slots=True)
class ClientToImport:
    """A client of another server, with the id and secret that its programs hold already."""

    environment: EnvironmentId
    client_id: Annotated[str, "Its id on the other server."]
    secret: Annotated[Secret, "Its secret on the other server."]
    name: Name
    allowed: Allowed = field(default_factory=dict)
    protects: Protects = ()
    needs_user: NeedsUser = False
    daily_token_limit: DailyTokenLimit = None
    rate_limit: RateLimit = None
    label: Label = "imported"
    expires_at: ExpiresAt = None


@dataclass(frozen=True, slots=True)
class ClientChange:
    """What is given is changed; allowed and protects replace all there was."""

    environment: EnvironmentId
    client_id: ClientId
    name: Name | None = None
    allowed: Allowed | None = None
    protects: Protects | None = None
    needs_user: NeedsUser | None = None
    rate_limit: Annotated[int | None, "Token requests per minute; 0 lifts it."] = None


@dataclass(frozen=True, slots=True)
class ClientShown:
    """A client and its secrets' states."""

    client: Client
    secrets: tuple[SecretEntry, ...]


def all_of(
    tx: Transaction, environment: str, wanted: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """`wanted` with ``*`` replaced by all the scopes that the API has now."""
    return {
        audience: tuple(apis.show(tx, environment, audience).scopes)
        if EVERYTHING in scopes
        else tuple(scopes)
        for audience, scopes in wanted.items()
    }


def granted(
    tx: Transaction, call: Call, environment: str, wanted: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """What a client is allowed, refused (forbidden) when that is more of the admin API than the caller may do."""
    allowed = all_of(tx, environment, wanted)
    if not call.principal.may_grant(allowed.get(call.admin_audience, ())):
        raise forbidden(
            "You may not give a client more of the admin API than you may do yourself: leave its scopes out, or "
            "ask somebody who has them."
        )
    return allowed


def protected(call: Call, audiences: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """What a client stands in front of, refused (forbidden) for developers: it would read others' tokens."""
    if audiences and call.principal.role == "developer":
        raise forbidden(
            "A developer's application protects no API: ask those who administer your organization."
        )
    return audiences


@operation("client.create", "environment", writes=True, once=True)
def create(tx: Transaction, call: Call, given: ClientToMake) -> NewClient:
    """Create a client; its first secret is shown once."""
    call.operators_only(given.daily_token_limit, "daily token limit")
    call.operators_only(given.rate_limit, "rate limit")
    return clients.create(
        tx,
        call.act,
        environment=given.environment,
        name=given.name,
        allowed=granted(tx, call, given.environment, given.allowed),
        protects=protected(call, given.protects) or (),
        needs_user=given.needs_user,
        daily_token_limit=given.daily_token_limit,
        rate_limit=given.rate_limit,
        label=given.label,
        expires_at=given.expires_at,
        owner=call.principal.username if call.principal.role == "developer" else "",
    )


def _hashed(act: Act, given: ClientToImport) -> Hashed:
    return Hashed(given.secret, imported_secrets.digest(act, given.secret))


@operation("client.import", "environment", writes=True, hashed=_hashed)
def import_client(tx: Transaction, call: Call, given: ClientToImport) -> NewClient:
    """Import a client with the id and secret that its programs hold already."""
    call.operators_only(given.daily_token_limit, "daily token limit")
    call.operators_only(given.rate_limit, "rate limit")
    return clients.import_client(
        tx,
        call.act,
        environment=given.environment,
        client_id=given.client_id,
        digest=call.slow.digest,
        name=given.name,
        allowed=granted(tx, call, given.environment, given.allowed),
        protects=given.protects,
        needs_user=given.needs_user,
        daily_token_limit=given.daily_token_limit,
        rate_limit=given.rate_limit,
        label=given.label,
        expires_at=given.expires_at,
    )


@operation("client.list", "environment")
def listing(tx: Transaction, call: Call, given: OfEnvironment) -> list[Client]:
    """List the clients of an environment."""
    found = clients.listing(tx, given.environment)
    return [client for client in found if call.principal.sees_client(client.owner)]


@operation("client.show", "client")
def show(tx: Transaction, call: Call, given: OfClient) -> ClientShown:
    """Show a client and its secrets' states."""
    client = clients.show(tx, given.environment, given.client_id)
    entries = client_secrets.listing(tx, given.environment, given.client_id, call.now)
    return ClientShown(client, tuple(entries))


@operation("client.change", "client", writes=True)
def change(tx: Transaction, call: Call, given: ClientChange) -> Client:
    """Change what is given; allowed and protects replace all there was."""
    if given.rate_limit is not None and not call.principal.is_operator:
        raise forbidden("Only operators may set the rate limit: leave it out, or ask them.")
    return clients.change(
        tx,
        call.act,
        given.environment,
        given.client_id,
        name=given.name,
        allowed=None if given.allowed is None else granted(tx, call, given.environment, given.allowed),
        needs_user=given.needs_user,
        rate_limit=given.rate_limit,
        protects=protected(call, given.protects),
    )


@operation("client.disable", "client", writes=True)
def disable(tx: Transaction, call: Call, given: OfClient) -> Client:
    """Refuse a client at once; its secrets stay."""
    return clients.disable(tx, call.act, given.environment, given.client_id)


@operation("client.enable", "client", writes=True)
def enable(tx: Transaction, call: Call, given: OfClient) -> Client:
    """Let a disabled client work again."""
    return clients.enable(tx, call.act, given.environment, given.client_id)


@operation("client.delete", "client", writes=True)
def delete(tx: Transaction, call: Call, given: OfClient) -> None:
    """Delete a client with its secrets; its tokens are refused."""
    clients.delete(tx, call.act, given.environment, given.client_id)
