"""Quotas: how many tokens a client or a tenant may be issued per UTC day, and how many of them are used."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mintmark.authorization_server.administration import checked, clients, lookup
from mintmark.authorization_server.administration.act import Act, audited
from mintmark.authorization_server.ports import Transaction
from mintmark.values.client import Client
from mintmark.values.tenancy import Tenant

DAY = 86400


@dataclass(frozen=True, slots=True)
class QuotaEntry:
    """`subject`: ``client:tenant/env/id`` or ``tenant:handle``. `limit`: tokens per UTC day, or None for no
    limit.

    `resets_at`: the next midnight UTC, seconds since the epoch.
    """

    subject: str
    limit: int | None
    used: int
    resets_at: int


def set_client(tx: Transaction, act: Act, environment: str, client_id: str, limit: int | None) -> Client:
    """Set a client's daily limit; None clears it. What was used today stays counted."""
    client = replace(
        clients.show(tx, environment, client_id), daily_token_limit=checked.limit(limit, "daily token limit")
    )
    tx.put(client, now=act.now)
    audited(tx, act, _kind(limit), environment=environment, client_id=client_id, detail=_detail(limit))
    return client


def set_tenant(tx: Transaction, act: Act, handle: str, limit: int | None) -> Tenant:
    """Set a tenant's daily limit over all its environments; None clears it."""
    tenant = replace(lookup.tenant(tx, handle), daily_token_limit=checked.limit(limit, "daily token limit"))
    tx.put(tenant, now=act.now)
    audited(tx, act, _kind(limit), subject=f"tenant:{handle}", detail=_detail(limit))
    return tenant


def show_client(tx: Transaction, environment: str, client_id: str, now: float) -> QuotaEntry:
    """A client's limit and today's use."""
    client = clients.show(tx, environment, client_id)
    return _entry(tx, f"client:{environment}/{client_id}", client.daily_token_limit, now)


def show_tenant(tx: Transaction, handle: str, now: float) -> QuotaEntry:
    """A tenant's limit and today's use."""
    return _entry(tx, f"tenant:{handle}", lookup.tenant(tx, handle).daily_token_limit, now)


def _entry(tx: Transaction, subject: str, limit: int | None, now: float) -> QuotaEntry:
    day = int(now // DAY)
    return QuotaEntry(subject, limit, tx.used(subject, day), (day + 1) * DAY)


def _kind(limit: int | None) -> str:
    return "quota.clear" if limit is None else "quota.set"


def _detail(limit: int | None) -> str:
    return "" if limit is None else f"{limit} tokens a day"
