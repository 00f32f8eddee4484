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
