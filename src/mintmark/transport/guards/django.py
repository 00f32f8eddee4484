"""The doors of Django: a middleware, sync and async, and a decorator for views of both kinds.

The caller stands in ``request.caller``; ``request.user`` is not touched, nor any database. Calls with a Bearer
token come without a cookie: exempt their views from CSRF checks where `CsrfViewMiddleware` is installed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http import HttpResponse as Response
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from mintmark.resource_server.caller import Caller
from mintmark.transport.guards.entrance import Entrance, Guard, RawHeaders, checked, text_headers
from mintmark.transport.guards.wsgi import environ_headers
from mintmark.values.errors import OAuthError
from mintmark.wire.http import HttpResponse

View = Callable[..., Any]
GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


def raw_headers(request: HttpRequest) -> RawHeaders:
    """The headers as they came: under ASGI each by itself, under WSGI as the server joined them."""
    scope = getattr(request, "scope", None)
    return environ_headers(request.META) if scope is None else scope["headers"]


def guard_middleware(
    guard: Guard, *scopes: str, open_paths: Iterable[str] = ()
) -> Callable[[GetResponse], GetResponse]:
    """A middleware for ``MIDDLEWARE``: name it in a module, as in ``middleware = guard_middleware(guard)``.

    Every request, unknown paths too, needs a token with all of `scopes`; `open_paths` need none. The guard's
    document (RFC 9728 §3) is served.
    """
    entrance = Entrance(guard, scopes, tuple(open_paths))

    def unchecked(request: HttpRequest) -> tuple[bool, Response | None]:
        """Whether the request needs no token, and the answer that it has without one."""
        _identify(request, None)
        answer = entrance.document(request.method or "", request.path_info)
        if answer is not None:
            return True, _response(answer)
        return entrance.is_open(request.path_info), None

    def middleware(get_response: Any) -> GetResponse:
        async def in_the_loop(request: HttpRequest) -> HttpResponseBase:
            free, answer = unchecked(request)
            if answer is not None:
                return answer
            if not free:
                try:
                    _identify(request, await entrance.averify(raw_headers(request)))
                except OAuthError as error:
                    return _response(entrance.refusal(error))
            response: HttpResponseBase = await get_response(request)
            return response

        def in_a_thread(request: HttpRequest) -> HttpResponseBase:
            free, answer = unchecked(request)
            if answer is not None:
                return answer
            if not free:
                try:
                    _identify(request, entrance.verify(raw_headers(request)))
                except OAuthError as error:
                    return _response(entrance.refusal(error))
            response: HttpResponseBase = get_response(request)
            return response

        return in_the_loop if iscoroutinefunction(get_response) else in_a_thread

    return sync_and_async_middleware(middleware)


def require(guard: Guard, *scopes: str) -> Callable[[View], View]:
    """A decorator: the view, sync or async, is called only with a token that has all of `scopes`.

    A class goes in as ``require(guard, ...)(TheView.as_view())``.
    """
    checked(scopes)

    def decorate(view: View) -> View:
        @wraps(view)
        async def in_the_loop(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                _identify(request, await guard.averify(raw_headers(request), *scopes))
            except OAuthError as error:
                return _response(guard.refusal(error, *scopes))
            return await view(request, *args, **kwargs)

        @wraps(view)
        def in_a_thread(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                _identify(request, guard.verify(raw_headers(request), *scopes))
            except OAuthError as error:
                return _response(guard.refusal(error, *scopes))
            return view(request, *args, **kwargs)

        return in_the_loop if iscoroutinefunction(view) else in_a_thread

    return decorate


def _identify(request: HttpRequest, caller: Caller | None) -> None:
    request.caller = caller  # type: ignore[attr-defined]  # as Django's own middleware adds `user`


def _response(answer: HttpResponse) -> Response:
    return Response(answer.body, status=answer.status, headers=text_headers(answer))
