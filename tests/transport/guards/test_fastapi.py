"""FastAPI: the dependency, what OpenAPI shows of it, overrides in tests, and websockets."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import Depends, FastAPI, Security, WebSocket
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from mintmark.resource_server.caller import Caller
from mintmark.transport.guards.fastapi import attach, describe, require
from tests.transport.guards.contract import DoorContract
from tests.transport.guards.world import SCOPE, Door, Halved, World, asgi_door

TOKEN_URL = "https://auth.example/t/acme/production/oauth2/token"


def api(guard: Any) -> FastAPI:
    app = FastAPI()

    @app.get("/bookings", response_class=PlainTextResponse)
    async def bookings(caller: Caller = Depends(require(guard, SCOPE))) -> str:
        return caller.client_id

    return app


class TestDependency(DoorContract):
    asynchronous = True

    def door(self, guard: Any) -> Door:
        return asgi_door(api(guard))


class TestAttached(DoorContract):
    asynchronous = True

    def door(self, guard: Any) -> Door:
        app = api(guard)
        attach(app, guard)
        return asgi_door(app)


class TestInAThread(DoorContract):
    """The view may be sync; the check stays on the loop."""

    asynchronous = True

    def door(self, guard: Any) -> Door:
        app = FastAPI()

        @app.get("/bookings", response_class=PlainTextResponse)
        def bookings(caller: Caller = Depends(require(guard, SCOPE))) -> str:
            return caller.client_id

        return asgi_door(app)


def described(world: World) -> Halved:
    guard = Halved(world.guard, "averify")
    describe(guard, TOKEN_URL, {SCOPE: "Look bookings up."})
    return guard


def test_attach_gives_the_guards_own_body_and_serves_the_metadata(world: World) -> None:
    app = api(world.guard)
    plain = TestClient(api(world.guard)).get("/bookings")
    attach(app, world.guard)
    whole = TestClient(app).get("/bookings")
    assert plain.json() == {"detail": whole.json()}
    assert whole.headers["cache-control"] == plain.headers["cache-control"] == "no-store"
    document = TestClient(app).get("/.well-known/oauth-protected-resource")
    assert document.json()["resource"] == "https://api.example"


def test_openapi_shows_the_flow_and_the_scopes_of_each_operation(world: World) -> None:
    guard = described(world)
    app = api(guard)

    @app.delete("/bookings", dependencies=[Depends(require(guard, "bookings:cancel", SCOPE))])
    async def cancel() -> None: ...

    @app.get("/health")
    async def health() -> None: ...

    attach(app, guard)
    document = app.openapi()
    schemes = document["components"]["securitySchemes"]
    assert schemes["oauth2"]["type"] == "oauth2"
    assert schemes["oauth2"]["flows"] == {
        "clientCredentials": {
            "tokenUrl": TOKEN_URL,
            "scopes": {SCOPE: "Look bookings up.", "bookings:cancel": ""},
        }
    }
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    assert document["paths"]["/bookings"]["get"]["security"] == [{"oauth2": [SCOPE]}, {"bearer": [SCOPE]}]
    needed = document["paths"]["/bookings"]["delete"]["security"]
    assert needed == [{"oauth2": ["bookings:cancel", SCOPE]}, {"bearer": ["bookings:cancel", SCOPE]}]
    assert "security" not in document["paths"]["/health"]["get"]
    assert list(document["paths"]) == ["/bookings", "/health"]


def test_openapi_shows_a_bearer_token_alone_when_the_token_url_is_not_known(world: World) -> None:
    guard = Halved(world.guard, "averify")
    document = api(guard).openapi()
    assert list(document["components"]["securitySchemes"]) == ["bearer"]
    assert document["paths"]["/bookings"]["get"]["security"] == [{"bearer": [SCOPE]}]
    assert "parameters" not in document["paths"]["/bookings"]["get"]


def test_a_guard_is_described_once_and_before_it_is_required(world: World) -> None:
    guard, other = described(world), Halved(world.guard, "averify")
    require(other)
    with pytest.raises(ValueError, match="before its first require"):
        describe(guard, TOKEN_URL)
    with pytest.raises(ValueError, match="before its first require"):
        describe(other, TOKEN_URL)


def test_scopes_of_a_security_around_are_needed_too(world: World) -> None:
    app = FastAPI()
    guard = described(world)

    @app.get("/")
    async def view(caller: Caller = Security(require(guard, SCOPE), scopes=["bookings:write"])) -> None: ...

    answer = TestClient(app).get("/", headers={"Authorization": f"Bearer {world.tokens['good']}"})
    assert answer.status_code == 403
    assert "bookings:write" in answer.headers["www-authenticate"]
    security = app.openapi()["paths"]["/"]["get"]["security"]
    assert sorted(security[0]["oauth2"]) == [SCOPE, "bookings:write"]


def test_equal_requirements_are_one_dependency_for_overrides_and_cache(world: World) -> None:
    app = api(world.guard)
    caller = Caller("someone", "someone", "acme", frozenset(), "", None, "")
    app.dependency_overrides[require(world.guard, SCOPE)] = lambda: caller
    assert TestClient(app).get("/bookings").text == "someone"
    assert require(world.guard, SCOPE) != require(world.guard)
    assert require(world.guard, SCOPE) != require(world.cut_off, SCOPE)


def test_the_caller_is_known_before_the_parameters_are_looked_at(world: World) -> None:
    app = FastAPI()

    @app.get("/")
    async def view(number: int, caller: Caller = Depends(require(world.guard))) -> None: ...

    assert TestClient(app).get("/?number=many").status_code == 401


@pytest.fixture(params=[False, True], ids=["plain", "attached"])
def sockets(request: pytest.FixtureRequest, world: World) -> TestClient:
    app = FastAPI()

    @app.websocket("/live")
    async def live(socket: WebSocket, caller: Caller = Depends(require(world.guard, SCOPE))) -> None:
        await socket.accept()
        await socket.send_text(caller.client_id)
        await socket.close()

    if request.param:
        attach(app, world.guard)
    return TestClient(app)


def test_a_websocket_with_a_good_token_is_accepted(sockets: TestClient, world: World) -> None:
    headers = {"Authorization": f"Bearer {world.tokens['good']}"}
    with sockets.websocket_connect("/live", headers=headers) as socket:
        assert socket.receive_text() == "reports"


def test_a_websocket_without_one_is_refused(sockets: TestClient, request: pytest.FixtureRequest) -> None:
    with pytest.raises(WebSocketDisconnect) as refused, sockets.websocket_connect("/live"):
        pytest.fail("the websocket was accepted")
    if isinstance(refused.value, WebSocketDenialResponse):
        assert refused.value.status_code == 401
        assert refused.value.headers["www-authenticate"].startswith("Bearer ")
        assert "attached" in request.node.name
    else:
        assert refused.value.code == 1008
        assert "plain" in request.node.name


def test_a_guard_names_its_requirement_itself(world: World) -> None:
    assert world.guard.require(SCOPE) == require(world.guard, SCOPE)
