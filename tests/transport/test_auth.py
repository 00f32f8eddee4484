"""The token on calls, by the same object in four HTTP libraries: one replay after a refusal, and never a storm."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import httpx
import httpx2
import pytest
import requests

from mintmark.client.errors import Misconfigured
from mintmark.dialect import Dialect, load_dialect
from tests.transport.conftest import Clock, MakeSource
from tests.transport.libraries import LIBRARIES, Call
from tests.transport.loopback import Answer, Asked, Vendor, as_json, vendor

OWN_HEADER = """
name = "own-header"
title = "A vendor with a header of its own"
path = "/token"
url = "${token_url}"
[[forms]]
body = { client_id = "${client_id}", client_secret = "${client_secret}" }
[response.body]
access_token = "${access_token}"
expires_in = "${expires_in}"
[present]
headers = { X-Api-Key = "${access_token}" }
"""


@pytest.fixture(params=LIBRARIES)
def call(request: pytest.FixtureRequest) -> Call:
    return LIBRARIES[request.param]


@pytest.fixture
def elsewhere() -> Iterator[Vendor]:
    """Another host, on which no token may ever arrive."""
    with vendor() as running:
        running.respond = lambda asked: as_json(200, {"headers": asked.headers})
        yield running


def own_header() -> Dialect:
    return load_dialect(OWN_HEADER, "own-header.toml")


def test_a_call_bears_the_token(shop: Vendor, source_of: MakeSource, call: Call) -> None:
    auth = source_of(shop).auth()
    assert call(auth, "GET", f"{shop.url}/api") == (200, {"token": "T1-of-the-vendor"})
    assert call(auth, "POST", f"{shop.url}/api", b"body") == (200, {"token": "T1-of-the-vendor"})
    assert len(shop.token_requests) == 1


def test_a_refused_call_is_replayed_once_with_its_body_and_a_new_token(
    shop: Vendor, source_of: MakeSource, call: Call
) -> None:
    source = source_of(shop)
    shop.live.discard(source.token().reveal())
    shop.live.clear()
    assert call(source.auth(), "POST", f"{shop.url}/api", b"body") == (200, {"token": "T2-of-the-vendor"})
    assert [asked.body for asked in shop.calls] == [b"body", b"body"]
    assert len(shop.token_requests) == 2


def test_a_body_that_is_used_up_is_not_replayed_but_the_next_call_has_a_new_token(
    shop: Vendor, source_of: MakeSource, call: Call
) -> None:
    source = source_of(shop)
    source.token()
    shop.live.clear()
    status, _ = call(source.auth(), "POST", f"{shop.url}/api", iter([b"one", b"two"]))
    assert (status, len(shop.calls)) == (401, 1)
    assert call(source.auth(), "GET", f"{shop.url}/api") == (200, {"token": "T2-of-the-vendor"})


def test_a_scope_that_is_missing_is_not_cured_by_a_new_token(
    shop: Vendor, source_of: MakeSource, call: Call
) -> None:
    shop.respond = lambda _: as_json(401, {}, www_authenticate='Bearer error="insufficient_scope", scope="x"')
    assert call(source_of(shop).auth(), "GET", f"{shop.url}/api")[0] == 401
    assert (len(shop.calls), len(shop.token_requests)) == (1, 1)


def test_a_refusal_of_another_kind_is_the_callers(shop: Vendor, source_of: MakeSource, call: Call) -> None:
    shop.respond = lambda _: as_json(403, {})
    assert call(source_of(shop).auth(), "GET", f"{shop.url}/api")[0] == 403
    assert (len(shop.calls), len(shop.token_requests)) == (1, 1)


def test_the_refusal_is_handed_on_when_no_new_token_is_to_be_had(
    shop: Vendor, source_of: MakeSource, call: Call
) -> None:
    source = source_of(shop)
    source.token()
    shop.live.clear()
    shop.refuse = lambda _: as_json(400, {"error": "unauthorized_client"})
    assert call(source.auth(), "GET", f"{shop.url}/api")[0] == 401
    assert (len(shop.calls), len(shop.token_requests)) == (1, 2)


def test_when_the_fresh_token_is_refused_too_nobody_asks_for_a_while(
    shop: Vendor, source_of: MakeSource, clock: Clock, call: Call
) -> None:
    source = source_of(shop)
    shop.respond = lambda _: as_json(401, {})
    auth = source.auth()
    for _ in range(5):
        assert call(auth, "GET", f"{shop.url}/api")[0] == 401
    assert (len(shop.calls), len(shop.token_requests)) == (6, 2), "one replay, one more token"
    clock.now += 59
    assert call(auth, "GET", f"{shop.url}/api")[0] == 401
    assert len(shop.token_requests) == 2
    clock.now += 1
    assert call(auth, "GET", f"{shop.url}/api")[0] == 401
    assert len(shop.token_requests) == 3
    clock.now += 119
    assert call(auth, "GET", f"{shop.url}/api")[0] == 401
    assert len(shop.token_requests) == 3, "the second pause is twice as long"
    clock.now += 1
    assert call(auth, "GET", f"{shop.url}/api")[0] == 401
    assert len(shop.token_requests) == 4


@pytest.mark.parametrize("library", ["httpx2", "httpx", "requests"])
def test_fifty_refused_calls_cost_one_token_and_one_replay_each(
    shop: Vendor, source_of: MakeSource, library: str, clock: Clock
) -> None:
    source = source_of(shop)
    old = source.token().reveal()
    shop.live.clear()
    all_refused = threading.Barrier(50)

    def respond(asked: Asked) -> Answer | None:
        if asked.headers["authorization"] == f"Bearer {old}":
            all_refused.wait(60)
        return None

    shop.respond = respond
    auth = source.auth()
    with ThreadPoolExecutor(50) as pool:
        work = [pool.submit(LIBRARIES[library], auth, "GET", f"{shop.url}/api") for _ in range(50)]
        assert {future.result()[0] for future in work} == {200}
    assert (len(shop.token_requests), len(shop.calls)) == (2, 100)

    shop.live.clear()  # the fresh token is refused, too
    with ThreadPoolExecutor(50) as pool:
        work = [pool.submit(LIBRARIES[library], auth, "GET", f"{shop.url}/api") for _ in range(50)]
        assert {future.result()[0] for future in work} == {401}
    assert (len(shop.token_requests), len(shop.calls)) == (2, 150)


def test_a_token_that_was_replaced_meanwhile_is_not_replaced_again(
    shop: Vendor, source_of: MakeSource
) -> None:
    source = source_of(shop)
    old = source.token()
    assert source.invalidate(old) is True
    new = source.token()
    assert source.invalidate(old) is True
    assert source.token() is new
    assert len(shop.token_requests) == 2


@pytest.mark.parametrize("dialect", [None, own_header()], ids=["Authorization", "X-Api-Key"])
@pytest.mark.parametrize("status", [302, 307])
def test_nothing_goes_along_a_redirect_to_another_host(
    shop: Vendor, elsewhere: Vendor, source_of: MakeSource, call: Call, dialect: Dialect | None, status: int
) -> None:
    shop.respond = lambda _: (status, {"location": f"{elsewhere.url}/collect"}, b"")
    source = source_of(shop, dialect=dialect)
    got, answer = call(source.auth(), "GET", f"{shop.url}/api")
    assert got == 200
    assert "of-the-vendor" in str(shop.calls[0].headers)
    assert "of-the-vendor" not in str(answer)
    assert len(elsewhere.calls) == 1


def test_a_vendors_own_header_is_replayed_with_the_new_token(
    shop: Vendor, source_of: MakeSource, call: Call
) -> None:
    source = source_of(shop, dialect=own_header())
    old = source.token().reveal()
    shop.respond = lambda asked: as_json(401 if asked.headers["x-api-key"] == old else 200, asked.headers)
    status, headers = call(source.auth(), "GET", f"{shop.url}/api")
    assert (status, headers["x-api-key"]) == (200, "T2-of-the-vendor")
    assert len(shop.calls) == 2


def test_after_a_replay_nothing_goes_along_a_redirect_either(
    shop: Vendor, elsewhere: Vendor, source_of: MakeSource, call: Call
) -> None:
    source = source_of(shop, dialect=own_header())
    old = source.token().reveal()

    def respond(asked: Asked) -> Answer:
        if asked.headers.get("x-api-key") == old:
            return as_json(401, {})
        return 302, {"location": f"{elsewhere.url}/collect"}, b""

    shop.respond = respond
    _, answer = call(source.auth(), "GET", f"{shop.url}/api")
    assert "of-the-vendor" not in str(answer)


@pytest.mark.parametrize("dialect", [None, own_header()], ids=["Authorization", "X-Api-Key"])
def test_a_call_to_an_undeclared_origin_bears_no_token(
    shop: Vendor, elsewhere: Vendor, source_of: MakeSource, call: Call, dialect: Dialect | None
) -> None:
    auth = source_of(shop, dialect=dialect).auth(shop.url)
    try:
        call(auth, "GET", f"{elsewhere.url}/api")
    except Misconfigured as error:
        assert "name the other origin" in str(error)
    assert "of-the-vendor" not in str(elsewhere.calls)
    assert len(elsewhere.calls) <= 1


def test_without_declared_origins_the_first_call_declares_its_own(
    shop: Vendor, elsewhere: Vendor, source_of: MakeSource
) -> None:
    auth = source_of(shop).auth()
    with httpx2.Client(auth=auth) as client:
        assert client.get(f"{shop.url}/api").status_code == 200
        with pytest.raises(Misconfigured):
            client.get(f"{elsewhere.url}/api")
    assert not elsewhere.calls


@pytest.mark.parametrize(
    "address", ["http://api.example", "ftp://api.example", "api.example", "http://10.0.0.1:80"]
)
def test_a_token_goes_by_https_or_stays_on_this_machine(
    shop: Vendor, source_of: MakeSource, address: str
) -> None:
    with pytest.raises(Misconfigured):
        source_of(shop).auth(address)


def test_a_first_call_that_is_not_safe_is_refused_in_every_library(
    shop: Vendor, source_of: MakeSource, call: Call
) -> None:
    with pytest.raises(Misconfigured, match="https"):
        call(source_of(shop).auth(), "GET", "http://api.example/x")
    assert not shop.token_requests


def test_a_file_is_rewound_for_the_replay(shop: Vendor, source_of: MakeSource, tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "upload"
    path.write_bytes(b"file")
    source = source_of(shop)
    source.token()
    shop.live.clear()
    with path.open("rb") as file:
        answer = requests.post(f"{shop.url}/api", data=file, auth=source.auth(), timeout=60)
    assert answer.status_code == 200
    assert [asked.body for asked in shop.calls] == [b"file", b"file"]


def test_a_redirect_on_the_same_origin_keeps_the_token(
    shop: Vendor, source_of: MakeSource, call: Call
) -> None:
    def respond(asked: Asked) -> Answer | None:
        return (307, {"location": "/api/"}, b"") if asked.path == "/api" else None

    shop.respond = respond
    assert call(source_of(shop).auth(), "GET", f"{shop.url}/api") == (200, {"token": "T1-of-the-vendor"})


EVERYWHERE = OWN_HEADER.replace("own-header", "everywhere").replace(
    'headers = { X-Api-Key = "${access_token}" }',
    'query = { key = "${access_token}" }\ncookies = { sid = "${access_token}" }',
)


def test_a_token_in_query_and_cookie_is_replaced_in_the_replay_and_nothing_else_is_changed(
    shop: Vendor, source_of: MakeSource, call: Call
) -> None:
    source = source_of(shop, dialect=load_dialect(EVERYWHERE, "everywhere.toml"))
    old = source.token().reveal()
    shop.respond = lambda asked: as_json(401 if old in asked.path else 200, {})
    assert call(source.auth(), "GET", f"{shop.url}/api?page=2&q=a%20b")[0] == 200
    first, second = shop.calls
    for asked, token in ((first, old), (second, "T2-of-the-vendor")):
        assert parse_qs(asked.path.partition("?")[2]) == {"page": ["2"], "q": ["a b"], "key": [token]}
        assert asked.headers["cookie"] == f"sid={token}"


def test_a_cookie_of_the_callers_own_stays(shop: Vendor, source_of: MakeSource) -> None:
    auth = source_of(shop, dialect=load_dialect(EVERYWHERE, "everywhere.toml")).auth()
    shop.respond = lambda asked: as_json(200, asked.headers["cookie"])
    with httpx2.Client(auth=auth, cookies={"own": "1"}, verify=False) as client:
        assert client.get(f"{shop.url}/api").json() == "own=1; sid=T1-of-the-vendor"
    answer = requests.get(f"{shop.url}/api", cookies={"own": "1"}, auth=auth, timeout=60)
    assert answer.json() == "own=1; sid=T1-of-the-vendor"


def test_query_and_cookie_do_not_go_along_a_redirect(
    shop: Vendor, elsewhere: Vendor, source_of: MakeSource, call: Call
) -> None:
    source = source_of(shop, dialect=load_dialect(EVERYWHERE, "everywhere.toml"))
    shop.respond = lambda _: (302, {"location": f"{elsewhere.url}/collect"}, b"")
    assert call(source.auth(), "GET", f"{shop.url}/api")[0] == 200
    assert "of-the-vendor" not in str(elsewhere.calls)


@pytest.mark.parametrize("library", [httpx2, httpx])
def test_a_vendors_own_header_can_be_read_like_any_other(
    shop: Vendor, source_of: MakeSource, library: Any
) -> None:
    auth = source_of(shop, dialect=own_header()).auth()
    seen: list[Any] = []

    def handler(request: Any) -> Any:
        seen.append(request.headers)
        return library.Response(200)

    with library.Client(auth=auth, transport=library.MockTransport(handler)) as client:
        client.get(f"{shop.url}/api", headers={"X-Api-Key": "stale"})
    (headers,) = seen
    assert headers["x-api-key"] == "T1-of-the-vendor"
    assert "X-API-KEY" in headers
    assert "x-other" not in headers
    assert [value for name, value in headers.multi_items() if name == "x-api-key"] == ["T1-of-the-vendor"]
    assert [value for name, value in headers.raw if name.lower() == b"x-api-key"] == [b"T1-of-the-vendor"]
    assert "of-the-vendor" not in repr(headers)
