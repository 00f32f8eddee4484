"""Tenants: the customers. A disabled tenant issues nothing and its tokens are refused, whatever lies below
it.
"""

from __future__ import annotations

from dataclasses import replace

from mintmark.authorization_server.administration import checked, lookup
from mintmark.authorization_server.administration.act import Act, audited, insert
from mintmark.authorization_server.ports import Transaction
from mintmark.values.tenancy import Tenant


def create(
    tx: Transaction,
    act: Act,
    *,
    handle: str,
    name: str,
    daily_token_limit: int | None = None,
    rate_limit: int = 0,
    rate_watched: bool = False,
) -> Tenant:
    """A new tenant. `handle`: a DNS label, part of its URLs. `daily_token_limit` and `rate_limit` (token requests per
    minute, 0 for no limit) are over all its environments; the latter may be only watched.
    """
    tenant = Tenant(
        handle=checked.handle(handle, "handle"),
        name=checked.name(name, "name"),
        daily_token_limit=checked.limit(daily_token_limit, "daily token limit"),
        created_at=act.now,
        rate_limit=_rate(rate_limit),
        rate_watched=rate_watched,
    )
    insert(tx, act, tenant)
    audited(tx, act, "tenant.create", subject=f"tenant:{handle}")
    return tenant


def listing(tx: Transaction) -> list[Tenant]:
    """All tenants, by handle."""
    return tx.find(Tenant)


def show(tx: Transaction, handle: str) -> Tenant:
    """One tenant. Raises AdministrationFault (not_found)."""
    return lookup.tenant(tx, handle)


def change(
    tx: Transaction,
    act: Act,
    handle: str,
    *,
    name: str | None = None,
    rate_limit: int | None = None,
    rate_watched: bool | None = None,
) -> Tenant:
    """Change what is given; None leaves it, and `rate_limit` 0 lifts it. The handle stays, being part of URLs that are
    in use. The daily limit is `quotas.set_tenant`.
    """
    given = {
        "name": None if name is None else checked.name(name, "name"),
        "rate_limit": None if rate_limit is None else _rate(rate_limit),
        "rate_watched": rate_watched,
    }
    changes = {field: value for field, value in given.items() if value is not None}
    tenant = replace(lookup.tenant(tx, handle), **changes)  # type: ignore[arg-type]
    tx.put(tenant, now=act.now)
    audited(tx, act, "tenant.change", subject=f"tenant:{handle}", detail=", ".join(sorted(changes)))
    return tenant


def _rate(limit: int) -> int:
    return checked.number(limit, "rate limit per minute", least=0)


def disable(tx: Transaction, act: Act, handle: str) -> Tenant:
    """Stop everything of a tenant at once; nothing is deleted."""
    return _switch(tx, act, handle, enabled=False)


def enable(tx: Transaction, act: Act, handle: str) -> Tenant:
    """Let a disabled tenant work again. What was disabled below it stays disabled."""
    return _switch(tx, act, handle, enabled=True)


def _switch(tx: Transaction, act: Act, handle: str, *, enabled: bool) -> Tenant:
    tenant = replace(lookup.tenant(tx, handle), enabled=enabled)
    tx.put(tenant, now=act.now)
    audited(tx, act, f"tenant.{'enable' if enabled else 'disable'}", subject=f"tenant:{handle}")
    return tenant


def delete(tx: Transaction, act: Act, handle: str) -> None:
    """Delete a tenant with all its environments, clients and credentials. The audit trail stays."""
    tx.remove(lookup.tenant(tx, handle), now=act.now)
    audited(tx, act, "tenant.delete", subject=f"tenant:{handle}")
