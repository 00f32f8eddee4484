"""Hosts and URLs that are this machine alone."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether a host of a listener or URL is this machine alone."""
    bare = host.strip("[]")
    if bare == "localhost" or bare.endswith(".localhost"):
        return True
    try:
        return ip_address(bare).is_loopback
    except ValueError:
        return False


def listen_for(public_url: str) -> str | None:
    """Where to listen so that a plain http URL of this machine works as it is; None for every other URL."""
    try:
        parts = urlsplit(public_url)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        return None
    if parts.scheme != "http" or not is_loopback(host):
        return None
    if host == "localhost" or host.endswith(".localhost"):
        host = "127.0.0.1"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
