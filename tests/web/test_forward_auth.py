"""What a proxy is answered that asks whether a request may pass."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from mintmark.resource_server.caller import Caller, require
from mintmark.resource_server.challenge import challenge
from mintmark.resource_server.health import GuardHealth
from mintmark.values.errors import OAuthError, invalid_token
from mintmark.web.callers import Callers
from mintmark.web.forward_auth import IDENTITY, ForwardAuth
from mintmark.web.peer import TrustedProxies
from mintmark.web.policy import parse_policy
from mintmark.web.refusal_log import RefusalLog
from mintmark.wire.bearer import read_bearer
from mintmark.wire.http import HttpRequest, HttpResponse

NOW = 1_800_000_000
GOOD = (b"authorization", b"Bearer good")
POLICY = """
max_age = 60
[[route]]
path = "/things"
GET = ["things:read"]
POST = ["things:write"]
[[route]]
path = "/health"
GET = "open"
"""


class FakeGuard:
    """Knows one token. `outage`: whether keys are out of reach."""

    def __init__(self, **caller: Any) -> None:
        facts: dict[str, Any] = {
            "client_id": "c1",
            "subject": "s1",
            "tenant": "acme",
            "scopes": frozenset({"things:read", "b"}),
            "audience": "https://api.example",
            "expires_at": NOW + 600.0,
            "token_id": "t1",
            "user_id": "u1",
            "claims": {"iss": "https://auth.example"},
        }
        self.caller = Caller(**{**facts, **caller})
        self.outage = False
        self.broken = False

    def verify(self, headers: Any, /, *scopes: str) -> Caller:
        if self.broken:
            raise RuntimeError("a token: secret")
        token = read_bearer([value for name, value in headers if name == b"authorization"])
        if self.outage:
            raise OAuthError("temporarily_unavailable", 503, "Later.", reason="keys", retry_after=7)
        if token != "good":
            raise invalid_token("The token is not good.", reason="bad")
        require(self.caller, *scopes)
        return self.caller

    async def averify(self, headers: Any, /, *scopes: str) -> Caller:
        return self.verify(headers, *scopes)

    def refusal(self, error: OAuthError, /, *scopes: str) -> HttpResponse:
        return challenge(error, "api", " ".join(scopes))

    def metadata(self) -> Mapping[str, object]:
        return {}

    def health(self) -> GuardHealth:
        return GuardHealth(ok=not self.outage, serving=not self.outage, issuers=())


class Lines:
    """A log in memory."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def info(self, event: str, **fields: object) -> None:
        self.lines.append({"event": event, **fields})

    warning = error = info


class World:
    """A guard behind `ForwardAuth`, asked by `peer`."""

    def __init__(self, guard: FakeGuard | None = None, policy: str = POLICY) -> None:
        self.guard = guard or FakeGuard()
        self.log = Lines()
        self.application = ForwardAuth(
            self.guard,
            parse_policy(policy),
            Callers(TrustedProxies.parse(["127.0.0.0/8", "::1"]), bytes),
            RefusalLog(self.log),
            lambda: NOW,
            "https://only.example",
        )

    def ask(
        self, path: str, *headers: tuple[bytes, bytes], method: str = "GET", peer: str = "127.0.0.1"
    ) -> HttpResponse:
        raw, _, query = path.partition("?")
        request = HttpRequest(method, raw, query.encode(), headers)
        return asyncio.run(self.application.respond(request, peer))

    def original(self, target: str, *headers: tuple[bytes, bytes], method: str = "GET") -> HttpResponse:
        described = ((b"x-original-method", method.encode()), (b"x-original-uri", target.encode()))
        return self.ask("/auth/original", *described, *headers)


def error_of(response: HttpResponse) -> str:
    code: str = json.loads(response.body)["error"]
    return code


@pytest.fixture
def world() -> World:
    return World()


def test_a_good_token_is_answered_with_the_callers_identity(world: World) -> None:
    response = world.original("/things?q=1", GOOD)
    assert response.status == 200
    assert {name: response.values(name) for name in IDENTITY} == {
        b"x-auth-client-id": [b"c1"],
        b"x-auth-subject": [b"s1"],
        b"x-auth-tenant": [b"acme"],
        b"x-auth-user": [b"u1"],
        b"x-auth-scopes": [b"b things:read"],
        b"x-auth-token-id": [b"t1"],
        b"x-auth-issuer": [b"https://auth.example"],
    }
    assert not world.log.lines


def test_every_identity_header_is_in_every_200_so_that_copying_replaces_what_a_client_sent() -> None:
    world = World(FakeGuard(tenant="", user_id=None, token_id="", claims={}))
    for response in (world.original("/things", GOOD), world.original("/health")):
        assert all(len(response.values(name)) == 1 for name in IDENTITY)
    assert world.original("/things", GOOD).values(b"x-auth-user") == [b""]
    assert world.original("/things", GOOD).values(b"x-auth-issuer") == [b"https://only.example"]


def test_identity_comes_from_the_token_and_never_from_headers(world: World) -> None:
    spoofed = [(name, b"root") for name in IDENTITY]
    assert world.original("/things", GOOD, *spoofed).values(b"x-auth-client-id") == [b"c1"]
    assert world.original("/health", *spoofed).values(b"x-auth-client-id") == [b""]


def test_what_a_header_cannot_hold_is_percent_encoded() -> None:
    guard = FakeGuard(subject="é\r\nX-Auth-Tenant: 100%", scopes=frozenset({"things:read", "a b"}))
    response = World(guard).original("/things", GOOD)
    assert response.values(b"x-auth-subject") == [b"%C3%A9%0D%0AX-Auth-Tenant:%20100%25"]
    assert response.values(b"x-auth-scopes") == [b"a%20b things:read"]


@pytest.mark.parametrize(
    ("path", "headers", "method"),
    [
        ("/auth/original", [(b"x-original-method", b"GET"), (b"x-original-uri", b"/things")], "POST"),
        ("/auth/forwarded", [(b"x-forwarded-method", b"GET"), (b"x-forwarded-uri", b"/things")], "GET"),
        ("/auth/request/things?x=1", [], "GET"),
    ],
)
def test_the_path_of_the_question_says_how_the_request_is_described(
    world: World, path: str, headers: list[tuple[bytes, bytes]], method: str
) -> None:
    assert world.ask(path, GOOD, *headers, method=method).status == 200


def test_headers_of_the_other_description_count_for_nothing(world: World) -> None:
    forged = ((b"x-forwarded-method", b"GET"), (b"x-forwarded-uri", b"/things"))
    assert error_of(world.original("/other", GOOD, *forged)) == "no_route"
    assert error_of(world.ask("/auth/request/other", GOOD, *forged)) == "no_route"
    assert error_of(world.ask("/auth/original", GOOD, *forged)) == "request_not_described"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"x-original-method", b"GET")],
        [(b"x-original-uri", b"/things")],
        [(b"x-original-method", b"GET")] * 2 + [(b"x-original-uri", b"/things")],
        [(b"x-original-method", b"GET"), (b"x-original-uri", b"/things"), (b"x-original-uri", b"/health")],
    ],
)
def test_a_request_that_is_not_described_once_is_refused(
    world: World, headers: list[tuple[bytes, bytes]]
) -> None:
    response = world.ask("/auth/original", GOOD, *headers)
    assert (response.status, error_of(response)) == (403, "request_not_described")


@pytest.mark.parametrize(
    "path", ["/", "/auth", "/auth/original/", "/auth/requests/things", "/auth/requestthings"]
)
def test_a_question_at_another_path_is_refused(world: World, path: str) -> None:
    response = world.ask(path, GOOD, (b"x-original-method", b"GET"), (b"x-original-uri", b"/things"))
    assert (response.status, error_of(response)) == (403, "request_not_described")


@pytest.mark.parametrize("peer", ["203.0.113.7", "10.0.0.1", "", "::2"])
@pytest.mark.parametrize("path", ["/auth/request/things", "/health"])
def test_only_a_declared_proxy_is_answered(world: World, peer: str, path: str) -> None:
    response = world.ask(path, GOOD, peer=peer)
    assert (response.status, error_of(response)) == (403, "undeclared_proxy")


@pytest.mark.parametrize(
    "name",
    [b"x-http-method-override", b"x-http-method", b"x-method-override", b"x-original-url", b"x-rewrite-url"],
)
def test_a_header_that_makes_another_request_of_it_is_refused(world: World, name: bytes) -> None:
    assert error_of(world.original("/things", GOOD, (name, b"DELETE"))) == "ambiguous_request"
    assert world.original("/health", (name, b"/admin")).status == 401


@pytest.mark.parametrize("name", [b"x_auth_user", b"x-auth_user", b"x_auth-client-id"])
def test_a_header_that_many_programs_take_for_identity_is_refused(world: World, name: bytes) -> None:
    assert error_of(world.original("/things", GOOD, (name, b"root"))) == "ambiguous_request"


def test_without_a_token_nobody_learns_which_paths_there_are(world: World) -> None:
    for target in ("/things", "/other", "/../things", "/THINGS"):
        response = world.original(target)
        assert response.status == 401
        assert b"Bearer" in response.values(b"www-authenticate")[0]


@pytest.mark.parametrize(
    ("target", "reason"),
    [("/other", "no_route"), ("//things", "ambiguous_path"), ("/Things", "ambiguous_path")],
)
def test_the_policys_denial_is_403_and_logged_with_its_reason(world: World, target: str, reason: str) -> None:
    response = world.original(target, GOOD)
    assert (response.status, error_of(response)) == (403, reason)
    assert [(line["error"], line["path"]) for line in world.log.lines] == [(reason, target)]


def test_a_missing_scope_is_403_and_named(world: World) -> None:
    response = world.original("/things", GOOD, method="POST")
    assert (response.status, error_of(response)) == (403, "insufficient_scope")
    assert b'scope="things:write"' in response.values(b"www-authenticate")[0]


def test_an_outage_is_503_with_the_time_to_come_back(world: World) -> None:
    world.guard.outage = True
    response = world.original("/things", GOOD)
    assert (response.status, response.values(b"retry-after")) == (503, [b"7"])
    assert world.ask("/health").status == 503


def test_a_fault_inside_admits_nobody_and_says_nothing(world: World) -> None:
    world.guard.broken = True
    response = world.original("/things", GOOD)
    assert response.status == 503
    assert b"secret" not in response.body


@pytest.mark.parametrize(
    ("left", "contract"),
    [
        (600.0, b"private, max-age=60"),
        (60.0, b"private, max-age=60"),
        (59.9, b"private, max-age=59"),
        (1.0, b"private, max-age=1"),
        (0.9, b"no-store"),
        (None, b"private, max-age=60"),
    ],
)
def test_an_answer_is_remembered_as_long_as_the_policy_says_and_never_past_the_tokens_end(
    left: float | None, contract: bytes
) -> None:
    guard = FakeGuard(expires_at=None if left is None else NOW + left)
    response = World(guard).original("/things", GOOD)
    assert response.values(b"cache-control") == [contract]
    expires = b"0" if contract == b"no-store" else contract.partition(b"=")[2]
    assert response.values(b"x-accel-expires") == [expires]
    if expires != b"0":
        names = response.values(b"vary")[0].split(b", ")
        assert {b"authorization", b"x-original-method", b"x-original-uri"} <= set(names)


def test_nothing_is_remembered_unless_the_policy_says_so() -> None:
    policy = POLICY.replace("max_age = 60", "")
    assert World(policy=policy).original("/things", GOOD).values(b"cache-control") == [b"no-store"]


def test_refusals_and_open_routes_are_never_remembered(world: World) -> None:
    for response in (
        world.original("/things"),
        world.original("/other", GOOD),
        world.original("/things", GOOD, method="POST"),
        world.original("/health"),
    ):
        assert response.values(b"cache-control") == [b"no-store"]


def test_the_log_holds_no_query(world: World) -> None:
    world.original("/other?access_token=s3cret", GOOD)
    assert "s3cret" not in json.dumps(world.log.lines)
