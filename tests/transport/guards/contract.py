"""What every door must do, whatever its framework: the same requests, the same answers.

A test module for a door subclasses `DoorContract` and builds an application of its framework in `door`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from mintmark.wire.bearer import parse_challenge
from tests.transport.guards.world import SCOPE, Door, Halved, Headers, World

CASES: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "cases.toml").read_text())["case"]


class DoorContract:
    """`asynchronous`: the door stands on an event loop."""

    asynchronous = False

    def door(self, guard: Any) -> Door:
        """An application with ``/bookings`` (needs `SCOPE`, answers the caller's client id) and, where the door
        guards all of it, ``/open``, which answers "None" when there is no caller."""
        raise NotImplementedError

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
    def test_answers_as_every_door_does(self, case: dict[str, Any], world: World) -> None:
        guard = world.cut_off if case.get("outage") else world.guard
        sent = [("Authorization", value.format_map(world.tokens)) for value in case["authorization"]]
        answer = self.door(guard)("/bookings", sent)
        assert answer.status == case["status"], answer
        if case["status"] == 200:
            assert answer.body == "reports"
            return
        assert "reports" not in answer.body
        assert not any(token in str(answer) for token in world.tokens.values())
        if case["status"] == 503:
            assert int(answer.headers["retry-after"]) > 0
            assert "www-authenticate" not in answer.headers
            return
        challenge = parse_challenge([answer.headers["www-authenticate"].encode()])
        assert challenge is not None
        assert challenge.error == case.get("error", "")
        if case["status"] == 403:
            assert challenge.scope == SCOPE

    @pytest.mark.parametrize(
        "headers",
        [
            [("X-Client-Id", "admin"), ("X-Authenticated-Scope", SCOPE), ("Caller", "admin")],
            [("Mintmark-Caller", "admin"), ("Remote-User", "admin"), ("X-Forwarded-User", "admin")],
        ],
    )
    def test_takes_no_identity_from_headers(self, headers: Headers, world: World) -> None:
        assert self.door(world.guard)("/bookings", headers).status == 401

    def test_asks_the_guard_in_the_way_that_does_not_block(self, world: World) -> None:
        """On an event loop only `averify`, in a thread only `verify`."""
        guard = Halved(world.guard, "averify" if self.asynchronous else "verify")
        headers = [("Authorization", f"Bearer {world.tokens['good']}")]
        assert self.door(guard)("/bookings", headers).status == 200

    def test_an_error_of_the_guard_itself_lets_nobody_in(self, world: World) -> None:
        """A fault in the checking is a fault, not a way around it."""
        headers = [("Authorization", f"Bearer {world.tokens['good']}")]
        try:
            answer = self.door(Halved(world.guard, ""))("/bookings", headers)
        except AssertionError as fault:
            assert str(fault) == "asked in the wrong way"  # some test clients hand it on
        else:
            assert answer.status == 500
            assert "reports" not in answer.body


class WholeDoorContract(DoorContract):
    """For doors that stand in front of a whole application."""

    def test_an_unknown_path_is_closed(self, world: World) -> None:
        assert self.door(world.guard)("/nowhere", []).status == 401

    def test_an_open_path_needs_no_token_and_has_no_caller(self, world: World) -> None:
        answer = self.door(world.guard)("/open", [("Authorization", f"Bearer {world.tokens['good']}")])
        assert (answer.status, answer.body) == (200, "None")

    @pytest.mark.parametrize("path", ["/open/", "/open/bookings", "/OPEN", "//open", "/open/../bookings"])
    def test_what_only_looks_like_an_open_path_is_closed(self, path: str, world: World) -> None:
        assert self.door(world.guard)(path, []).status == 401

    def test_serves_the_metadata_of_the_resource_to_everyone(self, world: World) -> None:
        answer = self.door(world.guard)("/.well-known/oauth-protected-resource", [])
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("application/json")
        assert '"resource": "https://api.example"' in answer.body
