"""Token endpoints that are hostile or broken end in a clear typed error, within the time limit, and leak nothing."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest

from mintmark.client.errors import Misconfigured, NoSense, NoToken, Refused, Unreachable
from mintmark.client.means import SendFault
from mintmark.transport.http_sender import HttpSender
from mintmark.wire.http import HttpRequest
from tests.transport.conftest import MakeSource
from tests.transport.loopback import Vendor

Talk = Callable[[socket.socket, threading.Event], None]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@pytest.fixture
def serve() -> Iterator[Callable[[Talk], str]]:
    """Serve one connection by a function of the socket; returns the address."""
    over = threading.Event()
    servers: list[socket.socket] = []

    def begin(talk: Talk) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def run() -> None:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with closing(connection):
                connection.recv(65536)
                with suppress(OSError):
                    talk(connection, over)

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/token"

    yield begin
    over.set()
    for server in servers:
        server.close()


def send(url: str, limit: float = 0.5) -> None:
    HttpSender(limit)(HttpRequest("POST", "/token", url=url, body=b"grant_type=client_credentials"))


def drip(part: bytes) -> Talk:
    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(HEAD)
        while not over.wait(0.05):
            connection.sendall(part)

    return talk


def test_a_body_that_drips_ends_in_time(serve: Callable[[Talk], str]) -> None:
    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(HEAD + b"content-length: 1000000\r\n\r\n")
        while not over.wait(0.05):
            connection.sendall(b" ")

    with pytest.raises(SendFault, match=r"longer than 0\.5 s"):
        send(serve(talk))


def test_headers_that_drip_end_in_time(serve: Callable[[Talk], str]) -> None:
    with pytest.raises(SendFault, match=r"longer than 0\.5 s"):
        send(serve(drip(b"a")))


def test_silence_ends_in_time(serve: Callable[[Talk], str]) -> None:
    with pytest.raises(SendFault, match=r"longer than 0\.5 s"):
        send(serve(lambda _, over: over.wait(20) and None))


def test_an_endless_body_is_cut(serve: Callable[[Talk], str]) -> None:
    sent = [0]

    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        while not over.is_set():
            sent[0] += connection.send(b"10000\r\n" + b" " * 65536 + b"\r\n")

    with pytest.raises(SendFault, match="larger than 1 MiB") as told:
        send(serve(talk), 30)
    assert told.value.unusable
    assert sent[0] < 1 << 25


def test_endless_headers_are_cut(serve: Callable[[Talk], str]) -> None:
    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(HEAD)
        while not over.is_set():
            connection.sendall(b"x-more: " + b"y" * 4096 + b"\r\n")

    with pytest.raises(SendFault):
        send(serve(talk), 30)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_a_compressed_body_is_never_unpacked(serve: Callable[[Talk], str], coding: str) -> None:
    body = zlib.compress(b" " * 10_000_000) if coding == "deflate" else gzip.compress(b" " * 10_000_000)

    def talk(connection: socket.socket, over: threading.Event) -> None:
        named = f"content-encoding: {coding}\r\ncontent-length: {len(body)}\r\n\r\n"
        connection.sendall(HEAD + named.encode() + body)

    with pytest.raises(SendFault, match="compressed") as told:
        send(serve(talk), 30)
    assert told.value.unusable


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
    ],
)
def test_what_is_not_http_is_a_fault(serve: Callable[[Talk], str], answer: bytes) -> None:
    with pytest.raises(SendFault):
        send(serve(lambda connection, _: connection.sendall(answer)), 30)


def test_an_interim_answer_is_not_the_answer(serve: Callable[[Talk], str]) -> None:
    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" + HEAD + b"content-length: 2\r\n\r\n{}")

    answer = HttpSender(5)(HttpRequest("POST", "/token", url=serve(talk)))
    assert (answer.status, answer.body) == (200, b"{}")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html>Please sign in</html>", "text/html"),
        (b"", "application/json"),
        (b"null", "application/json"),
        (b"[]", "application/json"),
        (b'{"access_token":"a","access_token":"b"}', "application/json"),
        (b'{"access_token":["a"]}', "application/json"),
        (b'{"access_token":{"a":"b"}}', "application/json"),
        (b'{"access_token":42}', "application/json"),
        (b'{"access_token":""}', "application/json"),
        (b'{"access_token":"a\\r\\nx-injected: 1"}', "application/json"),
        (b'{"access_token":"a\\u0000b"}', "application/json"),
        (b'{"access_token":"a b"}', "application/json"),
        ('{"access_token":"a\u2028"}'.encode(), "application/json"),
        (b'{"access_token":"a","token_type":["Bearer"]}', "application/json"),
        (b'{"access_token":"a","token_type":"mac"}', "application/json"),
        (b'{"access_token":"' + b"a" * 100_000 + b'"}', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"access_token":"a"', "application/json"),
        (b"\xff\xfe{}", "application/json"),
        (b'{"access_token": NaN}', "application/json"),
    ],
)
def test_an_answer_that_is_no_token_makes_no_sense(
    shop: Vendor, source_of: MakeSource, body: bytes, content_type: str
) -> None:
    shop.refuse = lambda _: (200, {"content-type": content_type, "x-request-id": "r-1"}, body)
    with pytest.raises(NoSense) as told:
        source_of(shop).token()
    assert told.value.request_id == "r-1"
    assert told.value.dialect == "standard"
    assert len(shop.token_requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(shop: Vendor, source_of: MakeSource, status: int) -> None:
    shop.refuse = lambda _: (status, {"location": f"{shop.url}/elsewhere"}, b"")
    with pytest.raises(NoSense, match="redirect"):
        source_of(shop).token()
    assert not shop.calls


def test_an_error_in_a_200_is_a_refusal(shop: Vendor, source_of: MakeSource) -> None:
    body = json.dumps({"error": "invalid_scope", "error_description": "no such scope"}).encode()
    shop.refuse = lambda _: (200, {"content-type": "application/json"}, body)
    with pytest.raises(Refused, match="no such scope") as told:
        source_of(shop).token()
    assert told.value.code == "invalid_scope"


def test_a_description_cannot_forge_a_log_line(
    shop: Vendor, source_of: MakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    said = {"error": "invalid_scope\r\nINFO all is well", "error_description": "a\nb\x1b[31m" + "c" * 5000}
    shop.refuse = lambda _: (400, {"x-request-id": "a b"}, json.dumps(said).encode())
    with pytest.raises(Refused) as told:
        source_of(shop).token()
    assert "\n" not in str(told.value)
    assert "\x1b" not in str(told.value)
    assert len(str(told.value)) < 500
    assert all("\n" not in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    "address",
    [
        "http://vendor.example/token",
        "http://192.0.2.1/token",
        "http://localhost.evil.example/token",
        "file:///x",
    ],
)
def test_a_secret_goes_by_https_or_stays_on_this_machine(
    shop: Vendor, source_of: MakeSource, address: str
) -> None:
    shop.url = address.removesuffix("/token")
    with pytest.raises(Misconfigured):
        source_of(shop).token()


def test_what_stays_on_this_machine_goes_by_no_proxy(
    shop: Vendor, source_of: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert source_of(shop).token()


def test_https_goes_by_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, serve: Callable[[Talk], str]
) -> None:
    proxy = serve(lambda connection, _: connection.sendall(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n"))
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, proxy.removesuffix("/token"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SendFault, match="the proxy did not let"):
        send("https://vendor.example/token", 5)


def test_a_host_that_is_not_known_is_said_to_be_so(shop: Vendor, source_of: MakeSource) -> None:
    shop.url = "https://no-such-host.invalid"
    with pytest.raises(Unreachable) as told:
        source_of(shop).token()
    assert isinstance(told.value, NoToken)
    assert "no-such-host" not in str(told.value)
