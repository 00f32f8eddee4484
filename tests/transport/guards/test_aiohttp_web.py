"""aiohttp.web: the middleware and the decorator, in applications on real sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from mintmark.transport.guards.aiohttp_web import CALLER, guard_middleware, require
from tests.transport.guards.contract import DoorContract, WholeDoorContract
from tests.transport.guards.world import SCOPE, Answer, Door, Headers, World


async def who(request: web.Request) -> web.Response:
    caller = request.get(CALLER)
    return web.Response(text=str(caller and caller.client_id))


def door_of(make: Any) -> Door:
    async def ask(path: str, headers: Headers) -> Answer:
        async with TestClient(TestServer(make())) as client:
            url = client.make_url("/").with_path(path, encoded=True)
            answer = await client.session.get(url, headers=CIMultiDict(headers))
            named = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, named, await answer.text())

    return lambda path, headers: asyncio.run(ask(path, headers))


class TestMiddleware(WholeDoorContract):
    asynchronous = True

    def door(self, guard: Any) -> Door:
        def make() -> web.Application:
            app = web.Application(middlewares=[guard_middleware(guard, SCOPE, open_paths=["/open"])])
            app.add_routes([web.get("/bookings", who), web.get("/open", who)])
            return app

        return door_of(make)


class TestDecorated(DoorContract):
    asynchronous = True

    def door(self, guard: Any) -> Door:
        def make() -> web.Application:
            app = web.Application()
            app.add_routes([web.get("/bookings", require(guard, SCOPE)(who))])
            return app

        return door_of(make)


class TestDecoratedView(DoorContract):
    asynchronous = True

    def door(self, guard: Any) -> Door:
        class Bookings(web.View):
            @require(guard, SCOPE)
            async def get(self) -> web.Response:
                return await who(self.request)

        def make() -> web.Application:
            app = web.Application()
            app.add_routes([web.view("/bookings", Bookings)])
            return app

        return door_of(make)


@pytest.mark.parametrize(("name", "status"), [("good", 101), ("expired", 401), ("other_scope", 403)])
def test_a_websocket_is_upgraded_only_with_a_good_token(name: str, status: int, world: World) -> None:
    async def live(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(request[CALLER].client_id)
        return socket

    async def ask() -> int:
        app = web.Application(middlewares=[guard_middleware(world.guard, SCOPE)])
        app.add_routes([web.get("/live", live)])
        headers = {"Authorization": f"Bearer {world.tokens[name]}"}
        async with TestClient(TestServer(app)) as client:
            try:
                socket = await client.ws_connect("/live", headers=headers)
            except WSServerHandshakeError as refused:
                assert refused.headers is not None
                assert refused.headers["WWW-Authenticate"].startswith("Bearer ")
                return refused.status
            assert await socket.receive_str() == "reports"
            await socket.close()
            return 101

    assert asyncio.run(ask()) == status
