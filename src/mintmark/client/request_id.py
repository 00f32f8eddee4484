"""The vendor's own id of an exchange, as support staff ask for it ("Log request IDs and timestamps", OmniLab)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_NAMES = (
    *(b"x-request-id", b"request-id", b"x-correlation-id", b"correlation-id", b"x-amzn-requestid"),
    *(b"x-ms-request-id", b"x-goog-request-id", b"x-trace-id", b"cf-ray"),
)
_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}", re.ASCII)


def request_id_of(values: Callable[[bytes], Iterable[bytes]]) -> str:
    """The id that an answer carries, or empty when there is none that may stand in a log. `values`: every value of the
    header with that name.
    """
    for name in _NAMES:
        for value in values(name):
            text = value.decode("latin-1").strip()
            if _ID.fullmatch(text) is not None:
                return text
    return ""
