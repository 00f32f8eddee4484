"""Flask: the decorator on sync and async views, a whole application, and a blueprint."""

from __future__ import annotations

from typing import Any

import flask
import pytest

from mintmark.transport.guards.flask import protect, require
from tests.transport.guards.contract import DoorContract, WholeDoorContract
from tests.transport.guards.world import SCOPE, Door, World, wsgi_door


def who() -> str:
    return str(flask.g.caller and flask.g.caller.client_id)


class TestDecorated(DoorContract):
    def door(self, guard: Any) -> Door:
        app = flask.Flask("bookings")

        @app.get("/bookings")
        @require(guard, SCOPE)
        def bookings() -> str:
            return who()

        return wsgi_door(app)


class TestProtected(WholeDoorContract):
    def door(self, guard: Any) -> Door:
        app = flask.Flask("bookings")
        protect(app, guard, SCOPE, open_paths=["/open"])
        app.add_url_rule("/bookings", view_func=who)
        app.add_url_rule("/open", "open", who)
        return wsgi_door(app)


class TestBlueprint(DoorContract):
    def door(self, guard: Any) -> Door:
        blueprint = flask.Blueprint("bookings", "bookings")
        protect(blueprint, guard, SCOPE)
        blueprint.add_url_rule("/bookings", view_func=who)
        app = flask.Flask("bookings")
        app.register_blueprint(blueprint)
        return wsgi_door(app)


def test_a_blueprint_guards_its_own_routes_alone(world: World) -> None:
    blueprint = flask.Blueprint("bookings", "bookings")
    protect(blueprint, world.guard)
    blueprint.add_url_rule("/bookings", view_func=who)
    app = flask.Flask("bookings")
    app.register_blueprint(blueprint, url_prefix="/api")
    app.add_url_rule("/free", "free", lambda: "free")
    assert app.test_client().get("/free").text == "free"
    assert app.test_client().get("/api/bookings").status_code == 401


def test_the_view_keeps_its_name_and_its_arguments(world: World) -> None:
    app = flask.Flask("bookings")

    @app.get("/bookings/<int:number>")
    @require(world.guard)
    def booking(number: int) -> str:
        return f"{number} {who()}"

    headers = {"Authorization": f"Bearer {world.tokens['good']}"}
    assert app.test_client().get("/bookings/7", headers=headers).text == "7 reports"
    assert "booking" in app.view_functions


def test_an_async_view_stands_behind_the_same_decorator(world: World) -> None:
    pytest.importorskip("asgiref")
    app = flask.Flask("bookings")

    @app.get("/")
    @require(world.guard, SCOPE)
    async def view() -> str:
        return who()

    headers = {"Authorization": f"Bearer {world.tokens['good']}"}
    assert app.test_client().get("/", headers=headers).text == "reports"
    assert app.test_client().get("/").status_code == 401
