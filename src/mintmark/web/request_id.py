"""The identifier that every answer, log line and audit event of one request bears.

Ours is 26 characters of Crockford's base 32: 10 of time in milliseconds, 16 random, so that identifiers sort by
time. One that a trusted proxy sent is taken over when it is 8 to 64 letters, digits, dots, dashes or underscores.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from struct import unpack

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: The two digits of every number of ten bits.
_PAIRS = tuple(first + second for first in _DIGITS for second in _DIGITS)
_ACCEPTABLE = re.compile(rb"[A-Za-z0-9._-]{8,64}")
HEADER = b"x-request-id"


def new_request_id(now: float, entropy: Callable[[int], bytes]) -> str:
    """A fresh identifier. `now`: seconds since the epoch; 10 random bytes are taken from `entropy`."""
    high: int
    low: int
    high, low = unpack(">QH", entropy(10))
    pairs = _PAIRS
    return (
        _time(int(now * 1000))
        + pairs[high >> 54]
        + pairs[high >> 44 & 1023]
        + pairs[high >> 34 & 1023]
        + pairs[high >> 24 & 1023]
        + pairs[high >> 14 & 1023]
        + pairs[high >> 4 & 1023]
        + pairs[(high & 15) << 6 | low >> 10]
        + pairs[low & 1023]
    )


@lru_cache(maxsize=16)
def _time(milliseconds: int) -> str:
    """48 bits of time as 10 digits."""
    number = milliseconds & 0xFFFFFFFFFFFF
    return "".join([_DIGITS[number >> shift & 31] for shift in range(45, -5, -5)])


def acceptable(value: bytes) -> str | None:
    """The identifier that a trusted proxy sent, or None when it is not of a form that we write into logs."""
    return value.decode("ascii") if _ACCEPTABLE.fullmatch(value) else None
