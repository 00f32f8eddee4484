"""What every door shares: the part of a guard that doors need, and what a middleware lets through without a
token.

Everything that is not named open is closed, unknown paths too. The caller comes from the guard alone, never
from a header, and where nothing was checked it is None.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import urlsplit

from mintmark.resource_server.caller import Caller
from mintmark.values.errors import OAuthError
from mintmark.values.permission import is_scope_token
from mintmark.wire.http import Headers, HttpResponse

RawHeaders = Iterable[tuple[str | bytes, str | bytes]]
"""Names and values as they came, a repeated header as often as it was sent."""

#: RFC 9728 §3; a resource with a path has it appended (§3.1).
WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"


class Guard(Protocol):
    """The guard as a door sees it; `mintmark.Guard` is one."""

    def verify(self, headers: RawHeaders, /, *scopes: str) -> Caller:
        """Who calls, permitted all of `scopes`. May block. Raises OAuthError."""
        ...

    async def averify(self, headers: RawHeaders, /, *scopes: str) -> Caller:
        """The same without ever blocking the event loop."""
        ...

    def refusal(self, error: OAuthError, /, *scopes: str) -> HttpResponse:
        """The answer to a request that needs `scopes` and was refused with `error`."""
        ...

    def metadata(self) -> Mapping[str, object]:
        """The document of RFC 9728 §2."""
        ...


def checked(scopes: Iterable[object]) -> tuple[str, ...]:
    """`scopes` as a door keeps them. Raises ValueError when one could never stand in a token."""
    needed = []
    for scope in scopes:
        if not isinstance(scope, str) or not is_scope_token(scope):
            raise ValueError("a door takes its scopes one by one, each a scope token (RFC 6749 §3.3)")
        needed.append(scope)
    return tuple(needed)


def well_known_paths(guard: Guard) -> tuple[str, ...]:
    """Where the guard's document stands: at the well-known path and, for a resource with a path, at the one
    that RFC 9728 §3.1 forms from it."""
    resource = guard.metadata().get("resource")
    path = urlsplit(resource).path.rstrip("/") if isinstance(resource, str) else ""
    return (WELL_KNOWN, WELL_KNOWN + path) if path.startswith("/") else (WELL_KNOWN,)


def document(guard: Guard) -> HttpResponse:
    """The guard's document as an answer (RFC 9728 §3.2)."""
    headers = ((b"content-type", b"application/json"), (b"cache-control", b"public, max-age=300"))
    return HttpResponse(200, headers, json.dumps(guard.metadata()).encode("ascii"))


def with_length(response: HttpResponse) -> Headers:
    """The headers of `response` and its Content-Length, for doors whose framework does not add it."""
    return (*response.headers, (b"content-length", b"%d" % len(response.body)))


def text_headers(response: HttpResponse) -> dict[str, str]:
    """The headers of `response` as text, for frameworks that take them so."""
    return {name.decode("ascii"): value.decode("latin-1") for name, value in response.headers}


class Entrance:
    """A middleware's view of its guard. Raises ValueError when a scope or an open path is not one.

    `scopes`: what every guarded path needs. `open_paths`: exact paths, as the application sees them, that need no
    token; there are no patterns, since a pattern opens more than it says.
    """

    __slots__ = ("_documents", "_open", "guard", "scopes")

    def __init__(self, guard: Guard, scopes: Sequence[str], open_paths: Iterable[str]) -> None:
        if isinstance(open_paths, str) or not all(path.startswith("/") for path in open_paths):
            raise ValueError("open_paths is a list of exact paths, each beginning with a slash")
        self.guard = guard
        self.scopes = checked(scopes)
        self._open = frozenset(open_paths)
        self._documents = frozenset(well_known_paths(guard))

    def is_open(self, path: str) -> bool:
        """Whether `path` needs no token."""
        return path in self._open

    def document(self, method: str, path: str) -> HttpResponse | None:
        """The guard's document, if that is what was asked for."""
        if path in self._documents and method in ("GET", "HEAD"):
            return document(self.guard)
        return None

    def verify(self, headers: RawHeaders) -> Caller:
        """Who calls. May block. Raises OAuthError."""
        return self.guard.verify(headers, *self.scopes)

    async def averify(self, headers: RawHeaders) -> Caller:
        """Who calls, found without blocking the loop. Raises OAuthError."""
        return await self.guard.averify(headers, *self.scopes)

    def refusal(self, error: OAuthError) -> HttpResponse:
        """The answer to a refused request."""
        return self.guard.refusal(error, *self.scopes)
