"""The address of a token endpoint from its template and the caller's variables (tenant, region, host ...).

A variable can never reach beyond its place: in the host it is a host name or a port, in the path it is one segment;
only a variable that begins the address may be a whole address itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote, urlsplit

from mintmark.dialect.template import Literal, Node, Place, Text

_AUTHORITY = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]{1,5})?", re.ASCII)
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._\[\]:-]+(?:[/?][!-~]*)?", re.ASCII)


def variables_of(url: Node) -> Iterator[str]:
    """The names of the variables in the template, in order."""
    for part in _parts(url):
        if isinstance(part, Place):
            yield part.name


def address(url: Node, variables: Mapping[str, str]) -> tuple[str, str, str]:
    """Scheme, host and path; the path alone, decoded; and a query that the address itself brings.

    Raises ValueError naming the variable that is missing or does not fit its place.
    """
    text = ""
    for part in _parts(url):
        if isinstance(part, str):
            text += part
            continue
        value = variables.get(part.name, "")
        if not value:
            raise ValueError(f"the address of the token endpoint needs the variable '{part.name}'")
        if not text:
            fits = _ADDRESS.fullmatch(value) is not None
            text = value.rstrip("/") if isinstance(url, Text) else value
        elif "/" not in text.partition("://")[2]:
            fits = _AUTHORITY.fullmatch(value) is not None
            text += value
        else:
            fits = value not in (".", "..")
            text += quote(value, safe="")
        if not fits:
            raise ValueError(f"the variable '{part.name}' does not fit its place in the address")
    whole = urlsplit(text)
    if whole.scheme not in ("http", "https") or not whole.hostname or whole.fragment or "@" in whole.netloc:
        raise ValueError("the address of the token endpoint is not an http or https address")
    path = whole.path or "/"
    return f"{whole.scheme}://{whole.netloc}{path}", unquote(path), whole.query


def _parts(url: Node) -> tuple[str | Place, ...]:
    if isinstance(url, Text):
        return url.parts
    if isinstance(url, Place):
        return (url,)
    return (str(url.value),) if isinstance(url, Literal) else ()
