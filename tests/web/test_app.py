"""The application: methods, limits, CORS and identifiers, on every answer, whatever went wrong."""

from __future__ import annotations

import pytest

from mintmark.values.tenancy import Mount
from mintmark.web.peer import TrustedProxies
from mintmark.web.protocol import BODY_LIMIT as LIMIT
from mintmark.web.refusal_log import LINES_PER_SECOND
from tests.web.world import HOST, OMNEO, SHOP, World, off, view

TOKEN = "/t/omneo/production/api/v3/auth/token"
SHOPIFY = "/t/omneo/production/shopify/api/v1/auth/token"
LOGIN = "/t/omneo/production/login"
CORS = ("access-control-allow-origin", "access-control-allow-methods", "access-control-expose-headers")


@pytest.mark.parametrize(
    ("method", "path", "host", "status"),
    [
        ("POST", TOKEN, HOST, 200),
        ("GET", TOKEN, HOST, 405),
        ("OPTIONS", SHOPIFY, HOST, 204),
        ("POST", "/nothing", HOST, 404),
        ("POST", TOKEN, "evil.example", 421),
        ("POST", TOKEN, None, 400),
        ("GET", "/t/omneo/production/", HOST, 200),
        ("GET", "/t/omneo/production/jwks.json", HOST, 200),
    ],
)
def test_every_answer_bears_a_request_id(method: str, path: str, host: str | None, status: int) -> None:
    answer = World().ask(method, path, host=host)
    assert answer.status == status
    assert len(answer.headers["x-request-id"]) == 26


def test_a_fault_inside_is_logged_with_its_request_id_and_not_shown() -> None:
    world = World()
    world.endpoint.fault = RuntimeError("very inner detail")
    answer = world.ask("POST", TOKEN + "?client_secret=hush")
    assert (answer.status, answer.json["error"]) == (500, "server_error")
    assert b"inner" not in answer.body
    level, event, fields = world.lines.written[0]
    assert (level, event, fields["request_id"]) == ("error", "fault", answer.headers["x-request-id"])
    assert "hush" not in repr(world.lines.written)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_a_token_endpoint_takes_post_only(method: str) -> None:
    world = World()
    answer = world.ask(method, TOKEN)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert world.endpoint.asked == []


def test_the_endpoint_is_handed_the_request_as_it_came() -> None:
    world = World()
    world.ask("POST", TOKEN + "?a=b", headers={"content-type": "text/plain"}, body=b"x=y", peer="192.0.2.9")
    request, environment, path, peer, request_id = world.endpoint.asked[0]
    assert (request.method, request.query, request.body) == ("POST", b"a=b", b"x=y")
    assert request.values(b"content-type") == [b"text/plain"]
    assert (environment, path, peer, len(request_id)) == (
        "omneo/production",
        "/api/v3/auth/token",
        "192.0.2.9",
        26,
    )


def test_behind_a_trusted_proxy_caller_and_request_id_are_the_ones_it_names() -> None:
    world = World(proxies=TrustedProxies.parse(["10.0.0.1"]))
    headers = {"x-request-id": "edge-12345", "x-forwarded-for": "198.51.100.9"}
    answer = world.ask("POST", TOKEN, headers=headers, peer="10.0.0.1")
    assert answer.headers["x-request-id"] == "edge-12345"
    assert world.endpoint.asked[0][3:] == ("198.51.100.9", "edge-12345")
    answer = world.ask("POST", TOKEN, headers=headers, peer="10.0.0.2")
    assert answer.headers["x-request-id"] != "edge-12345"
    assert world.endpoint.asked[1][3] == "10.0.0.2"


def test_a_body_over_the_cap_is_refused_before_the_endpoint_sees_it() -> None:
    world = World()
    assert world.ask("POST", TOKEN, body=b"a" * LIMIT).status == 200
    answer = world.ask("POST", TOKEN, body=b"a" * (LIMIT + 1))
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert len(world.endpoint.asked) == 1


# --- CORS ---


@pytest.mark.parametrize("path", [SHOPIFY, LOGIN])
def test_preflight_lets_a_configured_origin_in(path: str) -> None:
    answer = World().ask("OPTIONS", path, headers={"origin": SHOP, "access-control-request-method": "POST"})
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == "Content-Type, Authorization"
    assert answer.headers["access-control-max-age"] == "600"
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


def test_a_configured_origin_may_read_the_answer_and_its_identifiers() -> None:
    answer = World().ask("POST", SHOPIFY, headers={"origin": SHOP})
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
    assert "Retry-After" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example.evil",
        "null",
        SHOP + "/",
        SHOP.upper(),
    ],
)
@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_any_other_origin_is_granted_nothing(origin: str, method: str) -> None:
    answer = World().ask(method, SHOPIFY, headers={"origin": origin})
    assert not any(name in answer.headers for name in CORS)
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_an_endpoint_that_takes_a_client_secret_never_answers_cors(method: str) -> None:
    secretive = view("acme", "production", Mount("/oauth/token", "standard", origins=(SHOP,)))
    for world, path in ((World(), TOKEN), (World(secretive), "/t/acme/production/oauth/token")):
        answer = world.ask(method, path, headers={"origin": SHOP, "access-control-request-method": "POST"})
        assert not any(name in answer.headers for name in (*CORS, "vary"))
        assert answer.status == (405 if method == "OPTIONS" else 200)


def test_a_refusal_is_readable_by_the_configured_origin_as_well() -> None:
    answer = World().ask("POST", SHOPIFY, headers={"origin": SHOP}, body=b"a" * (LIMIT + 1))
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (413, SHOP)


# --- the page of a tenant, the log ---


def test_the_managers_host_shows_what_the_environment_offers() -> None:
    answer = World().ask("GET", "/", host="manager.omneo.localhost:8080")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    text = answer.body.decode()
    assert "http://127.0.0.1:8080/t/omneo/production/api/v3/auth/token" in text
    assert "mintmark admin api-token create" in text
    assert "The &lt;API&gt;" in text
    assert "The <API>" not in text
    assert World().ask("POST", "/", host="manager.omneo.localhost:8080").status == 405


def test_an_environment_that_is_switched_off_shows_neither_page_nor_documents() -> None:
    world = World(off(OMNEO))
    for path in ("/t/omneo/production/", "/t/omneo/production/jwks.json"):
        assert world.ask("GET", path).status == 404


def test_a_refusal_is_one_line_with_its_request_id_and_without_the_query() -> None:
    world = World()
    answer = world.ask("POST", "/nothing?client_secret=hush")
    level, event, fields = world.lines.written[0]
    assert (level, event) == ("info", "refused")
    assert fields == {
        "request_id": answer.headers["x-request-id"],
        "peer": "192.0.2.1",
        "method": "POST",
        "path": "/nothing",
        "status": 404,
        "error": "not_found",
    }


def test_a_success_writes_no_line() -> None:
    world = World()
    world.ask("POST", TOKEN)
    assert world.lines.written == []


def test_a_flood_of_refusals_becomes_a_bounded_number_of_lines() -> None:
    world = World()
    for _ in range(LINES_PER_SECOND + 50):
        world.ask("POST", "/nothing")
    assert len(world.lines.written) == LINES_PER_SECOND
