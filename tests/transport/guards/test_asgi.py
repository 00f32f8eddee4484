"""The ASGI middleware in front of bare applications: HTTP, websockets, lifespan and what it does not know."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mintmark.transport.guards.asgi import GuardMiddleware
from tests.transport.guards.contract import WholeDoorContract
from tests.transport.guards.world import SCOPE, Door, World, asgi_door


async def application(scope: Any, receive: Any, send: Any) -> None:
    caller = scope["auth"]
    assert caller is scope["state"]["caller"]
    body = str(caller and caller.client_id).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


class TestAsgi(WholeDoorContract):
    asynchronous = True

    def door(self, guard: Any) -> Door:
        return asgi_door(GuardMiddleware(application, guard, SCOPE, open_paths=["/open"]))


def talk(middleware: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
    """What is sent to a client that says only what ASGI says when a connection begins."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": f"{scope['type']}.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(middleware(scope, receive, send))
    return sent


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept", "caller": scope["auth"].client_id})


def socket(*headers: tuple[bytes, bytes], **more: Any) -> dict[str, Any]:
    return {"type": "websocket", "path": "/live", "headers": list(headers), **more}


def test_a_websocket_with_a_good_token_reaches_the_application(world: World) -> None:
    header = (b"authorization", f"Bearer {world.tokens['good']}".encode())
    sent = talk(GuardMiddleware(echo, world.guard, SCOPE), socket(header))
    assert sent == [{"type": "websocket.accept", "caller": "reports"}]


def test_a_websocket_is_refused_by_close_code_1008_before_it_is_accepted(world: World) -> None:
    sent = talk(GuardMiddleware(echo, world.guard, SCOPE), socket())
    assert [(message["type"], message["code"]) for message in sent] == [("websocket.close", 1008)]


@pytest.mark.parametrize(
    ("token", "status"), [(None, 401), ("expired", 401), ("other_scope", 403), ("good", 503)]
)
def test_a_websocket_gets_the_whole_answer_where_the_server_can_send_it(
    token: str | None, status: int, world: World
) -> None:
    guard = world.cut_off if status == 503 else world.guard
    headers = [(b"authorization", f"Bearer {world.tokens[token]}".encode())] if token else []
    scope = socket(*headers, extensions={"websocket.http.response": {}})
    start, body = talk(GuardMiddleware(echo, guard, SCOPE), scope)
    assert (start["type"], start["status"]) == ("websocket.http.response.start", status)
    names = dict(start["headers"])
    assert (b"www-authenticate" in names) == (status != 503)
    assert (b"retry-after" in names) == (status == 503)
    assert body["type"] == "websocket.http.response.body"


def test_lifespan_passes_untouched(world: World) -> None:
    seen = []

    async def lifespan(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    scope = {"type": "lifespan", "state": {}}
    talk(GuardMiddleware(lifespan, world.guard), scope)
    assert seen == [scope]
    assert seen[0] is scope


def test_a_connection_of_an_unknown_kind_does_not_reach_the_application(world: World) -> None:
    with pytest.raises(ValueError, match="no ASGI connection of the type 'webtransport'"):
        talk(GuardMiddleware(echo, world.guard), {"type": "webtransport", "path": "/open", "headers": []})


def test_a_state_that_requests_share_never_holds_a_caller(world: World) -> None:
    """A server may hand one state to all requests of a connection."""
    shared: dict[str, Any] = {"pool": 1}
    header = (b"authorization", f"Bearer {world.tokens['good']}".encode())
    talk(GuardMiddleware(echo, world.guard), socket(header, state=shared))
    assert shared == {"pool": 1}


def test_a_caller_that_something_in_front_left_behind_is_not_believed(world: World) -> None:
    seen = []

    async def look(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["auth"], scope["state"]["caller"]))

    scope = socket(auth="admin", state={"caller": "admin"}) | {"path": "/open"}
    talk(GuardMiddleware(look, world.guard, open_paths=["/open"]), scope)
    assert seen == [(None, None)]


@pytest.mark.parametrize(
    ("path", "root_path", "reached"),
    [
        ("/api/open", "/api", True),
        ("/open", "/api", True),
        ("/open", "", True),
        ("/apiopen", "/api", False),
        ("/api/open", "", False),
        ("/api/api/open", "/api", False),
    ],
)
def test_open_paths_are_those_below_the_mount(path: str, root_path: str, reached: bool, world: World) -> None:
    seen = []

    async def look(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["path"])

    talk(
        GuardMiddleware(look, world.guard, open_paths=["/open"]),
        {**socket(), "path": path, "root_path": root_path},
    )
    assert seen == ([path] if reached else [])


@pytest.mark.parametrize("open_paths", ["/open", ["open"], [""]])
def test_open_paths_that_are_none_are_refused_when_the_door_is_built(open_paths: Any, world: World) -> None:
    with pytest.raises(ValueError, match="open_paths"):
        GuardMiddleware(echo, world.guard, open_paths=open_paths)
