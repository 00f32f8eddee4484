"""Django REST framework: the authentication class and `HasScope`, alone, together and beside others."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from mintmark.transport.guards.drf import ApiClient, GuardAuthentication, HasScope
from tests.transport.guards.contract import DoorContract
from tests.transport.guards.django_site import site
from tests.transport.guards.world import SCOPE, Answer, Door, World


class Someone(BaseAuthentication):
    """Another way of authentication, which takes everyone."""

    def authenticate(self, request: Any) -> Any:
        return ApiClient(None), "a session"  # type: ignore[arg-type]


def unquoted(door: Door) -> Door:
    """The renderer writes JSON: the text inside of it."""

    def call(path: str, headers: Any) -> Answer:
        answer = door(path, headers)
        return Answer(answer.status, answer.headers, answer.body.strip('"'))

    return call


def view(guard: Any, *permissions: Any, before: tuple[Any, ...] = (), after: tuple[Any, ...] = ()) -> Door:
    class Authentication(GuardAuthentication):
        pass

    Authentication.guard = guard

    class Bookings(APIView):
        authentication_classes = (*before, Authentication, *after)
        permission_classes = permissions

        def get(self, request: Any) -> Response:
            assert request.user.get_username() == str(request.user) == request.auth.client_id
            return Response(request.auth.client_id)

    return unquoted(site({"/bookings": Bookings.as_view()}))


class TestHasScope(DoorContract):
    def door(self, guard: Any) -> Door:
        return view(guard, HasScope(SCOPE))


class TestBesideOthers(DoorContract):
    """`HasScope` in a composed permission; 401 stays 401 behind a class that knows no challenge."""

    def door(self, guard: Any) -> Door:
        class Nobody(BaseAuthentication):
            def authenticate(self, request: Any) -> None: ...

        return view(guard, HasScope(SCOPE) & IsAuthenticated, before=(Nobody,))


def bearer(world: World, name: str) -> list[tuple[str, str]]:
    return [("Authorization", f"Bearer {world.tokens[name]}")]


def test_a_request_without_a_token_is_401_under_any_permission(world: World) -> None:
    answer = view(world.guard, IsAuthenticated)("/bookings", [])
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "error" not in answer.headers["www-authenticate"]


@pytest.mark.parametrize(("name", "status"), [("expired", 401), ("good", 200)])
def test_a_bad_token_is_refused_even_where_everyone_may_come_in(name: str, status: int, world: World) -> None:
    assert view(world.guard, AllowAny)("/bookings", bearer(world, name)).status == status


def test_who_came_in_by_another_way_has_no_scope(world: World) -> None:
    door = view(world.guard, HasScope(SCOPE), before=(Someone,))
    assert door("/bookings", []).status == 401
    assert door("/bookings", bearer(world, "good")).status == 403
    alone = view(world.guard, HasScope(SCOPE), after=(Someone,))
    assert alone("/bookings", []).status == 401


def test_a_scope_cannot_be_asked_of_a_view_without_the_guard(world: World) -> None:
    class Open(APIView):
        authentication_classes = (Someone,)
        permission_classes = (HasScope(),)

        def get(self, request: Any) -> Response:
            return Response("reached")

    assert site({"/": Open.as_view()})("/", bearer(world, "good")).status == 403


def test_a_client_is_a_user_without_rights_or_row(world: World) -> None:
    one = ApiClient(world.guard.verify(bearer(world, "good")))
    assert one.is_authenticated
    assert one.is_active
    assert not one.is_anonymous
    assert not (one.is_staff or one.is_superuser or one.has_perm("anything"))
    assert one.pk.endswith("/reports")


def test_throttles_tell_clients_apart(world: World) -> None:
    class Throttle(UserRateThrottle):
        rate = "1/day"

    class Request:
        def __init__(self, user: ApiClient) -> None:
            self.user = user

    caller = world.guard.verify(bearer(world, "good"))
    keys = {Throttle().get_cache_key(Request(ApiClient(caller)), None) for _ in range(2)}  # type: ignore[arg-type]
    assert len(keys) == 1
    assert "reports" in str(keys)
