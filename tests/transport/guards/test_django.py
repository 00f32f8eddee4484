"""Django: the middleware and the decorator, sync under WSGI and async under ASGI."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import View

from mintmark.transport.guards.django import guard_middleware, require
from tests.transport.guards.contract import DoorContract, WholeDoorContract
from tests.transport.guards.django_site import site
from tests.transport.guards.world import SCOPE, Door, World


def who(request: Any) -> HttpResponse:
    return HttpResponse(str(request.caller and request.caller.client_id))


async def who_on_the_loop(request: Any) -> HttpResponse:
    return who(request)


class TestMiddleware(WholeDoorContract):
    def door(self, guard: Any) -> Door:
        views = {"/bookings": who, "/open": who}
        return site(views, guard_middleware(guard, SCOPE, open_paths=["/open"]))


class TestAsyncMiddleware(WholeDoorContract):
    asynchronous = True

    def door(self, guard: Any) -> Door:
        views = {"/bookings": who_on_the_loop, "/open": who_on_the_loop}
        return site(views, guard_middleware(guard, SCOPE, open_paths=["/open"]), asynchronous=True)


class TestDecorated(DoorContract):
    def door(self, guard: Any) -> Door:
        return site({"/bookings": require(guard, SCOPE)(who)})


class TestDecoratedAsync(DoorContract):
    asynchronous = True

    def door(self, guard: Any) -> Door:
        return site({"/bookings": require(guard, SCOPE)(who_on_the_loop)}, asynchronous=True)


class TestSyncViewUnderAsgi(DoorContract):
    """Django runs it in a thread, and the guard with it."""

    def door(self, guard: Any) -> Door:
        return site({"/bookings": require(guard, SCOPE)(who)}, asynchronous=True)


class TestAsyncClass(DoorContract):
    asynchronous = True

    def door(self, guard: Any) -> Door:
        class Bookings(View):
            async def get(self, request: HttpRequest) -> HttpResponse:
                return who(request)

        return site({"/bookings": require(guard, SCOPE)(Bookings.as_view())}, asynchronous=True)


def test_the_user_is_left_alone(world: World) -> None:
    def view(request: Any) -> HttpResponse:
        return HttpResponse(str(hasattr(request, "user")))

    sent = [("Authorization", f"Bearer {world.tokens['good']}")]
    assert site({"/": view}, guard_middleware(world.guard))("/", sent).body == "False"
