"""Requests and answers of the admin API: problems, pages, repeats, entity tags; none is an oracle or a side door."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import Any

import pytest

from mintmark.authorization_server.administration.bindings import Binding, bound
from mintmark.values.kept_answer import KeptAnswer
from mintmark.web.admin_api.models import body_model
from tests.web.admin_api.world import ADMIN_API, AUDIENCE, World, robot, segment

HERE = "/environments/acme/production"
DAY = 86400


def test_what_is_made_is_shown_where_its_location_says(world: World) -> None:
    made = world.ask("POST", f"{HERE}/clients", {"name": "Nightly", "allowed": {AUDIENCE: ["*"]}})
    assert made.status == 201
    assert made.headers["cache-control"] == "no-store"
    assert len(made.json["client_secret"]) == 40
    shown = world.ask("GET", made.headers["location"].removeprefix(ADMIN_API))
    assert shown.json["client_id"] == made.json["client_id"]
    assert "client_secret" not in shown.json
    assert shown.json["allowed"] == {AUDIENCE: ["orders:read", "orders:write"]}


def test_every_actor_stands_in_the_audit_trail(world: World) -> None:
    machine = robot(world.house, "acme/production", "clients:write")
    for who, actor in (("ada@acme", "person:ada@acme"), (machine, f"client:{machine.split()[0]}")):
        world.ask("POST", f"{HERE}/clients", {"name": "Nightly"}, who=who)
        event = [each for each in world.house.events() if each.kind == "admin.client.create"][-1]
        assert (event.actor, event.peer, event.request_id) == (actor, "192.0.2.7", "request-9")


@pytest.mark.parametrize(
    ("method", "path", "raw", "status", "says"),
    [
        ("POST", "/tenants", b'{"handle": "x1", "colour": 1}', 422, "colour: there is no such field."),
        ("POST", "/tenants", b"{}", 422, "handle: it is missing."),
        ("POST", "/tenants", b'{"handle": 5}', 422, "handle:"),
        ("POST", "/tenants", b'{"handle": "x1", "daily_token_limit": "5"}', 422, "daily_token_limit"),
        ("POST", "/tenants", b'{"handle": "x1", "daily_token_limit": true}', 422, "daily_token_limit"),
        ("POST", "/tenants", b'{"handle": "x1", "daily_token_limit": 9e99}', 422, "daily_token_limit"),
        ("POST", "/tenants", b'{"handle": "x1", "daily_token_limit": 99999999999999999999}', 422, "limit"),
        ("POST", "/tenants", b'{"handle": "x1", "name": "a\\u0000b"}', 422, "NUL"),
        ("POST", "/tenants", b'{"handle": "x1", "name": "\\ud800"}', 422, "name:"),
        ("POST", "/tenants", b'{"handle": "X!"}', 422, "lower-case"),
        ("POST", "/tenants", b'{"handle": "x1", "handle": "x2"}', 400, "repeated"),
        ("POST", "/tenants", b'{"handle": NaN}', 400, "NaN"),
        ("POST", "/tenants", b"\xff", 400, "UTF-8"),
        ("POST", "/tenants", b"{", 400, "JSON"),
        ("POST", "/tenants", b"[" * 50 + b"]" * 50, 400, "deep"),
        ("POST", "/tenants", b"[]", 422, "body"),
        ("POST", "/tenants/acme/disable", b'{"now": true}', 422, "no body"),
        ("GET", "/tenants?colour=red", b"", 400, "not known"),
        ("GET", "/tenants?limit=1&limit=2", b"", 400, "twice"),
        ("GET", "/tenants?limit=0", b"", 400, "limit"),
        ("GET", "/tenants?limit=501", b"", 400, "limit"),
        ("GET", "/tenants?limit=many", b"", 400, "limit"),
        ("GET", "/tenants/%FF", b"", 400, "UTF-8"),
        ("GET", "/audit?since=yesterday", b"", 400, "since"),
        ("GET", "/audit?before=x", b"", 400, "before"),
        ("GET", "/nowhere", b"", 404, "Nothing stands"),
        ("GET", "/tenants/acme/environments/../..", b"", 404, "Nothing stands"),
        ("PUT", "/tenants", b"", 405, "GET, HEAD, POST"),
    ],
)
def test_bad_input_gets_one_clear_sentence(
    world: World, method: str, path: str, raw: bytes, status: int, says: str
) -> None:
    before = world.house.events()
    answer = world.ask(method, path, raw=raw)
    assert answer.status == status, answer.body
    assert answer.problem
    assert says in answer.json["detail"]
    assert world.house.events() == before


def test_a_fault_never_repeats_a_secret_that_was_sent(world: World) -> None:
    for body in (
        {"username": "mo", "role": "operator", "password": "hunter2"},
        {"username": "mo", "role": "operator", "password": ["hunter2-hunter2"]},
        {"username": "mo", "role": "hunter2-hunter2"},
    ):
        answer = world.ask("POST", "/people", body)
        assert answer.status == 422
        assert "hunter2" not in answer.body.decode()


def test_only_json_is_taken_as_a_body(world: World) -> None:
    for sent in ("text/plain", "application/x-www-form-urlencoded"):
        answer = world.ask("POST", "/tenants", {"handle": "x1"}, headers={"content-type": sent})
        assert (answer.status, answer.problem) == (415, "media_type")


def test_nobody_is_answered_nothing(world: World) -> None:
    for method, path in (("GET", "/tenants"), ("GET", "/nowhere"), ("POST", "/tenants")):
        assert world.ask(method, path, who="").problem == "unauthorized"
    assert world.ask("GET", "/openapi.json", who="").json["openapi"].startswith("3.1")


def test_a_client_is_told_the_scope_that_it_lacks(world: World) -> None:
    machine = robot(world.house, "acme/production", "clients:read")
    answer = world.ask("POST", f"{HERE}/clients", {"name": "X"}, who=machine)
    assert answer.status == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert 'scope="clients:write"' in answer.headers["www-authenticate"]


def test_paths_carry_any_identifier_percent_encoded(world: World) -> None:
    for client_id in ("a/b?c#d%e f", "..", "x%2Fy"):
        body = {"client_id": client_id, "secret": "from-the-other-server", "name": "Moved"}
        made = world.ask("POST", f"{HERE}/imported-clients", body)
        assert made.status == 201, made.body
        shown = world.ask("GET", made.headers["location"].removeprefix(ADMIN_API))
        assert shown.json["client_id"] == client_id
    assert world.ask("GET", f"{HERE}/apis/{segment(AUDIENCE)}").json["audience"] == AUDIENCE


def test_head_is_answered_as_get(world: World) -> None:
    assert world.ask("HEAD", "/tenants").status == 200


# --- pages -----------------------------------------------------------------------------------------------------------


def _walk(world: World, path: str, who: str = "root", limit: int = 2) -> list[str]:
    found: list[str] = []
    cursor = ""
    for _ in range(50):
        page = world.ask("GET", f"{path}?limit={limit}{cursor}", who=who).json
        assert len(page["items"]) <= limit
        found += [each.get("client_id") or each.get("token_id") or str(each["id"]) for each in page["items"]]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"
    raise AssertionError("the pages do not end")


def test_pages_hold_everything_once_while_things_come_and_go(world: World) -> None:
    made = [world.ask("POST", f"{HERE}/clients", {"name": f"c{n}"}).json["client_id"] for n in range(7)]
    assert _walk(world, f"{HERE}/clients") == sorted(made)
    first = world.ask("GET", f"{HERE}/clients?limit=3").json
    gone = first["items"][-1]["client_id"]
    assert world.ask("DELETE", f"{HERE}/clients/{gone}").status == 204
    rest = world.ask("GET", f"{HERE}/clients?limit=100&cursor={first['next']}").json
    assert [each["client_id"] for each in rest["items"]] == sorted(made)[3:]


def test_the_newest_come_first_where_the_list_says_so(world: World) -> None:
    made = []
    for _ in range(5):
        world.house.later(1)
        body = {"audience": AUDIENCE, "scopes": ["orders:read"]}
        made.append(world.ask("POST", f"{HERE}/api-tokens", body).json["token_id"])
    assert _walk(world, f"{HERE}/api-tokens") == made[::-1]


def test_the_trail_is_paged_in_both_directions(world: World) -> None:
    numbers = _walk(world, "/audit", limit=5)
    assert _walk(world, "/audit/export", limit=5) == numbers[::-1]
    assert len(set(numbers)) == len(numbers) > 10


def test_a_cursor_is_good_for_its_list_and_its_caller_only(world: World) -> None:
    for n in range(3):
        world.ask("POST", f"{HERE}/clients", {"name": f"c{n}"})
        world.ask("POST", "/environments/acme/staging/clients", {"name": f"c{n}"})
    cursor = world.ask("GET", f"{HERE}/clients?limit=1", who="ada@acme").json["next"]
    assert world.ask("GET", f"{HERE}/clients?cursor={cursor}", who="ada@acme").status == 200
    for who, path in (
        ("aud@acme", f"{HERE}/clients"),
        ("root", f"{HERE}/clients"),
        ("bob@globex", "/environments/globex/production/clients"),
        ("ada@acme", "/environments/acme/staging/clients"),
        ("ada@acme", f"{HERE}/apis"),
        ("ada@acme", "/audit"),
    ):
        answer = world.ask("GET", f"{path}?cursor={cursor}", who=who)
        assert (answer.status, answer.problem) == (400, "malformed")


def test_a_forged_cursor_is_refused(world: World) -> None:
    for n in range(3):
        world.ask("POST", f"{HERE}/clients", {"name": f"c{n}"})
    cursor = world.ask("GET", f"{HERE}/clients?limit=1").json["next"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    forged = [
        "",
        "x",
        "A" * 3000,
        "%C3%A4",
        base64.urlsafe_b64encode(b'["zzz"]').decode().rstrip("="),
        base64.urlsafe_b64encode(raw[:16] + b'["zzz"]').decode().rstrip("="),
        base64.urlsafe_b64encode(raw[:16]).decode().rstrip("="),
        base64.urlsafe_b64encode(raw[1:]).decode().rstrip("="),
    ]
    forged += [
        base64.urlsafe_b64encode(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]).decode().rstrip("=")
        for at in range(len(raw))
    ]
    for text in forged:
        assert world.ask("GET", f"{HERE}/clients?cursor={text}").status == 400, text


# --- repeats ---------------------------------------------------------------------------------------------------------


def _create(world: World, key: str, name: str = "Nightly", who: str = "root", path: str = HERE):
    return world.ask("POST", f"{path}/clients", {"name": name}, who=who, headers={"idempotency-key": key})


def test_a_repeated_creation_is_answered_alike_and_made_once(world: World) -> None:
    first, second = _create(world, "k-1"), _create(world, "k-1")
    assert first.json["client_secret"]
    assert (second.status, second.body) == (first.status, first.body)
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["idempotency-replayed"] == "true"
    assert len(world.ask("GET", f"{HERE}/clients").json["items"]) == 1


def test_a_key_that_was_used_for_something_else_is_refused(world: World) -> None:
    _create(world, "k-1")
    for answer in (
        _create(world, "k-1", name="Other"),
        _create(world, "k-1", path="/environments/acme/staging"),
        world.ask("POST", "/tenants", {"handle": "x1"}, headers={"idempotency-key": "k-1"}),
    ):
        assert (answer.status, answer.problem) == (422, "key_reused")


def test_a_key_is_its_senders_own(world: World) -> None:
    mine, theirs = _create(world, "k-1", who="ada@acme"), _create(world, "k-1", who="root")
    assert mine.json["client_id"] != theirs.json["client_id"]


def test_a_key_lasts_a_day(world: World) -> None:
    first = _create(world, "k-1")
    world.house.later(DAY - 1)
    assert _create(world, "k-1").body == first.body
    world.house.later(1)
    assert _create(world, "k-1").json["client_id"] != first.json["client_id"]
    kept = world.house.see(lambda tx: tx.find(KeptAnswer))
    assert len(kept) == 1, "what is over is forgotten"


def test_a_kept_answer_is_sealed(world: World) -> None:
    made = _create(world, "k-1").json
    (kept,) = world.house.see(lambda tx: tx.find(KeptAnswer))
    for secret in (made["client_secret"], made["client_id"], "Nightly"):
        assert secret not in kept.sealed
        assert secret not in kept.fingerprint
    assert kept.sealed not in repr(kept)


def test_a_repeat_needs_the_right_that_the_first_request_needed(world: World) -> None:
    machine = robot(world.house, "acme/production", "clients:write")
    first = _create(world, "k-1", who=machine)
    assert first.status == 201
    assert _create(world, "k-1", who=machine.split()[0]).status == 403


def test_a_refused_creation_is_not_kept(world: World) -> None:
    assert _create(world, "k-1", name="").status == 422
    assert _create(world, "k-1", name="Nightly").status == 201


def test_repeats_that_race_make_one_thing(world: World) -> None:
    async def race() -> list[bytes]:
        asked = [
            world.asking(
                "POST", f"{HERE}/machine-users", {"username": "robot"}, headers={"idempotency-key": "k-1"}
            )
            for _ in range(5)
        ]
        answers = await asyncio.gather(*asked)
        assert {each.status for each in answers} == {201}
        return [each.body for each in answers]

    bodies = asyncio.run(race())
    assert len(set(bodies)) == 1
    assert json.loads(bodies[0])["password"]


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "ä"])
def test_a_malformed_key_is_refused(world: World, key: str) -> None:
    assert _create(world, key).status == 400


# --- entity tags -----------------------------------------------------------------------------------------------------


def test_a_change_needs_the_state_that_was_read(world: World) -> None:
    made = world.ask("POST", f"{HERE}/clients", {"name": "Nightly"}).json
    path = f"{HERE}/clients/{made['client_id']}"
    seen = world.ask("GET", path).headers["etag"]
    assert world.ask("PATCH", path, {"name": "A"}).problem == "must_match"
    first = world.ask("PATCH", path, {"name": "A"}, headers={"if-match": seen})
    assert first.status == 200
    assert first.headers["etag"] == world.ask("GET", path).headers["etag"] != seen
    late = world.ask("PATCH", path, {"name": "B"}, headers={"if-match": seen})
    assert (late.status, late.problem) == (412, "changed")
    for good in (f'"x", {first.headers["etag"]}', "*"):
        current = (
            good
            if good == "*"
            else good.replace(first.headers["etag"], world.ask("GET", path).headers["etag"])
        )
        assert world.ask("PATCH", path, {"name": "C"}, headers={"if-match": current}).status == 200
    assert world.ask("DELETE", path, headers={"if-match": seen}).problem == "changed"
    assert world.ask("GET", path).json["name"] == "C"


@pytest.mark.parametrize("sent", ["x", '"x', 'W/"', '"a" "b"', "", '"a",', '"' + "x" * 2000 + '"'])
def test_a_malformed_condition_is_refused(world: World, sent: str) -> None:
    assert world.ask("PATCH", "/tenants/acme", {"name": "A"}, headers={"if-match": sent}).status == 400


def test_a_weak_tag_changes_nothing(world: World) -> None:
    seen = world.ask("GET", "/tenants/acme").headers["etag"]
    answer = world.ask("PATCH", "/tenants/acme", {"name": "A"}, headers={"if-match": f"W/{seen}"})
    assert answer.problem == "changed"


def test_what_is_known_already_is_not_sent_again(world: World) -> None:
    for path in ("/tenants/acme", "/tenants"):
        seen = world.ask("GET", path).headers["etag"]
        for sent in (seen, f'"x", W/{seen}', "*"):
            again = world.ask("GET", path, headers={"if-none-match": sent})
            assert (again.status, again.body) == (304, b"")
        assert world.ask("GET", path, headers={"if-none-match": '"x"'}).status == 200


def test_a_condition_is_no_oracle_for_what_may_not_be_seen(world: World) -> None:
    made = world.ask("POST", f"{HERE}/clients", {"name": "Nightly"}).json
    for there in (made["client_id"], "nobody"):
        for sent in ("*", '"x"'):
            path = f"{HERE}/clients/{there}"
            assert (
                world.ask("PATCH", path, {"name": "A"}, who="bob@globex", headers={"if-match": sent}).status
                == 404
            )
            assert world.ask("DELETE", path, who="dev@acme", headers={"if-match": sent}).status == 404


# --- every route -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("operation", "binding"), bound(), ids=lambda each: getattr(each, "name", ""))
def test_every_route_answers_nobody_and_strangers_alike(
    world: World, operation: Any, binding: Binding
) -> None:
    """Without a caller 401; an admin of another tenant learns nothing of what is there."""
    there = re.sub(r"\{[a-z_]+\}", "x", binding.path.replace("{tenant}/{name}", "acme/production"))
    nowhere = there.replace("acme/production", "umbrella/production")
    assert world.ask(binding.method, there, who="").status == 401
    if there == nowhere:
        return
    body = _least(operation, binding)
    answers = [
        world.ask(binding.method, path, body, who="bob@globex", headers={"if-match": "*"})
        for path in (there, nowhere)
    ]
    assert [each.status for each in answers] == [404, 404], answers[0].body
    assert answers[0].body.replace(b"acme", b"umbrella") == answers[1].body


def _least(operation: Any, binding: Binding) -> dict[str, Any] | None:
    """A body that the route reads: a value for what it cannot do without."""
    if binding.method == "GET" or not binding.beside(operation):
        return None
    model = body_model(operation.given, binding.beside(operation))
    assert model is not None
    values: dict[str, Any] = {}
    for name, about in model.model_json_schema()["properties"].items():
        if name in model.model_json_schema().get("required", []):
            kinds = [each.get("type") for each in about.get("anyOf", [about])]
            values[name] = {"string": "xx", "array": [], "integer": 5, "object": {}}.get(kinds[0], "xx")
            if "null" in kinds:
                values[name] = None
    return values
