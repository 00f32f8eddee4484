"""Operations on tenants: the customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mintmark.authorization_server.administration import tenants
from mintmark.authorization_server.administration.operation import Call, operation
from mintmark.authorization_server.administration.operations.inputs import (
    DailyTokenLimit,
    Handle,
    Name,
    Nothing,
    OfTenant,
)
from mintmark.authorization_server.ports import Transaction
from mintmark.values.tenancy import Tenant

RateLimit = Annotated[int, "Token requests per minute over all environments; 0: no limit."]
RateWatched = Annotated[bool, "Whether what goes beyond the limit per minute is only noted, not refused."]


@dataclass(frozen=True, slots=True)
class NewTenant:
    """A tenant to be made."""

    handle: Annotated[str, "A DNS label, part of its URLs for ever."]
    name: Annotated[str, "Name for people; empty: the handle."] = ""
    daily_token_limit: DailyTokenLimit = None
    rate_limit: RateLimit = 0
    rate_watched: RateWatched = False


@dataclass(frozen=True, slots=True)
class TenantChange:
    """What is given is changed."""

    tenant: Handle
    name: Name | None = None
    rate_limit: RateLimit | None = None
    rate_watched: RateWatched | None = None


@operation("tenant.create", "installation", writes=True)
def create(tx: Transaction, call: Call, given: NewTenant) -> Tenant:
    """Create a tenant."""
    return tenants.create(
        tx,
        call.act,
        handle=given.handle,
        name=given.name or given.handle,
        daily_token_limit=given.daily_token_limit,
        rate_limit=given.rate_limit,
        rate_watched=given.rate_watched,
    )


@operation("tenant.list", "everything")
def listing(tx: Transaction, call: Call, given: Nothing) -> list[Tenant]:
    """List the tenants."""
    return [tenant for tenant in tenants.listing(tx) if call.principal.sees_tenant(tenant.handle)]


@operation("tenant.show", "tenant")
def show(tx: Transaction, call: Call, given: OfTenant) -> Tenant:
    """Show a tenant."""
    return tenants.show(tx, given.tenant)


@operation("tenant.change", "tenant", writes=True)
def change(tx: Transaction, call: Call, given: TenantChange) -> Tenant:
    """Change what is given; the handle stays."""
    return tenants.change(
        tx,
        call.act,
        given.tenant,
        name=given.name,
        rate_limit=given.rate_limit,
        rate_watched=given.rate_watched,
    )


@operation("tenant.disable", "tenant", writes=True)
def disable(tx: Transaction, call: Call, given: OfTenant) -> Tenant:
    """Stop everything of a tenant at once; nothing is deleted."""
    return tenants.disable(tx, call.act, given.tenant)


@operation("tenant.enable", "tenant", writes=True)
def enable(tx: Transaction, call: Call, given: OfTenant) -> Tenant:
    """Let a disabled tenant work again."""
    return tenants.enable(tx, call.act, given.tenant)


@operation("tenant.delete", "tenant", writes=True)
def delete(tx: Transaction, call: Call, given: OfTenant) -> None:
    """Delete a tenant with all its environments, credentials and people; the audit trail stays."""
    tenants.delete(tx, call.act, given.tenant)
