"""nginx, Caddy, HAProxy and Apache from Debian before an API: the files that users copy, a real guard and issuer."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.server import Running, call, free_port, request_token
from tests.interop.proxies import programs
from tests.interop.proxies.programs import PROXIES, Addresses, Api

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]
AUDIENCE = "https://api.standard.example"
POLICY = programs.shown("policy.toml")


@dataclass(frozen=True)
class World:
    """An issuer, its tokens by what they are, a guard and an API. `keyless`: a guard that gets no keys.
    `elsewhere`: the guard of another API. `dead`: a port at which nobody listens."""

    issuer: str
    tokens: dict[str, str]
    guard: int
    keyless: int
    elsewhere: int
    dead: int
    api: Api


def guard(issuer: str, policy: Path, port: int, *more: str, audience: str = AUDIENCE) -> Running:
    listen = f"127.0.0.1:{port}"
    options = ("--issuer", issuer, "--audience", audience, "--policy", policy, "--listen", listen)
    return Running("guard", *options, *more, ready="Mintmark guards")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("forward-auth")
    policy = base / "policy.toml"
    policy.write_text(POLICY.replace("max_age = 0", "max_age = 30"))
    credentials, port = base / "credentials.json", free_port()
    demo = ("demo", "--directory", base / "demo", "--port", port, "--credentials-out", credentials)
    guards: list[Running] = []
    server = Running(*demo, ready="# Ready:")
    api = Api()
    try:
        entries = json.loads(credentials.read_text())
        tokens = {
            "good": request_token("standard", entries["standard"]).json["access_token"],
            "another audience": request_token("omnilab", entries["omnilab"]).json["access_token"],
            "another issuer": request_token("standard", entries["standard"]["staging"]).json["access_token"],
        }
        issuer, ports = entries["standard"]["issuer"], [free_port() for _ in range(4)]
        guards.append(guard(issuer, policy, ports[0]))
        guards.append(guard(issuer, policy, ports[1], "--jwks-uri", f"http://127.0.0.1:{ports[2]}/jwks.json"))
        guards.append(guard(issuer, policy, ports[3], audience="https://other.example"))
        yield World(issuer, tokens, ports[0], ports[1], ports[3], ports[2], api)
    finally:
        for one in (*guards, server):
            one.stop()
        api.close()


@dataclass(frozen=True)
class Front:
    """A proxy in front of the API."""

    name: str
    port: int
    world: World

    def ask(self, path: str, token: str | None = "good", method: str = "GET", **headers: str) -> Any:
        given = {name.replace("__", "-"): value for name, value in headers.items()}
        bearer = None if token is None else self.world.tokens.get(token, token)
        return call(method, f"http://127.0.0.1:{self.port}{path}", headers=given, token=bearer)

    def raw(self, target: str, *lines: str, method: str = "GET") -> tuple[int, dict[str, Any] | None]:
        """A request as no library would write it: the status, and what the API was asked if it was."""
        head = [
            f"{method} {target} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Authorization: Bearer {self.world.tokens['good']}",
            "Connection: close",
            *lines,
        ]
        with closing(socket.create_connection(("127.0.0.1", self.port), 20)) as connection:
            connection.sendall("\r\n".join([*head, "", ""]).encode("latin-1"))
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
            body = response.read()
        return response.status, json.loads(body) if response.status == 200 and body[:1] == b"{" else None


@contextmanager
def front(name: str, world: World, guard_port: int) -> Iterator[Front]:
    at = Addresses(free_port(), guard_port, world.api.port)
    with PROXIES[name](at):
        yield Front(name, at.public, world)


@pytest.fixture(scope="module", params=list(PROXIES))
def proxy(request: pytest.FixtureRequest, world: World) -> Iterator[Front]:
    programs.need(request.param.partition("-")[0])
    with front(request.param, world, world.guard) as running:
        yield running


def told(answer: Any) -> dict[str, str]:
    """The headers that the API got."""
    assert answer.status == 200, (answer.status, answer.body)
    return {name.lower(): value for name, value in answer.json["headers"]}


def test_a_good_token_reaches_the_api_as_identity_headers(proxy: Front) -> None:
    answer = proxy.ask("/v1/things?page=2")
    headers = told(answer)
    assert answer.json["path"] == "/v1/things?page=2"
    assert headers["x-auth-tenant"] == "standard"
    assert headers["x-auth-client-id"] == headers["x-auth-subject"] != ""
    assert headers["x-auth-scopes"] == "things:read things:write"
    assert headers["x-auth-issuer"] == proxy.world.issuer
    assert "authorization" not in headers
    assert not headers.get("x-auth-user")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_the_method_that_is_checked_is_the_method_that_is_passed_on(proxy: Front, method: str) -> None:
    assert proxy.ask("/v1/things", method=method).status == 200


def test_a_body_reaches_the_api_and_not_the_guard(proxy: Front) -> None:
    url = f"http://127.0.0.1:{proxy.port}/v1/things"
    answer = call("POST", url, body="x" * 100_000, token=proxy.world.tokens["good"])
    assert answer.status == 200
    assert len(answer.json["body"]) == 100_000


def test_a_method_that_no_route_names_is_403(proxy: Front) -> None:
    assert proxy.ask("/v1/things", method="DELETE").status == 403


@pytest.mark.parametrize(
    "name",
    [
        "X-Auth-Client-Id",
        "x-auth-tenant",
        "X-Auth-User",
        "X-AUTH-SCOPES",
        "X_Auth_User",
        "X-Auth_User",
        "x_auth-user",
    ],
)
@pytest.mark.parametrize("path", ["/v1/things", "/healthz"])
def test_what_a_client_says_of_itself_is_stripped(proxy: Front, name: str, path: str) -> None:
    status, seen = proxy.raw(path, f"{name}: root", f"{name}: root")
    assert status == 200
    assert seen is not None
    assert "root" not in [value for _, value in seen["headers"]]


@pytest.mark.parametrize(
    "lines",
    [
        ("X-Original-URI: /healthz", "X-Original-Method: GET"),
        ("X-Forwarded-Uri: /healthz", "X-Forwarded-Method: GET"),
        ("X_Original_URI: /healthz", "X_Forwarded_Uri: /healthz"),
    ],
)
def test_a_client_cannot_describe_its_request_to_the_guard(proxy: Front, lines: tuple[str, ...]) -> None:
    assert proxy.raw("/admin/users", *lines)[0] == 403


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL"])
def test_a_header_that_makes_another_request_of_it_is_403(proxy: Front, name: str) -> None:
    assert proxy.raw("/v1/things", f"{name}: /admin")[0] == 403


def test_no_token_is_401_and_the_challenge_reaches_the_caller(proxy: Front) -> None:
    answer = proxy.ask("/v1/things", None)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == f'Bearer realm="{AUDIENCE}", scope="things:read"'


@pytest.mark.parametrize("token", ["another audience", "another issuer", "no-token-at-all", "a.b.c"])
def test_a_token_that_is_not_for_this_api_is_401(proxy: Front, token: str) -> None:
    answer = proxy.ask("/v1/things", token)
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_two_tokens_are_401(proxy: Front) -> None:
    assert proxy.raw("/v1/things", "Authorization: Bearer x")[0] in (400, 401)


def test_a_missing_scope_is_403_and_its_name_reaches_the_caller(proxy: Front) -> None:
    answer = proxy.ask("/admin/users")
    assert answer.status == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert 'scope="admin"' in answer.headers["www-authenticate"]


def test_what_no_route_names_is_403(proxy: Front) -> None:
    assert proxy.ask("/v2/things").status == 403


def test_an_open_route_needs_no_token(proxy: Front) -> None:
    assert not told(proxy.ask("/healthz", None)).get("x-auth-client-id")
    assert proxy.ask("/healthz", None, method="POST").status == 401


def test_the_apis_own_answers_are_not_touched(proxy: Front) -> None:
    assert proxy.ask("/v1/teapot").status == 418


TRICKS = [
    "//admin/users",
    "/v1//../admin/users",
    "/v1/../admin/users",
    "/v1/%2e%2e/admin/users",
    "/v1/.%2E/admin/users",
    "/v1/%252e%252e/admin/users",
    "/v1/..%2fadmin/users",
    "/v1/..%5cadmin",
    "/v1/..;/admin/users",
    "/v1/things;jsessionid=1",
    "/healthz/../admin/users",
    "/healthz/..;/admin",
    "/healthz%2f..%2fadmin",
    "/healthz/%2e%2e/admin",
    "/ADMIN/users",
    "/Admin",
    "/%61dmin/users",
    "/admin./users",
    "/v1/things%00",
    "/v1/things%20",
    "/v1/./x",
    "/V1/things",
    "/v1/x\\..\\..\\admin",
    "/healthz#/../admin/users",
    "http://127.0.0.1/admin/users",
    "http://127.0.0.1/healthz/../admin/users",
]


@pytest.mark.parametrize("target", TRICKS)
def test_a_path_that_can_be_read_in_two_ways_never_reaches_the_api(proxy: Front, target: str) -> None:
    proxy.world.api.seen.clear()
    status, _ = proxy.raw(target)
    assert status in (400, 403, 404)
    assert not proxy.world.api.seen


def test_the_api_gets_the_path_as_it_was_checked(proxy: Front) -> None:
    for target in ("/v1/a%20b", "/v1/caf%C3%A9/x:cancel", "/v1/x?next=/../admin&a=%2F;b", "/v1/x/"):
        status, seen = proxy.raw(target)
        assert status == 200
        assert seen is not None
        assert seen["path"] == target


@pytest.mark.parametrize("name", list(PROXIES))
def test_the_same_issuers_token_for_another_api_is_401(name: str, world: World) -> None:
    programs.need(name.partition("-")[0])
    with front(name, world, world.elsewhere) as proxy:
        answer = proxy.ask("/v1/things")
        assert answer.status == 401
        assert "another audience" in answer.headers["www-authenticate"]


@pytest.mark.parametrize("name", list(PROXIES))
@pytest.mark.parametrize("guard_is", ["down", "without keys"])
def test_an_outage_is_503_and_never_401(name: str, guard_is: str, world: World) -> None:
    programs.need(name.partition("-")[0])
    with front(name, world, world.dead if guard_is == "down" else world.keyless) as proxy:
        world.api.seen.clear()
        answer = proxy.ask("/v1/things")
        assert answer.status == 503
        assert "www-authenticate" not in answer.headers
        if guard_is == "without keys":
            assert int(answer.headers["retry-after"]) >= 1
        assert not world.api.seen


@pytest.mark.parametrize("name", ["nginx", "caddy", "haproxy", "apache"])
def test_the_apis_own_outage_is_not_called_the_guards(name: str, world: World) -> None:
    programs.need(name)
    at = Addresses(free_port(), world.guard, world.dead)
    with PROXIES[name](at):
        assert Front(name, at.public, world).ask("/v1/things").status in (502, 503)
        assert Front(name, at.public, world).ask("/v1/things", None).status == 401


def test_nginx_remembers_an_answer_for_that_token_method_and_path_alone(world: World, tmp_path: Path) -> None:
    programs.need("nginx")
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY.replace("max_age = 0", "max_age = 60"))
    port = free_port()
    own = guard(world.issuer, policy, port)
    try:
        with front("nginx-cached", world, port) as proxy:
            assert proxy.ask("/v1/things").status == 200
            assert proxy.ask("/admin").status == 403
            assert proxy.ask("/healthz", None).status == 200
            own.stop()
            headers = told(proxy.ask("/v1/things", X__Auth__User="root"))
            assert (headers["x-auth-tenant"], headers.get("x-auth-user")) == ("standard", None)
            for other in (
                proxy.ask("/v1/things", "another audience"),
                proxy.ask("/v1/things", None),
                proxy.ask("/v1/things", method="POST"),
                proxy.ask("/v1/things?page=2"),
                proxy.ask("/v1/other"),
                proxy.ask("/admin"),
                proxy.ask("/healthz", None),
            ):
                assert other.status == 503
            assert proxy.raw("/v1/things", "X-HTTP-Method-Override: DELETE")[0] == 503
    finally:
        own.stop()


def test_nginx_writes_no_token_to_its_cache(world: World) -> None:
    programs.need("nginx")
    at = Addresses(free_port(), world.guard, world.api.port)
    with programs.folder() as here, programs.nginx(at, "mintmark-cached.conf", here):
        assert Front("nginx", at.public, world).ask("/v1/things").status == 200
        kept = [path.read_bytes() for path in (here / "cache").rglob("*") if path.is_file()]
        assert kept
        assert all(world.tokens["good"].encode() not in text for text in kept)


@pytest.fixture(scope="module")
def jwt_verify(world: World) -> Iterator[Front]:
    programs.need("haproxy")
    at = Addresses(free_port(), world.dead, world.api.port)
    with programs.haproxy_jwt(at, world.issuer, AUDIENCE):
        yield Front("haproxy-jwt", at.public, world)


def test_haproxys_jwt_verify_takes_our_tokens(jwt_verify: Front) -> None:
    headers = told(jwt_verify.ask("/v1/things", X__Auth__Client__Id="root"))
    assert headers["x-auth-client-id"] not in ("", "root")
    assert "authorization" not in headers


@pytest.mark.parametrize("token", ["another audience", "another issuer", "no-token-at-all", "a.b.c"])
def test_haproxys_jwt_verify_refuses_other_tokens(jwt_verify: Front, token: str) -> None:
    assert jwt_verify.ask("/v1/things", token).status == 401


def test_haproxys_jwt_verify_refuses_a_token_for_another_api(world: World) -> None:
    programs.need("haproxy")
    at = Addresses(free_port(), world.dead, world.api.port)
    with programs.haproxy_jwt(at, world.issuer, "https://other.example"):
        answer = Front("haproxy-jwt", at.public, world).ask("/v1/things")
        assert (answer.status, answer.json["error"]) == (401, "invalid_token")


def test_haproxys_jwt_verify_refuses_a_changed_token(jwt_verify: Front) -> None:
    head, payload, signature = jwt_verify.world.tokens["good"].split(".")
    other = signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]
    none = base64url(b'{"alg":"none","typ":"at+jwt"}')
    for token in (f"{head}.{payload}.{other}", f"{none}.{payload}.", f"{head}.{payload}."):
        answer = jwt_verify.ask("/v1/things", token)
        assert answer.status == 401
        assert "www-authenticate" in answer.headers


def test_haproxys_jwt_verify_denies_without_a_token_and_elsewhere(jwt_verify: Front) -> None:
    assert jwt_verify.ask("/v1/things", None).status == 401
    assert jwt_verify.raw("/v1/things", "Authorization: Bearer x")[0] == 401
    assert jwt_verify.ask("/v1/things", method="POST").status == 403
    for target in TRICKS:
        assert jwt_verify.raw(target)[0] in (400, 403)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
