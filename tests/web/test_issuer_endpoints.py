"""The issuer's endpoints for authenticated clients: where they stand, which methods they take, what they are handed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from mintmark.values.tenancy import Mount
from mintmark.web.routing import ENDPOINTS, Endpoint
from mintmark.wire.http import HttpRequest, HttpResponse
from tests.web.world import OMNEO, OWN_HOST, World, off, view

FORM = {"content-type": "application/x-www-form-urlencoded"}
METHODS = {
    "/introspect": ("POST",),
    "/revoke": ("POST",),
    "/revocations": ("GET",),
    "/revocations/snapshot": ("GET",),
    "/status-lists": ("GET", "HEAD"),
    "/status-lists/abc": ("GET", "HEAD"),
}
PLACES: dict[str, Endpoint] = {**ENDPOINTS, "/status-lists/abc": "status_list"}
BASE = "/t/omneo/production"


@dataclass
class Asked:
    """Implements `app.IssuerEndpoint`."""

    name: str
    asked: list[tuple[HttpRequest, str, str]] = field(default_factory=list)

    async def respond(
        self, request: HttpRequest, environment: str, peer: str, request_id: str, now: float
    ) -> HttpResponse:
        self.asked.append((request, environment, peer))
        return HttpResponse(200, (), self.name.encode())


def world(*views: Any) -> tuple[World, dict[str, Asked]]:
    one = World(*views)
    endpoints = {name: Asked(name) for name in PLACES.values()}
    one.app = replace(one.app, endpoints=endpoints)
    return one, endpoints  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("path", "method"), [(path, method) for path, methods in METHODS.items() for method in methods]
)
def test_each_stands_below_the_issuer_and_is_handed_the_request_as_it_came(path: str, method: str) -> None:
    one, endpoints = world()
    body = b"token=x" if method == "POST" else b""
    answer = one.ask(method, f"{BASE}{path}?after=3", headers=FORM, body=body, peer="192.0.2.9")
    assert (answer.status, answer.body.decode()) == (200, PLACES[path])
    ((request, environment, peer),) = endpoints[PLACES[path]].asked
    assert (request.method, request.query, request.body) == (method, b"after=3", body)
    assert (environment, peer) == ("omneo/production", "192.0.2.9")
    assert "x-request-id" in answer.headers


@pytest.mark.parametrize("path", METHODS)
def test_an_issuer_with_a_host_of_its_own_has_them_there(path: str) -> None:
    one, _ = world(OMNEO, OWN_HOST)
    method = METHODS[path][0]
    assert one.ask(method, path, host="id.acme.example").status == 200
    assert one.ask(method, BASE + path, host="api.omneo.localhost:8080").status == 404
    assert one.ask(method, path, host="api.omneo.localhost:8080").status == 404, "not at an alias"


@pytest.mark.parametrize("path", METHODS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD", "OPTIONS"])
def test_another_method_is_405(path: str, method: str) -> None:
    if method in METHODS[path]:
        return
    one, endpoints = world()
    answer = one.ask(method, BASE + path)
    assert answer.status == 405
    assert answer.headers["allow"] == ", ".join(METHODS[path])
    assert endpoints[PLACES[path]].asked == []


def test_a_body_over_the_cap_is_refused_before_the_endpoint_sees_it() -> None:
    one, endpoints = world()
    assert one.ask("POST", f"{BASE}/introspect", headers=FORM, body=b"x" * 17000).status == 413
    assert endpoints["introspection"].asked == []


@pytest.mark.parametrize("path", METHODS)
def test_a_disabled_environment_still_has_them_and_an_unknown_one_has_not(path: str) -> None:
    one, _ = world(off(OMNEO))
    method = METHODS[path][0]
    assert one.ask(method, BASE + path).status == 200
    assert one.ask(method, f"/t/omneo/staging{path}").status == 404
    assert one.ask(method, f"{BASE}{path}/more").status == (200 if path == "/status-lists" else 404)


def test_a_mount_cannot_stand_in_their_place() -> None:
    mounted = view("omneo", "production", Mount("/introspect", "standard"))
    one, endpoints = world(mounted)
    assert one.ask("POST", f"{BASE}/introspect", headers=FORM, body=b"token=x").status == 200
    assert len(endpoints["introspection"].asked) == 1
    assert one.endpoint.asked == []


def test_an_application_without_them_answers_404() -> None:
    assert World().ask("POST", f"{BASE}/introspect", headers=FORM, body=b"token=x").status == 404
