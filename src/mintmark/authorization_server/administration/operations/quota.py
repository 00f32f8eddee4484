"""Operations on quotas: how many tokens a client or a tenant may be issued per UTC day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mintmark.authorization_server.administration import quotas
from mintmark.authorization_server.administration.operation import Call, operation
from mintmark.authorization_server.administration.operations.inputs import (
    ClientId,
    EnvironmentId,
    Handle,
    OfClient,
    OfTenant,
)
from mintmark.authorization_server.administration.quotas import QuotaEntry
from mintmark.authorization_server.ports import Transaction

Limit = Annotated[int, "Tokens per UTC day."]


@dataclass(frozen=True, slots=True)
class ClientLimit:
    """The daily limit of a client."""

    environment: EnvironmentId
    client_id: ClientId
    limit: Limit


@dataclass(frozen=True, slots=True)
class TenantLimit:
    """The daily limit of a tenant."""

    tenant: Handle
    limit: Limit


@operation("quota.set", "client", writes=True)
def set_client(tx: Transaction, call: Call, given: ClientLimit) -> QuotaEntry:
    """Set the daily limit of a client."""
    quotas.set_client(tx, call.act, given.environment, given.client_id, given.limit)
    return quotas.show_client(tx, given.environment, given.client_id, call.now)


@operation("quota.clear", "client", writes=True)
def clear_client(tx: Transaction, call: Call, given: OfClient) -> QuotaEntry:
    """Lift the daily limit of a client."""
    quotas.set_client(tx, call.act, given.environment, given.client_id, None)
    return quotas.show_client(tx, given.environment, given.client_id, call.now)


@operation("quota.show", "client")
def show_client(tx: Transaction, call: Call, given: OfClient) -> QuotaEntry:
    """Show a client's limit and its use of today."""
    return quotas.show_client(tx, given.environment, given.client_id, call.now)


@operation("tenant_quota.set", "tenant", writes=True)
def set_tenant(tx: Transaction, call: Call, given: TenantLimit) -> QuotaEntry:
    """Set the daily limit of a tenant over all its environments."""
    quotas.set_tenant(tx, call.act, given.tenant, given.limit)
    return quotas.show_tenant(tx, given.tenant, call.now)


@operation("tenant_quota.clear", "tenant", writes=True)
def clear_tenant(tx: Transaction, call: Call, given: OfTenant) -> QuotaEntry:
    """Lift the daily limit of a tenant."""
    quotas.set_tenant(tx, call.act, given.tenant, None)
    return quotas.show_tenant(tx, given.tenant, call.now)


@operation("tenant_quota.show", "tenant")
def show_tenant(tx: Transaction, call: Call, given: OfTenant) -> QuotaEntry:
    """Show a tenant's limit and its use of today."""
    return quotas.show_tenant(tx, given.tenant, call.now)
