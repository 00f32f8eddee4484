"""The identifier that every answer, log line and audit event of one request bears.

Ours is 26 characters of Crockford's base 32: 10 of time in milliseconds, 16 random, so that identifiers sort by
time. One that a trusted proxy sent is taken over when it is 8 to 64 letters, digits, dots, dashes or underscores.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Callable
from functools import lru_cache

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", _DIGITS.encode("ascii"))
_ACCEPTABLE = re.compile(rb"[A-Za-z0-9._-]{8,64}")
HEADER = b"x-request-id"


def new_request_id(now: float, entropy: Callable[[int], bytes]) -> str:
    """A fresh identifier. `now`: seconds since the epoch; 10 random bytes are taken from `entropy`."""
    return _time(int(now * 1000)) + b32encode(entropy(10)).translate(_CROCKFORD).decode("ascii")


@lru_cache(maxsize=16)
def _time(milliseconds: int) -> str:
    """48 bits of time as 10 digits."""
    number = milliseconds & 0xFFFFFFFFFFFF
    return "".join([_DIGITS[number >> shift & 31] for shift in range(45, -5, -5)])


def acceptable(value: bytes) -> str | None:
    """The identifier that a trusted proxy sent, or None when it is not of a form that we write into logs."""
    return value.decode("ascii") if _ACCEPTABLE.fullmatch(value) else None
