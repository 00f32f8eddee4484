"""The doors of Flask: a decorator for views, below the route's, and `protect` for an application or a blueprint.

The caller stands in ``flask.g.caller``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, request

from mintmark.transport.guards.entrance import Entrance, Guard, checked, text_headers
from mintmark.transport.guards.wsgi import environ_headers
from mintmark.values.errors import OAuthError
from mintmark.wire.http import HttpResponse

View = Callable[..., Any]


def require(guard: Guard, *scopes: str) -> Callable[[View], View]:
    """A decorator: the view, sync or async, is called only with a token that has all of `scopes`."""
    checked(scopes)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            try:
                g.caller = guard.verify(environ_headers(request.environ), *scopes)
            except OAuthError as error:
                return _response(guard.refusal(error, *scopes))
            return current_app.ensure_sync(view)(*args, **kwargs)

        return guarded

    return decorate


def protect(target: Flask | Blueprint, guard: Guard, *scopes: str, open_paths: Iterable[str] = ()) -> None:
    """Every request of `target`, unknown paths of an application too, needs a token with all of `scopes`.

    `open_paths` need none. The guard's document (RFC 9728 §3) is served where `target` is an application.
    """
    entrance = Entrance(guard, scopes, tuple(open_paths))

    @target.before_request
    def admit() -> Response | None:
        answer = entrance.document(request.method, request.path)
        g.caller = None
        if answer is None and not entrance.is_open(request.path):
            try:
                g.caller = entrance.verify(environ_headers(request.environ))
            except OAuthError as error:
                answer = entrance.refusal(error)
        return None if answer is None else _response(answer)


def _response(answer: HttpResponse) -> Response:
    return Response(answer.body, answer.status, text_headers(answer))
