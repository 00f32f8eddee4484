"""Where a secret, a token or a question about one may go: HTTPS, or this very machine (RFC 6749 §1.6, RFC 6454)."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

_PORTS = {"https": 443, "http": 80}


def origin_of(url: str) -> str:
    """``scheme://host:port`` in small letters (RFC 6454 §4). Raises ValueError, without the address."""
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
        port = parts.port or _PORTS.get(scheme)
    except ValueError:
        scheme = host = ""
        port = None
        parts = urlsplit("")
    if scheme not in _PORTS or not host or "@" in parts.netloc:
        raise ValueError("this is not an http or https address with a host and without a user")
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def is_safe(origin: str) -> bool:
    """Whether a secret may travel to `origin` (as `origin_of` writes it): by HTTPS, or without leaving the machine."""
    if origin.startswith("https://"):
        return True
    host = origin.removeprefix("http://").rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
