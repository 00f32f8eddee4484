"""The settings of Django for a whole test process, made once; each test brings its own routes and middleware."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from django.urls import clear_url_caches, path

from tests.transport.guards.world import Answer, Door, Headers, asgi_door, wsgi_door

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="of the tests",
        ROOT_URLCONF=(),
        INSTALLED_APPS=["rest_framework"],
        REST_FRAMEWORK={
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "UNAUTHENTICATED_USER": None,
            "UNAUTHENTICATED_TOKEN": None,
        },
    )
    django.setup()

#: What MIDDLEWARE names: Django imports it from here.
slot = SimpleNamespace()
SLOT = "tests.transport.guards.django_site.middleware"


def middleware(get_response: Any) -> Any:
    """The middleware of the test that runs."""
    return slot.middleware(get_response)


middleware.sync_capable = middleware.async_capable = True  # type: ignore[attr-defined]


def site(views: dict[str, Callable[..., Any]], guarding: Any = None, asynchronous: bool = False) -> Door:
    """An application with these views by path, behind the middleware `guarding`, under WSGI or ASGI."""
    routes = tuple(path(route.lstrip("/"), view) for route, view in views.items())

    def call(address: str, headers: Headers) -> Answer:
        chain: Sequence[str] = () if guarding is None else (SLOT,)
        slot.middleware = guarding
        with override_settings(ROOT_URLCONF=routes, MIDDLEWARE=chain):
            clear_url_caches()
            door = asgi_door(ASGIHandler()) if asynchronous else wsgi_door(WSGIHandler())
            return door(quote(address), headers)

    return call
