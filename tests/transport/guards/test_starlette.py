"""Starlette: the decorator on functions, threads and endpoints, and the ASGI middleware in a real application."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from mintmark.transport.guards.asgi import GuardMiddleware
from mintmark.transport.guards.starlette import metadata_routes, require
from tests.transport.guards.contract import DoorContract, WholeDoorContract
from tests.transport.guards.world import SCOPE, Door, World, asgi_door


async def who(request: Request) -> Response:
    assert request.auth is request.state.caller
    return PlainTextResponse(str(request.auth and request.auth.client_id))


def who_in_a_thread(request: Request) -> Response:
    return PlainTextResponse(request.auth.client_id)


class TestDecorated(DoorContract):
    asynchronous = True

    def door(self, guard: Any) -> Door:
        return asgi_door(Starlette(routes=[Route("/bookings", require(guard, SCOPE)(who))]))


class TestDecoratedInAThread(DoorContract):
    def door(self, guard: Any) -> Door:
        return asgi_door(Starlette(routes=[Route("/bookings", require(guard, SCOPE)(who_in_a_thread))]))


class TestDecoratedEndpoint(DoorContract):
    asynchronous = True

    def door(self, guard: Any) -> Door:
        class Bookings(HTTPEndpoint):
            @require(guard, SCOPE)
            async def get(self, request: Request) -> Response:
                return await who(request)

        return asgi_door(Starlette(routes=[Route("/bookings", Bookings)]))


class TestMiddleware(WholeDoorContract):
    asynchronous = True

    def door(self, guard: Any) -> Door:
        routes = [Route("/bookings", who), Route("/open", who)]
        middleware = [Middleware(GuardMiddleware, guard, SCOPE, open_paths=["/open"])]
        return asgi_door(Starlette(routes=routes, middleware=middleware))


def test_a_mounted_part_may_have_a_guard_of_its_own(world: World) -> None:
    part = Mount("/api", routes=[Route("/open", who)], middleware=[Middleware(GuardMiddleware, world.guard)])
    client = TestClient(Starlette(routes=[part, Route("/open", lambda _: PlainTextResponse("free"))]))
    assert client.get("/open").text == "free"
    assert client.get("/api/open").status_code == 401


def test_the_scopes_are_those_of_starlettes_own_requires(world: World) -> None:
    @requires("bookings:cancel")
    async def cancel(request: Request) -> Response:
        return await who(request)

    middleware = [Middleware(GuardMiddleware, world.guard)]
    client = TestClient(Starlette(routes=[Route("/", cancel)], middleware=middleware))
    good = client.get("/", headers={"Authorization": f"Bearer {world.tokens['good']}"})
    assert (good.status_code, good.text) == (200, "reports")


def test_serves_the_metadata(world: World) -> None:
    document = TestClient(Starlette(routes=metadata_routes(world.guard))).get(
        "/.well-known/oauth-protected-resource"
    )
    assert document.json()["resource"] == "https://api.example"


@pytest.fixture(params=["decorator", "endpoint", "middleware"])
def socket_client(request: pytest.FixtureRequest, world: World) -> TestClient:
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(socket.auth.client_id)
        await socket.close()

    if request.param == "decorator":
        return TestClient(Starlette(routes=[WebSocketRoute("/live", require(world.guard, SCOPE)(live))]))
    if request.param == "endpoint":

        class Live(WebSocketEndpoint):
            @require(world.guard, SCOPE)
            async def on_connect(self, websocket: WebSocket) -> None:
                await live(websocket)

        return TestClient(Starlette(routes=[WebSocketRoute("/live", Live)]))
    middleware = [Middleware(GuardMiddleware, world.guard, SCOPE)]
    return TestClient(Starlette(routes=[WebSocketRoute("/live", live)], middleware=middleware))


def test_a_websocket_with_a_good_token_is_accepted(socket_client: TestClient, world: World) -> None:
    headers = {"Authorization": f"Bearer {world.tokens['good']}"}
    with socket_client.websocket_connect("/live", headers=headers) as socket:
        assert socket.receive_text() == "reports"


@pytest.mark.parametrize(("token", "status"), [("expired", 401), ("other_scope", 403)])
def test_a_websocket_with_another_token_is_refused_with_the_challenge(
    token: str, status: int, socket_client: TestClient, world: World
) -> None:
    headers = {"Authorization": f"Bearer {world.tokens[token]}"}
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        socket_client.websocket_connect("/live", headers=headers),
    ):
        pytest.fail("the websocket was accepted")
    assert refused.value.status_code == status
    assert refused.value.headers["www-authenticate"].startswith("Bearer ")


def test_a_websocket_is_never_accepted_without_a_token(socket_client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), socket_client.websocket_connect("/live"):
        pytest.fail("the websocket was accepted")
