"""The doors of aiohttp.web: a middleware and a decorator for handlers. The caller is ``request[CALLER]``.

A websocket's upgrade is refused like any request, since aiohttp accepts it in the handler.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import wraps
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from mintmark.resource_server.caller import Caller
from mintmark.transport.guards.entrance import Entrance, Guard, checked, text_headers
from mintmark.values.errors import OAuthError
from mintmark.wire.http import HttpResponse

#: Where a request holds its caller; an open path's request has none.
CALLER = web.RequestKey("caller", Caller)


def guard_middleware(guard: Guard, *scopes: str, open_paths: Iterable[str] = ()) -> Middleware:
    """A middleware: every request, unknown paths too, needs a token with all of `scopes`; `open_paths` need
    none. The guard's document (RFC 9728 §3) is served."""
    entrance = Entrance(guard, scopes, tuple(open_paths))

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        document = entrance.document(request.method, request.path)
        if document is not None:
            return _response(document)
        if not entrance.is_open(request.path):
            try:
                request[CALLER] = await entrance.averify(request.raw_headers)
            except OAuthError as error:
                return _response(entrance.refusal(error))
        return await handler(request)

    return admit


def require(guard: Guard, *scopes: str) -> Callable[[Callable[..., Awaitable[Any]]], Callable[..., Any]]:
    """A decorator for handlers and for methods of `web.View`: called only with a token that has all of
    `scopes`."""
    checked(scopes)

    def decorate(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        @wraps(handler)
        async def guarded(first: web.Request | web.View, *args: Any, **kwargs: Any) -> Any:
            request = first.request if isinstance(first, web.View) else first
            try:
                request[CALLER] = await guard.averify(request.raw_headers, *scopes)
            except OAuthError as error:
                return _response(guard.refusal(error, *scopes))
            return await handler(first, *args, **kwargs)

        return guarded

    return decorate


def _response(answer: HttpResponse) -> web.Response:
    return web.Response(body=answer.body, status=answer.status, headers=text_headers(answer))
