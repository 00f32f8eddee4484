"""Who is calling: the address that limits and the audit trail go by.

It is the socket's peer, unless that is a declared proxy: then the right-most address that is not one of them in
the one forwarding header that the configuration names, ``Forwarded`` (RFC 7239 §4) or ``X-Forwarded-For``.
A header that cannot be read ends the search: the last proxy that could be trusted is the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

ForwardingHeader = Literal["x-forwarded-for", "forwarded"]
Address = IPv4Address | IPv6Address
#: One element of Forwarded: pairs of token "=" (token | quoted-string), RFC 7239 §4.
_PAIR = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";,]+))\s*(;|,|$)')
_NODE = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?|(\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?")


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The networks whose forwarding header is believed, and which of the two headers they write."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    header: ForwardingHeader = "x-forwarded-for"
    _known: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def parse(cls, texts: Iterable[str], header: ForwardingHeader = "x-forwarded-for") -> TrustedProxies:
        """Read addresses and networks (``10.0.0.0/8``). Raises ValueError with a sentence naming the wrong one."""
        networks = []
        for text in texts:
            try:
                networks.append(ip_network(text))
            except ValueError:
                raise ValueError(f"{text!r} is neither an address nor a network such as 10.0.0.0/8") from None
        return cls(tuple(networks), header)

    def __bool__(self) -> bool:
        return bool(self.networks)

    def trusts(self, peer: str) -> bool:
        """Whether the socket's peer is one of the declared proxies."""
        known = self._known.get(peer)
        if known is None:
            address = _address(peer)
            known = address is not None and self._trusts(address)
            if len(self._known) > 1000:
                self._known.clear()
            self._known[peer] = known
        return known

    def _trusts(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self.networks)

    def caller(self, peer: str, headers: Sequence[tuple[bytes, bytes]]) -> str:
        """The caller's address, in its canonical text, when the socket's peer is a declared proxy."""
        name = self.header.encode("ascii")
        text = ",".join(value.decode("latin-1") for key, value in headers if key == name)
        hops = _forwarded(text) if self.header == "forwarded" else _forwarded_for(text)
        found = peer
        for hop in reversed(hops):
            if hop is None:
                return found
            found = str(hop)
            if not self._trusts(hop):
                return found
        return found


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or (None if address.scope_id else address)
    return address


def _node(text: str) -> Address | None:
    """A node of either header: an address, with a port at will; an IPv6 address bare or in brackets."""
    match = _NODE.fullmatch(text)
    return _address((match[1] or match[2]) if match else text)


def _forwarded_for(text: str) -> list[Address | None]:
    return [_node(part.strip(" \t")) for part in text.split(",")] if text else []


def _forwarded(text: str) -> list[Address | None]:
    hops: list[Address | None] = []
    position, node, seen = 0, None, False
    while position < len(text):
        match = _PAIR.match(text, position)
        if match is None:
            return [*hops, None]
        if match[1].lower() == "for":
            if seen:
                return [*hops, None]
            value = match[3] if match[3] is not None else re.sub(r"\\(.)", r"\1", match[2])
            node, seen = _node(value), True
        position = match.end()
        if match[4] != ";":
            hops.append(node)
            node, seen = None, False
    return hops
