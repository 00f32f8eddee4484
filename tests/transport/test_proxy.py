"""The forwarding proxy: it adds the token, passes bodies on as they come, and lets no browser or stranger in."""

from __future__ import annotations

import http.client
import json
import re
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mintmark.transport.proxy_rules import Door, refusal, to_program, to_upstream
from mintmark.values.secret import Secret
from tests.transport.host import Host, surroundings
from tests.transport.host import host as host
from tests.transport.loopback import Vendor, as_json, vendor


class _OverUnix(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self._path)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Proxy:
    connect: Callable[[], http.client.HTTPConnection]

    def __call__(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        with closing(self.connect()) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())


@contextmanager
def proxy_of(host: Host, *arguments: str) -> Iterator[Proxy]:
    place = host.folder / "p.sock"
    with host.running("proxy", "--profile", "shop", "--socket", str(place), *arguments, ready="listening on"):
        yield Proxy(lambda: _OverUnix(place))


@pytest.fixture(scope="module")
def shop_and_proxy() -> Iterator[tuple[Vendor, Proxy]]:
    """One running proxy for the tests that need no other."""
    with pytest.MonkeyPatch.context() as patch, vendor() as shop, surroundings(patch) as own:
        own.save("shop", shop)
        with proxy_of(own) as proxy:
            yield shop, proxy


@pytest.fixture
def shop(shop_and_proxy: tuple[Vendor, Proxy]) -> Vendor:
    shop = shop_and_proxy[0]
    shop.respond = lambda asked: None
    shop.refuse = lambda asked: None
    shop.calls.clear()
    return shop


@pytest.fixture
def proxy(shop_and_proxy: tuple[Vendor, Proxy]) -> Proxy:
    return shop_and_proxy[1]


def test_the_token_is_added_and_what_the_program_sent_in_its_place_is_not(shop: Vendor, proxy: Proxy) -> None:
    sent = {
        "Authorization": "Basic eDp5",
        "Proxy-Authorization": "Basic eDp5",
        "X-Own": "1",
        "X-Hop": "2",
        "Connection": "close, X-Hop",
        "Cookie": "a=b",
    }
    answer = proxy("POST", "/v1/things?a=%2F1&b", b"body", sent)
    assert (answer.status, answer.json["token"]) == (200, shop.calls[0].headers["authorization"][7:])
    asked = shop.calls[0]
    assert (asked.method, asked.path, asked.body) == ("POST", "/v1/things?a=%2F1&b", b"body")
    assert asked.headers["authorization"].startswith("Bearer T")
    assert asked.headers["host"] == shop.url.removeprefix("http://")
    assert (asked.headers["x-own"], asked.headers["cookie"]) == ("1", "a=b")
    assert asked.headers.keys().isdisjoint({"proxy-authorization", "x-hop", "connection", "user-agent"})


def test_one_token_serves_many_calls(shop: Vendor, proxy: Proxy) -> None:
    before = proxy("GET", "/").json["token"]
    asked = len(shop.token_requests)
    assert {proxy("GET", f"/{number}").json["token"] for number in range(5)} == {before}
    assert len(shop.token_requests) == asked


def test_a_refused_call_with_a_small_body_is_made_once_more(shop: Vendor, proxy: Proxy) -> None:
    proxy("GET", "/")
    shop.calls.clear()
    shop.live.clear()
    answer = proxy("POST", "/v1/x", b"small")
    assert answer.status == 200
    assert [call.body for call in shop.calls] == [b"small", b"small"]
    assert len({call.headers["authorization"] for call in shop.calls}) == 2
    shop.respond = lambda asked: as_json(401, {})
    shop.calls.clear()
    assert proxy("GET", "/v1/x").status == 401
    assert len(shop.calls) == 1, "the fresh token was refused, too: no storm"


def test_a_streamed_body_is_passed_on_and_never_sent_twice(host: Host) -> None:
    with vendor() as shop:
        host.save("shop", shop)
        with proxy_of(host) as proxy:
            large = b"x" * (1 << 20)
            assert proxy("POST", "/", large).status == 200
            assert shop.calls[0].body == large
            assert proxy("POST", "/", iter([b"part one, ", b"part two"])).status == 200
            assert shop.calls[1].body == b"part one, part two"
            shop.live.clear()
            assert proxy("POST", "/", large).status == 401
            assert len(shop.calls) == 3
            assert proxy("POST", "/", large).status == 200


def test_an_answer_is_passed_on_as_it_is(shop: Vendor, proxy: Proxy) -> None:
    shop.respond = lambda asked: (
        418,
        {"x-own": "1", "content-encoding": "gzip", "keep-alive": "timeout=5", "set-cookie": "a=b"},
        b"\x1f\x8bnot really",
    )
    answer = proxy("GET", "/")
    assert (answer.status, answer.body) == (418, b"\x1f\x8bnot really")
    assert (answer.headers["x-own"], answer.headers["content-encoding"]) == ("1", "gzip")
    assert "keep-alive" not in answer.headers


def test_the_answers_first_part_arrives_before_its_end(host: Host) -> None:
    with _slow_api() as (url, go_on), vendor() as shop:
        host.save("shop", shop, api_url=url)
        with proxy_of(host) as proxy, closing(proxy.connect()) as connection:
            connection.request("GET", "/")
            answer = connection.getresponse()
            assert answer.read(5) == b"first"
            go_on.set()
            with pytest.raises(http.client.HTTPException):
                answer.read()  # the API broke off: the answer must not look whole


@contextmanager
def _slow_api() -> Iterator[tuple[str, threading.Event]]:
    """Sends a part of a chunked answer, waits, and breaks off."""
    go_on = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with listener.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
                go_on.wait(30)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", go_on
        go_on.set()
        thread.join(10)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {"Host": "evil.example"}, 421),
        ("GET", "/", {"Host": "localhost.evil.example"}, 421),
        ("GET", "/", {"Host": "127.0.0.1"}, 421),
        ("GET", "/", {"Origin": "https://evil.example"}, 403),
        ("GET", "/", {"Origin": "null"}, 403),
        ("GET", "/", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("GET", "/", {"Sec-Fetch-Site": "same-site"}, 403),
        ("GET", "http://evil.example/", {}, 400),
        ("GET", "http://localhost/", {}, 400),
        ("OPTIONS", "*", {}, 400),
        ("CONNECT", "evil.example:443", {}, 405),
        ("TRACE", "/", {}, 405),
        ("GET", "/v1/../admin", {}, 400),
        ("GET", "/v1/%2E%2e/admin", {}, 400),
        ("GET", "/..", {}, 400),
    ],
)
def test_what_is_not_a_programs_call_to_the_api_is_refused(
    shop: Vendor, proxy: Proxy, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = proxy(method, path, None, headers)
    assert answer.status == status
    assert answer.json["error_description"].endswith(".")
    assert shop.calls == []


def test_a_path_that_looks_like_a_host_stays_a_path(shop: Vendor, proxy: Proxy) -> None:
    proxy("GET", "//evil.example/x@y:1/")
    assert shop.calls[0].path.endswith("/evil.example/x@y:1/")


def test_without_a_token_nothing_is_forwarded(host: Host) -> None:
    with vendor() as shop:
        shop.refuse = lambda asked: as_json(429, {"error": "rate_limited"}, retry_after="3000")
        host.save("shop", shop)
        with proxy_of(host) as proxy:
            answer = proxy("GET", "/")
            assert (answer.status, answer.json["error"]) == (503, "no_token")
            assert 2900 <= int(answer.headers["retry-after"]) <= 3000
        assert shop.calls == []


def test_an_api_that_is_not_there_is_502(host: Host) -> None:
    with vendor() as shop:
        host.save("shop", shop, api_url="http://127.0.0.1:1/")
        with proxy_of(host) as proxy:
            assert (proxy("GET", "/").status, proxy("POST", "/", b"x").status) == (502, 502)


def test_on_a_port_the_local_key_is_asked_for_and_not_passed_on(host: Host) -> None:
    key_file = host.folder / "key"
    with vendor() as shop:
        host.save("shop", shop)
        arguments = ("proxy", "--profile", "shop", "--listen", "127.0.0.1:0", "--key-file", str(key_file))
        for _ in range(2):  # the key stays the same
            with host.running(*arguments, ready="127.0.0.1, port") as running:
                assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
                port = int(re.search(r"port ([0-9]+)", running.said)[1])  # type: ignore[index]
                proxy = Proxy(lambda port=port: http.client.HTTPConnection("127.0.0.1", port, timeout=30))
                key = key_file.read_text().strip()
                assert len(key) == 64
                for wrong in ({}, {"Mintmark-Proxy-Key": key[:-1]}, {"Mintmark-Proxy-Key": key + "x"}):
                    assert proxy("GET", "/", None, wrong).status == 401
                foreign = {"Mintmark-Proxy-Key": key, "Host": f"evil.example:{port}"}
                assert proxy("GET", "/", None, foreign).status == 421
                assert proxy("GET", "/", None, {"Mintmark-Proxy-Key": key}).status == 200
        assert "mintmark-proxy-key" not in shop.calls[0].headers
        key_file.chmod(0o644)
        ran = host.run(*arguments)
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert "can be read by others" in ran.stderr


def scope(headers: list[tuple[bytes, bytes]], path: bytes = b"/", method: str = "GET") -> dict[str, Any]:
    return {"method": method, "raw_path": path, "headers": headers}


def test_the_key_is_wanted_exactly_once() -> None:
    door = Door(frozenset({b"localhost"}), Secret("k" * 32))
    own, key = (b"host", b"LOCALHOST"), (b"mintmark-proxy-key", b"k" * 32)
    assert refusal(scope([own, key]), door) is None
    for headers in (
        [own],
        [own, key, key],
        [own, (b"mintmark-proxy-key", b"\xff" * 32)],
        [own, own, key],
        [key],
    ):
        assert refusal(scope(headers), door) is not None
    assert "kkk" not in repr(door)


def test_headers_between_two_hops_stay_there() -> None:
    sent = [(b"connection", b"keep-alive, x-a"), (b"x-a", b"1"), (b"te", b"trailers"), (b"x-b", b"2")]
    assert to_program(sent) == [(b"x-b", b"2")]
    borne = [(b"X-Api-Key", b"token")]
    program = [(b"host", b"localhost"), (b"x-api-key", b"own"), (b"authorization", b"own"), *sent]
    assert to_upstream(program, b"api.example", borne) == [
        (b"host", b"api.example"),
        (b"x-b", b"2"),
        (b"X-Api-Key", b"token"),
    ]
