"""Cursors: where the next page of a list begins, opaque, and good for that list and that caller only.

A cursor carries the keys of the last row that was shown, and a keyed hash over them and over whose list it was: of
which operation, with which input, for which principal. A forged one, or one from elsewhere, is refused.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from mintmark.web.admin_api.problems import Problem

LONGEST = 2048
_TAG = 16
_PURPOSE = b"mintmark admin cursor\0"

Position = tuple[str | int, ...]


def write_cursor(key: bytes, bound_to: Sequence[str], position: Position) -> str:
    """The cursor behind `position`. `bound_to`: operation, principal, input."""
    payload = json.dumps(position, separators=(",", ":")).encode()
    return urlsafe_b64encode(_tag(key, bound_to, payload) + payload).rstrip(b"=").decode("ascii")


def read_cursor(key: bytes, bound_to: Sequence[str], text: str) -> Position:
    """The position in a cursor. Raises Problem (400) for one that was not made here for this list."""
    refused = Problem(
        400,
        "malformed",
        "The cursor is not one of this list: begin again without a cursor, or change nothing else.",
    )
    if not 0 < len(text) <= LONGEST or not text.isascii():
        raise refused
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise refused from None
    tag, payload = raw[:_TAG], raw[_TAG:]
    if not hmac.compare_digest(tag, _tag(key, bound_to, payload)):
        raise refused
    return tuple(json.loads(payload))


def _tag(key: bytes, bound_to: Sequence[str], payload: bytes) -> bytes:
    bound = json.dumps(list(bound_to), separators=(",", ":")).encode()
    framed = b"%s%d:%s%s" % (_PURPOSE, len(bound), bound, payload)
    return hmac.new(key, framed, hashlib.sha256).digest()[:_TAG]
