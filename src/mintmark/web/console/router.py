"""Which page answers which path: a small table that the pages fill when they are imported.

A pattern is a path with ``{names}``, each one segment of a path, percent-encoded there. The longest part in plain
text wins: ``/applications/new`` before ``/applications/{client_id}``.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote_to_bytes

from mintmark.web.console.visit import Answer, Visit
from mintmark.wire.http import Malformed

Handler = Callable[[Visit], Awaitable[Answer]]
Method = Literal["GET", "POST"]
_PLACE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """`open`: answered without a session too. `again`: the page that shows a refused form again."""

    method: Method
    pattern: str
    regex: re.Pattern[str]
    handler: Handler
    open: bool
    again: Handler | None

    @property
    def order(self) -> tuple[int, str]:
        """Patterns with fewer places come first."""
        return len(_PLACE.findall(self.pattern)), self.pattern


class NoSuchMethod(Exception):
    """The path is there, the method is not. `allowed`: those that are."""

    def __init__(self, allowed: list[str]) -> None:
        super().__init__()
        self.allowed = allowed


ROUTES: list[Route] = []


def page(
    method: Method, pattern: str, *, open: bool = False, again: Handler | None = None
) -> Callable[[Handler], Handler]:
    """Register a page at ``/console`` + `pattern`."""

    def register(handler: Handler) -> Handler:
        text = _PLACE.sub(
            lambda place: f"(?P<{place.group(1)}>[^/]+)",
            re.escape(pattern).replace(r"\{", "{").replace(r"\}", "}"),
        )
        ROUTES.append(Route(method, pattern, re.compile(text), handler, open, again))
        ROUTES.sort(key=lambda route: route.order)
        return handler

    return register


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The page at a path below ``/console``, and what stands at the places of its pattern.

    Raises NoSuchMethod, and Malformed for escapes that are none.
    """
    allowed: list[str] = []
    for route in ROUTES:
        found = route.regex.fullmatch(path)
        if found is None:
            continue
        if route.method == ("GET" if method == "HEAD" else method):
            return route, {name: _decoded(text) for name, text in found.groupdict().items()}
        allowed.append(route.method)
    if allowed:
        raise NoSuchMethod(sorted(set(allowed) | ({"HEAD"} if "GET" in allowed else set())))
    return None


def _decoded(segment: str) -> str:
    try:
        return unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("The path is not percent-encoded UTF-8.") from None
