"""``application/x-www-form-urlencoded`` text, in bodies and queries (RFC 6749 appendix B).

Strict: broken percent escapes, bytes that are not UTF-8, control characters and repeated names are refused.
An empty value is kept as empty text; who reads treats it as absent (RFC 6749 §3.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote_plus, unquote_to_bytes

from mintmark.wire.http import UNSAFE, Malformed

MOST_PAIRS = 64
LONGEST_NAME = 128
LONGEST_VALUE = 8192
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NO_NAMES: frozenset[str] = frozenset()


def read_form(data: bytes, repeatable: frozenset[str] = _NO_NAMES) -> dict[str, str]:
    """Names and values in order. Values of a `repeatable` name are joined by a space.

    Raises Malformed, whose sentence never repeats the input.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("The parameters are not valid UTF-8.") from None
    if UNSAFE.search(text) is not None:
        raise Malformed("The parameters hold control characters.")
    encoded = "%" in text or "+" in text
    fields: dict[str, str] = {}
    pairs = text.split("&")
    if len(pairs) > MOST_PAIRS:
        raise Malformed(f"There are more than {MOST_PAIRS} parameters.")
    for pair in pairs:
        if not pair:
            continue
        name, _, value = pair.partition("=")
        if encoded:
            name, value = form_decode(name), form_decode(value)
        if len(name) > LONGEST_NAME or len(value) > LONGEST_VALUE:
            raise Malformed("A parameter is too long.")
        if name in fields:
            if name not in repeatable:
                raise Malformed("A parameter is repeated.")
            value = f"{fields[name]} {value}".strip()
        elif repeatable and name in repeatable and " " in value:
            raise Malformed("A parameter that may be repeated holds a space.")
        fields[name] = value
    return fields


def form_decode(text: str) -> str:
    """One name or value, decoded: ``+`` is a space, ``%XX`` a byte of UTF-8. Raises Malformed."""
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    if _BROKEN_ESCAPE.search(text) is not None:
        raise Malformed("A percent escape is broken.")
    try:
        text = unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("The parameters are not valid UTF-8.") from None
    if UNSAFE.search(text) is not None:
        raise Malformed("The parameters hold control characters.")
    return text


def form_encode(text: str) -> str:
    """One name or value, encoded; letters, digits and ``-._~`` stand for themselves, a space is ``+``."""
    return quote_plus(text, safe="")


def write_form(pairs: Iterable[tuple[str, str]]) -> bytes:
    """The pairs in order."""
    return "&".join(f"{form_encode(name)}={form_encode(value)}" for name, value in pairs).encode("ascii")
