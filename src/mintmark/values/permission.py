"""Scope tokens and audiences: the grammar, exact matching and narrowing (RFC 6749 §3.3, RFC 8707 §2).

A scope is an ordered tuple of distinct scope tokens. Matching is exact and case-sensitive; ``*`` means
"all that this credential may have" only where a dialect declares it (Omneo).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

Scope = tuple[str, ...]
#: RFC 6749 §3.3: printable ASCII without space, double quote and backslash.
_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+", re.ASCII)
EVERYTHING = "*"


def parse_scope(text: str, delimiter: str = " ") -> Scope:
    """The distinct tokens of `text` in order of appearance.

    Raises ValueError (with a public sentence that does not repeat the input) when the grammar is broken.
    """
    tokens = text.split(delimiter)
    for token in tokens:
        if _TOKEN.fullmatch(token) is None:
            raise ValueError("scope must be scope tokens separated by single spaces.")
    return tuple(dict.fromkeys(tokens))


def is_scope_token(text: str) -> bool:
    """Whether `text` can stand in a scope."""
    return _TOKEN.fullmatch(text) is not None


def format_scope(scope: Iterable[str]) -> str:
    """The scope as RFC 6749 writes it: tokens separated by one space."""
    return " ".join(scope)


def narrow(wanted: Iterable[str], *limits: Collection[str]) -> Scope:
    """The tokens of `wanted`, in order, that stand in every one of `limits`; `wanted` itself when it is a tuple and all
    of them do.
    """
    kept = wanted
    for limit in limits:
        kept = [token for token in kept if token in limit]
    found = tuple(kept)
    return wanted if type(wanted) is tuple and found == wanted else found
