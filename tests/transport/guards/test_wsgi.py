"""The WSGI middleware in front of a bare application."""

from __future__ import annotations

from typing import Any

from werkzeug.test import Client

from mintmark.transport.guards.wsgi import GuardMiddleware
from tests.transport.guards.contract import WholeDoorContract
from tests.transport.guards.world import SCOPE, Door, World, wsgi_door


def application(environ: Any, start_response: Any) -> list[bytes]:
    caller = environ["mintmark.caller"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(caller and caller.client_id).encode()]


class TestWsgi(WholeDoorContract):
    def door(self, guard: Any) -> Door:
        return wsgi_door(GuardMiddleware(application, guard, SCOPE, open_paths=["/open"]))


def test_a_caller_in_the_environ_of_an_open_path_is_not_believed(world: World) -> None:
    guarded = GuardMiddleware(application, world.guard, open_paths=["/open"])
    answer = Client(guarded).get("/open", environ_overrides={"mintmark.caller": "admin"})
    assert answer.text == "None"


def test_the_answer_to_head_has_no_body(world: World) -> None:
    answer = Client(GuardMiddleware(application, world.guard)).head("/bookings")
    assert (answer.status_code, answer.data) == (401, b"")
    assert int(answer.headers["Content-Length"]) > 0


def test_a_header_that_is_not_ascii_is_refused(world: World) -> None:
    answer = Client(GuardMiddleware(application, world.guard)).get(
        "/bookings", environ_overrides={"HTTP_AUTHORIZATION": "Bearer t\u00f6ken\u20ac"}
    )
    assert answer.status_code == 401


def test_an_open_path_may_hold_letters_beyond_ascii(world: World) -> None:
    guarded = GuardMiddleware(application, world.guard, open_paths=["/größe"])
    assert Client(guarded).get("/größe").text == "None"
