"""Limits per minute that are wider than one client: a tenant's over all its environments, an address's in one of them.

There are none unless an operator sets them. Their units are taken together with the client's own, and only once it is
known who asks: nobody without a credential can use up what others need. A customer's signature can be replayed by
whoever has seen it, so it takes units of its address and none of the tenant. One that is watched refuses nothing.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from mintmark.authorization_server.ports import EnvironmentView, Take


class Wider(NamedTuple):
    """`name`: ``tenant`` or ``address``, in answers, in the audit trail (``rate_tenant``) and in metrics."""

    name: str
    take: Take


def network_of(peer: str) -> str:
    """The address that limits count: an IPv4 address, or the /64 of an IPv6 one (one host has a whole /64)."""
    if ":" not in peer:
        return peer
    try:
        address = ipaddress.IPv6Address(peer.split("%", 1)[0])
    except ValueError:
        return peer
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


def wider_limits(view: EnvironmentView, peer: str) -> tuple[Wider, ...]:
    """Those that a token request from `peer` counts against, whose credential nobody else can have."""
    tenant = view.tenant
    found: tuple[Wider, ...] = ()
    if tenant.rate_limit:
        take = Take(f"tenant:{tenant.handle}", tenant.rate_limit, watched=tenant.rate_watched)
        found = (Wider("tenant", take),)
    return found + address_limit(view, peer)


def address_limit(view: EnvironmentView, peer: str) -> tuple[Wider, ...]:
    """That of the address, where there is one."""
    environment = view.environment
    if not environment.address_rate_limit:
        return ()
    key = f"address:{environment.id}:{network_of(peer)}"
    take = Take(key, environment.address_rate_limit, watched=environment.address_rate_watched)
    return (Wider("address", take),)
