"""A strict reader of the JSON objects in tokens and key sets (RFC 8259, RFC 7515 §4, RFC 7519 §4).

Anything on which two readers could differ is refused: a name given twice, NaN and Infinity, numbers beyond a
double, lone surrogates, other encodings than UTF-8, and nesting deeper than `MAX_DEPTH`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NoReturn

MAX_DEPTH = 16


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is given twice")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is out of range")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode = json.JSONDecoder(
    object_pairs_hook=_distinct, parse_float=_finite, parse_constant=_no_constant
).raw_decode
_decode_flat = json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant).raw_decode


def _flat(text: str) -> object:
    """The value of a text in which names can be counted, several times faster than by looking at each; else None.

    No object stands in another, no quote is escaped, and none that ends a name is followed by anything but its colon.
    So each name spells ``":`` once, and when that stands there no more often than the object has members, no name was
    given twice. A text value that begins with a colon spells it too: then the long way is taken.
    """
    if text.count("{") != 1 or text.count("[") >= MAX_DEPTH or "\\" in text:
        return None
    if '" ' in text or "\n" in text or "\t" in text or "\r" in text:  # behind it a colon would not be counted
        return None
    value, end = _decode_flat(text)
    return value if end == len(text) and type(value) is dict and text.count('":') == len(value) else None


def _shallow(value: object, depth: int) -> bool:
    children: Iterable[object]
    if isinstance(value, dict):
        children = value.values()
    elif isinstance(value, list):
        children = value
    else:
        return True
    return depth > 0 and all(_shallow(child, depth - 1) for child in children)


def parse_object(data: bytes) -> dict[str, object]:
    """The members of the JSON object in `data`. Raises ValueError, which repeats nothing of the data."""
    value: object = None
    try:
        text = data.decode("utf-8").strip(" \t\n\r")
        if (value := _flat(text)) is not None:
            return value  # type: ignore[return-value]
        value, end = _decode(text)
        if end != len(text):
            value = None
        if text.count("{") + text.count("[") > MAX_DEPTH and not _shallow(value, MAX_DEPTH):
            value = None
        if "\\" in text:  # an escape may spell half a surrogate pair, which cannot be written again
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        value = None
    if type(value) is not dict:
        raise ValueError("not a JSON object of unique names, finite numbers and moderate depth, in UTF-8")
    return value
