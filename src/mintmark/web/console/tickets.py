"""Tickets: what the server says to itself by way of the browser, between two steps of signing in.

A ticket is readable by who holds it and cannot be changed or made up; it is for one purpose and for a short time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from mintmark.jose import base64url

LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Tickets:
    """`key`: secret bytes of the installation."""

    key: bytes = field(repr=False)

    def write(self, purpose: str, values: Mapping[str, str], expires_at: float) -> str:
        """A ticket with these values."""
        body = base64url.encode(json.dumps({**values, "exp": int(expires_at)}).encode()).decode("ascii")
        return f"{body}.{self._mac(purpose, body)}"

    def read(self, purpose: str, ticket: str, now: float) -> dict[str, str] | None:
        """The values of a ticket for this purpose that still holds, or None."""
        body, _, mac = ticket.partition(".")
        if len(ticket) > LONGEST or not hmac.compare_digest(
            mac.encode("utf-8", "surrogatepass"), self._mac(purpose, body).encode()
        ):
            return None
        values: dict[str, str] = json.loads(base64url.decode(body.encode("ascii")))
        return values if now < int(values.pop("exp")) else None

    def _mac(self, purpose: str, body: str) -> str:
        told = f"mintmark console ticket\0{purpose}\0{body}".encode("utf-8", "surrogatepass")
        return base64url.encode(hmac.digest(self.key, told, hashlib.sha256)).decode("ascii")
