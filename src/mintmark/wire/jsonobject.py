"""JSON from strangers, bounded: strict UTF-8, no repeated member, no NaN, short numbers, shallow nesting.

What Python's parser would let pass (the last of two equal members wins, integers of any length) is refused,
because two readers of the same bytes must never see different credentials (RFC 8259 §4).
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

from mintmark.wire.http import Malformed

DEEPEST = 16
_LONGEST_NUMBER = 32
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)  # linear, whatever the quotes


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("A JSON member is repeated.")
    return members


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise Malformed("A JSON number is too long.")
    return int(text)


def _float(text: str) -> float:
    if len(text) > _LONGEST_NUMBER:
        raise Malformed("A JSON number is too long.")
    return float(text)


def _constant(_: str) -> NoReturn:
    raise Malformed("The JSON holds NaN or Infinity.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_float, parse_constant=_constant
)
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def read_json(data: bytes, deepest: int = DEEPEST) -> object:
    """Any JSON value nested at most `deepest`. The caller bounds the size. Raises Malformed."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("The JSON is not valid UTF-8.") from None
    if text.count("{") + text.count("[") > deepest and _depth(text) > deepest:
        raise Malformed("The JSON is nested too deeply.")
    try:
        return _DECODER.decode(text)
    except Malformed:
        raise
    except (ValueError, RecursionError):
        raise Malformed("The body is not valid JSON.") from None


def read_object(data: bytes, deepest: int = DEEPEST) -> dict[str, object]:
    """A JSON object. Raises Malformed."""
    value = read_json(data, deepest)
    if not isinstance(value, dict):
        raise Malformed("The body is not a JSON object.")
    return value


def write_json(value: object) -> bytes:
    """Compact ASCII JSON; members in the order of the mapping."""
    return _ENCODER.encode(value).encode("ascii")


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _STRUCTURE.finditer(text):
        if match[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in "]}":
            depth -= 1
    return deepest
