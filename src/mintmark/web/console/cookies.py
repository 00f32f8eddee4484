"""The console's cookies: a random value or a ticket, for this host alone, unreadable to scripts.

Over https its name begins with ``__Host-``, so that no other host and no plain connection can set it (RFC 6265bis
§4.1.3.2); on loopback, where people try things out, it is a plain one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from mintmark.wire.http import HttpRequest, Malformed, read_cookies

_VALUE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_TICKET = re.compile(r"[A-Za-z0-9_.-]{44,3000}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cookie:
    """`secure`: whether the console is reached over https. `ticket`: its value is a ticket, not a random one."""

    secure: bool
    name: str = "mintmark_session"
    ticket: bool = False

    @property
    def full_name(self) -> str:
        """As it stands in headers."""
        return f"__Host-{self.name}" if self.secure else self.name

    def read(self, request: HttpRequest) -> str | None:
        """The value that the browser holds, when it has the form of one."""
        try:
            value = read_cookies(request.values(b"cookie")).get(self.full_name, "")
        except Malformed:
            return None
        return value if (_TICKET if self.ticket else _VALUE).fullmatch(value) else None

    def set(self, value: str, seconds: int) -> tuple[bytes, bytes]:
        """The header that gives it to the browser."""
        return self._header(f"{self.full_name}={value}; Max-Age={seconds}")

    def clear(self) -> tuple[bytes, bytes]:
        """The header that takes it away."""
        return self._header(f"{self.full_name}=; Max-Age=0")

    def _header(self, beginning: str) -> tuple[bytes, bytes]:
        secure = "; Secure" if self.secure else ""
        return (b"set-cookie", f"{beginning}; Path=/; HttpOnly; SameSite=Lax{secure}".encode("ascii"))


def new_value(random: bytes) -> str:
    """A cookie's value from 32 random bytes."""
    return urlsafe_b64encode(random).rstrip(b"=").decode("ascii")


def csrf_token(value: str) -> str:
    """What every form of a session repeats: follows from the cookie's value and does not tell it."""
    digest = hmac.digest(value.encode(), b"mintmark console csrf", hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def same(presented: str, expected: str) -> bool:
    """Whether a form repeats its session's token; constant in time."""
    return hmac.compare_digest(presented.encode(), expected.encode())
