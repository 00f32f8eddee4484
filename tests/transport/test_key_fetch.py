"""Fetching an issuer's documents: what is asked for and where, and what no answer can do."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mintmark.resource_server.issuer import Issuer
from mintmark.transport.issuer_client import IssuerClient, NoResponse
from mintmark.transport.key_fetch import FetchFault, KeyFetch
from mintmark.wire.http import HttpRequest
from tests.resource_server.loopback import PATH, LoopbackIssuer

KEYS = PATH + "/jwks.json"
METADATA = "/.well-known/oauth-authorization-server" + PATH
OPENID = PATH + "/.well-known/openid-configuration"


@pytest.fixture
def issuer() -> Iterator[LoopbackIssuer]:
    made = LoopbackIssuer()
    yield made
    made.close()


@pytest.fixture
def client() -> Iterator[IssuerClient]:
    made = IssuerClient(time_limit=30.0)
    yield made
    made.close()


def test_metadata_first_and_then_the_keys(issuer: LoopbackIssuer, client: IssuerClient) -> None:
    fetched = KeyFetch(Issuer(issuer.identifier), client)()
    assert json.loads(fetched.document)["keys"] == [issuer.keys[0].public().jwk()]
    assert fetched.lifetime == 300
    assert issuer.seen == [METADATA, KEYS]


def test_openid_metadata_where_there_is_no_other(issuer: LoopbackIssuer, client: IssuerClient) -> None:
    document = {"issuer": issuer.identifier, "jwks_uri": issuer.identifier + "/jwks.json"}
    issuer.faults[METADATA] = lambda: (404, b"", {})
    issuer.faults[OPENID] = lambda: (200, json.dumps(document).encode(), {})
    KeyFetch(Issuer(issuer.identifier), client)()
    assert issuer.seen == [METADATA, OPENID, KEYS]


def test_a_given_address_is_used_alone(issuer: LoopbackIssuer, client: IssuerClient) -> None:
    KeyFetch(Issuer(issuer.identifier, jwks_uri=issuer.identifier + "/jwks.json"), client)()
    assert issuer.seen == [KEYS]


def test_the_address_that_was_given_before_holds_while_the_metadata_is_away(
    issuer: LoopbackIssuer, client: IssuerClient
) -> None:
    fetch = KeyFetch(Issuer(issuer.identifier), client)
    fetch()
    issuer.faults[METADATA] = issuer.faults[OPENID] = lambda: (500, b"", {})
    assert fetch().lifetime == 300


def test_an_issuer_may_move_its_keys(issuer: LoopbackIssuer, client: IssuerClient) -> None:
    fetch = KeyFetch(Issuer(issuer.identifier), client)
    fetch()
    document = {"issuer": issuer.identifier, "jwks_uri": issuer.identifier + "/new"}
    issuer.faults[METADATA] = lambda: (200, json.dumps(document).encode(), {})
    issuer.faults[PATH + "/new"] = lambda: (200, b"moved", {})
    assert fetch().document == b"moved"


@pytest.mark.parametrize(
    ("header", "lifetime"),
    [
        ("max-age=60", 60),
        ("public, max-age=120, must-revalidate", 120),
        ('max-age="30"', 30),
        ("MAX-AGE=5", 5),
        ("no-store", 0),
        ("no-cache, max-age=300", 0),
        ("public", None),
        ("", None),
        ("max-age=soon", None),
        ("max-age=-1", None),
        ("x-max-age=9", None),
        ("max-age=99999999999999999999", None),
    ],
)
def test_how_long_the_issuer_says_that_keys_may_be_kept(
    header: str, lifetime: float | None, issuer: LoopbackIssuer, client: IssuerClient
) -> None:
    issuer.cache_control = header
    assert KeyFetch(Issuer(issuer.identifier), client)().lifetime == lifetime


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("soon", 0), ("-1", 0), ("9999999", 0)])
def test_how_long_the_issuer_wants_to_be_left_alone(
    header: str, seconds: float, issuer: LoopbackIssuer, client: IssuerClient
) -> None:
    issuer.faults[KEYS] = lambda: (503, b"", {"Retry-After": header})
    with pytest.raises(FetchFault, match="503") as caught:
        KeyFetch(Issuer(issuer.identifier), client)()
    assert caught.value.retry_after == seconds


def test_the_fault_that_counts_is_not_the_missing_alternative(
    issuer: LoopbackIssuer, client: IssuerClient
) -> None:
    issuer.faults[METADATA] = lambda: (200, b"<html>", {})
    with pytest.raises(FetchFault, match="JSON"):
        KeyFetch(Issuer(issuer.identifier), client)()
    issuer.faults[METADATA] = lambda: (404, b"", {})
    with pytest.raises(FetchFault, match="404"):
        KeyFetch(Issuer(issuer.identifier), client)()


# --- what no answer can do ---


class RawServer:
    """Answers the first bytes of each connection with `write`."""

    def __init__(self, write: Callable[[socket.socket], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self._write = write
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65536)
                    self._write(connection)
                except OSError:
                    continue

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


HEAD = b"HTTP/1.1 200 OK\r\n"


def drip(connection: socket.socket) -> None:
    connection.sendall(HEAD)
    for number in range(600):
        connection.sendall(b"X-%d: y\r\n" % number)
        time.sleep(0.05)


def drip_body(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 5000\r\n\r\n")
    for _ in range(600):
        connection.sendall(b"x")
        time.sleep(0.05)


def endless(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")


HOSTILE: dict[str, Callable[[socket.socket], None]] = {
    "drips headers": drip,
    "drips a body": drip_body,
    "endless": endless,
    "says nothing": lambda connection: time.sleep(3),
    "hangs up": lambda connection: None,
    "no HTTP": lambda connection: connection.sendall(b"SSH-2.0-x\r\n"),
    "cut": lambda connection: connection.sendall(HEAD + b"Content-Length: 100\r\n\r\nabc"),
    "compressed": lambda c: c.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"),
    "too many headers": lambda c: c.sendall(HEAD + b"X: y\r\n" * 101 + b"Content-Length: 0\r\n\r\n"),
    "too large": lambda c: c.sendall(HEAD + b"Content-Length: 1001\r\n\r\n" + b"x" * 1001),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_no_answer_takes_more_than_its_share(case: str) -> None:
    server, client = RawServer(HOSTILE[case]), IssuerClient(time_limit=0.5)
    try:
        with pytest.raises(NoResponse) as caught:
            client(HttpRequest("GET", "", url=server.url), 1000)
        assert len(str(caught.value)) < 200
    finally:
        client.close()
        server.close()


def test_a_redirect_is_an_answer_and_is_not_followed(issuer: LoopbackIssuer, client: IssuerClient) -> None:
    issuer.faults["/a"] = lambda: (302, b"", {"Location": "/b"})
    assert client(HttpRequest("GET", "", url=issuer.origin + "/a"), 1000).status == 302
    assert issuer.seen == ["/a"]


@pytest.mark.parametrize(
    "url", ["http://example.com/", "http://10.0.0.1/", "ftp://127.0.0.1/", "file:///etc/passwd", ""]
)
def test_only_https_or_this_machine_is_asked(url: str, client: IssuerClient) -> None:
    with pytest.raises(NoResponse):
        client(HttpRequest("GET", "", url=url), 1000)


def test_a_closed_client_opens_again(issuer: LoopbackIssuer, client: IssuerClient) -> None:
    request: Any = HttpRequest("GET", "", url=issuer.identifier + "/jwks.json")
    assert client(request, 1000).status == 200
    client.close()
    assert client(request, 1000).status == 200
