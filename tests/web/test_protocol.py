"""The connection below the application: heads that are malformed, too large, too slow; keep-alive and pipelining."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from mintmark.web import protocol
from mintmark.web.exchange import written
from mintmark.web.protocol import HEAD_LIMIT, Http11
from mintmark.wire.http import HttpResponse
from tests.web.world import HOST, World

TOKEN = "/t/omneo/production/api/v3/auth/token"
POST = f"POST {TOKEN} HTTP/1.1\r\nHost: {HOST}\r\n".encode()
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def served(talk: Talk, world: World | None = None) -> World:
    """Have `talk` speak to a real listener."""
    world = world or World()

    config = uvicorn.Config(
        world.app,  # type: ignore[arg-type]
        http=Http11,
        lifespan="off",
        ws="none",
        interface="asgi3",
        proxy_headers=False,
        log_config=None,
        server_header=False,
    )

    async def run() -> None:
        config.load()
        server = uvicorn.Server(config)
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(
            lambda: Http11(config=config, server_state=server.server_state, app_state={}, _loop=loop),
            "127.0.0.1",
            0,
        )
        reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
        try:
            async with asyncio.timeout(20):
                await talk(reader, writer)
        finally:
            writer.close()
            listener.close()
            for connection in list(server.server_state.connections):
                connection.transport.close()  # type: ignore[union-attr]
            await asyncio.sleep(0)

    asyncio.run(run())
    return world


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """One response: status, headers, body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
    return int(head[0].split()[1]), headers, await reader.readexactly(int(headers.get("content-length", "0")))


def refused(sent: bytes) -> tuple[int, dict[str, str], Any]:
    """What comes back for `sent`, after which the connection is closed."""
    got: list[tuple[int, dict[str, str], bytes]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        got.append(await answer(reader))
        assert await reader.read() == b""

    world = served(talk)
    assert world.endpoint.asked == []
    status, headers, body = got[0]
    assert len(headers["x-request-id"]) == 26
    return status, headers, json.loads(body)


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabcd",
        POST + b"Content-Length: x\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        POST + b"Bad Header: x\r\n\r\n",
        b"POST " + b"\xff" * 8 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_not_well_formed_is_refused_in_our_own_form(sent: bytes) -> None:
    status, headers, body = refused(sent)
    assert (status, body["error"], headers["connection"]) == (400, "invalid_request", "close")


def test_an_endless_head_is_refused_at_its_limit() -> None:
    got: list[tuple[int, dict[str, str], bytes]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answered = asyncio.ensure_future(answer(reader))
        writer.write(POST + b"X: ")
        while not answered.done():
            writer.write(b"a" * 4096)
            await asyncio.sleep(0)
        got.append(await answered)

    world = served(talk)
    assert world.endpoint.asked == []
    assert got[0][0] == 431


def test_many_pipelined_requests_in_one_packet_are_no_large_head() -> None:
    one = POST + b"Content-Length: 3\r\n\r\na=b"
    count = HEAD_LIMIT // len(one) + 50

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(one * count + POST)
        for _ in range(count):
            assert (await answer(reader))[0] == 200
        writer.write(b"\r\n")
        assert (await answer(reader))[0] == 200

    served(talk)


def test_a_large_head_is_refused_even_when_it_comes_at_once() -> None:
    status, _, _ = refused(POST + b"X: " + b"a" * HEAD_LIMIT + b"\r\n\r\n")
    assert status in (400, 431)


def test_a_head_that_does_not_end_in_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.05)
    assert refused(POST)[0] == 408


@pytest.mark.parametrize(
    "head", [b"Content-Length: 5\r\n\r\na", b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n"]
)
def test_a_body_that_does_not_end_in_time_is_refused(monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.05)
    assert refused(POST + head)[0] == 408


def test_a_connection_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.05)
    assert refused(b"")[0] == 408


def test_a_connection_serves_many_requests_whole_chunked_and_pipelined() -> None:
    whole = POST + b"Content-Length: 3\r\n\r\na=b"
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\na=\r\n1\r\nb\r\n0\r\n\r\n"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for sent in (whole, chunked, whole[:50], whole[50:] + chunked + whole):
            writer.write(sent)
            if sent != whole[:50]:
                for _ in range(3 if len(sent) > len(whole) + len(chunked) else 1):
                    assert (await answer(reader))[0] == 200

    world = served(talk)
    assert [asked[0].body for asked in world.endpoint.asked] == [b"a=b"] * 5


def test_a_head_may_take_several_packets(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for at in range(0, len(POST), 7):
            writer.write(POST[at : at + 7])
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(b"\r\n")
        assert (await answer(reader))[0] == 200

    served(talk)


def test_an_answer_without_the_body_closes_the_connection() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(POST + b"Content-Length: 99999\r\n\r\n")
        status, headers, _ = await answer(reader)
        assert (status, headers["connection"]) == (413, "close")
        assert await reader.read() == b""

    served(talk)


def test_the_absolute_form_of_a_target_names_the_host() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for named, header, status in (("evil.example", HOST, 421), (HOST, "evil.example", 200)):
            writer.write(f"POST http://{named}{TOKEN} HTTP/1.1\r\nHost: {header}\r\n\r\n".encode())
            assert (await answer(reader))[0] == status

    served(talk)


@pytest.mark.parametrize("line", ["POST /t HTTP/2.0", "POST /t HTTP/0.9", f"POST {TOKEN}#fragment HTTP/1.1"])
def test_other_versions_and_fragments_are_refused(line: str) -> None:
    assert refused(f"{line}\r\nHost: {HOST}\r\n\r\n".encode())[0] == 400


def test_a_field_behind_the_body_is_no_header() -> None:
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\nAuthorization: Basic eDp5\r\n\r\n"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(chunked)
        assert (await answer(reader))[0] == 200

    world = served(talk)
    assert b"authorization" not in dict(world.endpoint.asked[0][0].headers)


def test_a_fault_behind_a_good_request_comes_after_its_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(POST + b"Content-Length: 3\r\n\r\na=b" + b"GARBAGE\r\n\r\n")
        assert (await answer(reader))[0] == 200
        assert await reader.read() == b""

    world = served(talk)
    assert len(world.endpoint.asked) == 1


def test_who_expects_it_is_told_to_continue() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(b"a=b")
        assert (await answer(reader))[0] == 200

    served(talk)


def test_a_request_to_upgrade_is_answered_and_that_is_all() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(POST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert (await answer(reader))[0] == 200
        assert await reader.read() == b""

    served(talk)


def test_an_endless_chunked_body_is_refused_at_its_limit() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answered = asyncio.ensure_future(answer(reader))
        writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        while not answered.done():
            writer.write(b"1000\r\n" + b"a" * 4096 + b"\r\n")
            await asyncio.sleep(0)
        assert (await answered)[0] == 413

    served(talk)


def test_a_head_request_is_answered_without_a_body() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HEAD /nowhere HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode() + POST + b"\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 404 ")
        assert b"content-length: 0" not in head
        assert (await answer(reader))[0] == 200

    served(talk)


def test_http_1_0_ends_with_its_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(POST.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Content-Length: 3\r\n\r\na=b")
        assert (await answer(reader))[1]["connection"] == "close"
        assert await reader.read() == b""

    served(talk)


def test_a_header_of_an_answer_never_holds_a_line_break() -> None:
    with pytest.raises(RuntimeError, match="line break"):
        written(HttpResponse(200, ((b"x", b"a\r\nset-cookie: b"),)), head=False, keep_alive=True)
    with pytest.raises(RuntimeError, match="line break"):
        written(HttpResponse(200, ((b"x", b"a\nb"),)), head=False, keep_alive=True)
