"""The address of a Valkey server: ``valkey://USER@HOST:PORT/DATABASE``, or ``valkeys://`` for TLS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

PORT = 6379
_PATH = re.compile(r"/?|/(\d{1,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ValkeyAddress:
    """`user` is empty for the default user. Passwords come from elsewhere."""

    host: str
    port: int = PORT
    database: int = 0
    tls: bool = False
    user: str = ""

    @classmethod
    def parse(cls, url: str) -> ValkeyAddress:
        """Read a URL. Raises ValueError with a sentence that does not repeat it."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or PORT
        except ValueError:
            parts, host, port = urlsplit(""), "", PORT
        if parts.password is not None:
            raise ValueError(
                "it must not hold a password, which would be seen wherever settings are: say in valkey_password where "
                "the password is found"
            )
        path = _PATH.fullmatch(parts.path)
        if (
            parts.scheme not in ("valkey", "valkeys")
            or not host
            or path is None
            or parts.query
            or parts.fragment
        ):
            raise ValueError(
                "it must be a URL such as valkey://valkey.example.com:6379/0, or valkeys:// for TLS"
            )
        return cls(host, port, int(path[1] or 0), parts.scheme == "valkeys", unquote(parts.username or ""))
