"""One object that puts a token on calls: ``auth=`` of httpx2, httpx and requests, and a middleware of aiohttp.

httpx2 and httpx know an auth object by its base class and the others by its being callable; so the class is joined
together when it is first needed, from whichever of them are installed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from mintmark.client.token_source import TokenSource
from mintmark.transport.auth_httpx import HttpxFlow
from mintmark.transport.bearing import Bearing


class MintmarkAuth(HttpxFlow):
    """Made by `source.auth()`. It holds the source, not a token."""

    def __init__(self, bearing: Bearing) -> None:
        self.bearing = bearing

    def __call__(self, request: Any, handler: Callable[[Any], Awaitable[Any]] | None = None) -> Any:
        """requests calls this with a request, aiohttp with a request and the handler of it."""
        if handler is None:
            from mintmark.transport.auth_requests import prepare

            return prepare(self.bearing, request)
        from mintmark.transport.auth_aiohttp import respond

        return respond(self.bearing, request, handler)

    def __repr__(self) -> str:
        return f"<tokens of {self.bearing.source.dialect}>"


def auth_for(
    source: TokenSource, origins: Iterable[str], libraries: tuple[str, ...] = ("httpx2", "httpx")
) -> MintmarkAuth:
    """The object for `source`; of `libraries` those that are installed are imported. Raises Misconfigured for an origin
    that is neither HTTPS nor this machine.
    """
    made: MintmarkAuth = _joined(libraries)(Bearing(source, origins))
    return made


@cache
def _joined(libraries: tuple[str, ...]) -> type[Any]:
    bases = [import_module(name).Auth for name in libraries if find_spec(name) is not None]
    return type("MintmarkAuth", (MintmarkAuth, *bases), {"__doc__": MintmarkAuth.__doc__})
