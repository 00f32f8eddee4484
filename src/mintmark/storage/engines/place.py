"""Where a database is, as a setting says it: the path of an SQLite file, or the URL of a PostgreSQL database."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_POSTGRES = re.compile(r"postgres(ql)?(\+\w+)?://")
#: Further parameters of libpq that are secrets.
_SECRETS = {"sslpassword", "oauth_client_secret"}
_EXAMPLE = "it must be a URL such as postgresql://mintmark@db.example.com/mintmark"


def place(text: str) -> Path | str:
    """The path, or the URL as it was given. Raises ValueError when it is malformed or holds a password."""
    if not _POSTGRES.match(text):
        return Path(text)
    try:
        parts = urlsplit(text)
        name, _ = parts.path.strip("/"), parts.port
    except ValueError:
        raise ValueError(_EXAMPLE) from None
    given = parse_qs(parts.query)
    if parts.password is not None or "password" in given:
        raise ValueError(
            "it holds a password, and settings hold no secret: set database_password to where it is found, or give a "
            "command the option that ends in -password-from"
        )
    if secret := next((each for each in given if each in _SECRETS), None):
        raise ValueError(
            f"it holds {secret}, and settings hold no secret: name a libpq service (service=NAME) whose file has it"
        )
    if not name or "/" in name or parts.fragment:
        raise ValueError(_EXAMPLE)
    return text
