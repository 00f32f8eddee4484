"""The identifier that every answer, log line and audit event of one request bears.

Ours is 26 characters of Crockford's base 32: 10 of time in milliseconds, 16 random, so that identifiers sort by
time. One that a trusted proxy sent is taken over when it is 8 to 64 letters, digits, dots, dashes or underscores.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _DIGITS for low in _DIGITS)
_ACCEPTABLE = re.compile(rb"[A-Za-z0-9._-]{8,64}")
HEADER = b"x-request-id"


def new_request_id(now: float, entropy: Callable[[int], bytes]) -> str:
    """A fresh identifier. `now`: seconds since the epoch; 10 random bytes are taken from `entropy`."""
    pairs = _PAIRS
    number = (int(now * 1000) & 0xFFFFFFFFFFFF) << 80 | int.from_bytes(entropy(10), "big")
    return "".join([pairs[number >> shift & 1023] for shift in range(120, -10, -10)])


def acceptable(value: bytes) -> str | None:
    """The identifier that a trusted proxy sent, or None when it is not of a form that we write into logs."""
    return value.decode("ascii") if _ACCEPTABLE.fullmatch(value) else None
