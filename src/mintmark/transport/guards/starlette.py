"""The door of Starlette: a decorator for endpoints. Whole applications take `guards.asgi.GuardMiddleware`.

The caller stands in ``request.auth`` and ``request.state.caller``; Starlette's own ``@requires`` reads its scopes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket

from mintmark.resource_server.caller import Caller
from mintmark.transport.guards import asgi
from mintmark.transport.guards.entrance import Guard, checked, document, text_headers, well_known_paths
from mintmark.values.errors import OAuthError
from mintmark.wire.http import HttpResponse

Endpoint = Callable[..., Any]


def require(guard: Guard, *scopes: str) -> Callable[[Endpoint], Endpoint]:
    """A decorator: the endpoint is called only with a token that has all of `scopes`.

    For functions, sync or async, of a Request or a WebSocket, and for methods of HTTPEndpoint and
    WebSocketEndpoint (there: ``on_connect``).
    """
    checked(scopes)

    def decorate(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            connection = _connection(args, kwargs)
            try:
                _identify(connection, await guard.averify(connection.scope["headers"], *scopes))
            except OAuthError as error:
                answer = guard.refusal(error, *scopes)
                if isinstance(connection, WebSocket):
                    return await asgi.refuse(connection.scope, connection.receive, connection.send, answer)
                return _response(answer)
            return await endpoint(*args, **kwargs)

        @wraps(endpoint)
        def guarded_in_a_thread(*args: Any, **kwargs: Any) -> Any:
            connection = _connection(args, kwargs)
            try:
                _identify(connection, guard.verify(connection.scope["headers"], *scopes))
            except OAuthError as error:
                return _response(guard.refusal(error, *scopes))
            return endpoint(*args, **kwargs)

        return guarded if iscoroutinefunction(endpoint) else guarded_in_a_thread

    return decorate


def metadata_routes(guard: Guard) -> list[Route]:
    """The routes of the guard's document (RFC 9728 §3)."""

    async def describe(_: Request) -> Response:
        return _response(document(guard))

    return [Route(path, describe, include_in_schema=False) for path in well_known_paths(guard)]


def _connection(args: tuple[Any, ...], kwargs: dict[str, Any]) -> HTTPConnection:
    return next(one for one in (*args, *kwargs.values()) if isinstance(one, HTTPConnection))


def _identify(connection: HTTPConnection, caller: Caller) -> None:
    connection.scope["auth"] = caller
    connection.state.caller = caller


def _response(answer: HttpResponse) -> Response:
    return Response(answer.body, answer.status, text_headers(answer))
