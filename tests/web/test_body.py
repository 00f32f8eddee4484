"""Reading a request body: a cap in bytes, and no more or less than was announced."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from mintmark.web.body import LIMIT, BodyRefused, Disconnected, Receive, read_body


def chunks(*parts: bytes, ends: bool = True) -> Receive:
    messages = [
        {"type": "http.request", "body": part, "more_body": not (ends and index == len(parts) - 1)}
        for index, part in enumerate(parts)
    ]

    async def receive() -> MutableMapping[str, Any]:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    return receive


async def hangs_up() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}


def length(value: str) -> list[tuple[bytes, bytes]]:
    return [(b"content-length", value.encode())]


def read(headers: list[tuple[bytes, bytes]], receive: Receive) -> bytes:
    return asyncio.run(read_body(headers, receive))


def refused(headers: list[tuple[bytes, bytes]], receive: Receive) -> int:
    with pytest.raises(BodyRefused) as caught:
        read(headers, receive)
    assert caught.value.response.values(b"connection") == [b"close"]
    return caught.value.response.status


def test_joins_chunks() -> None:
    assert read([], chunks(b"a", b"b", b"c")) == b"abc"
    assert read(length("2"), chunks(b"ab")) == b"ab"


def test_takes_a_body_of_exactly_the_limit() -> None:
    assert len(read(length(str(LIMIT)), chunks(b"a" * LIMIT))) == LIMIT
    assert len(read([], chunks(b"a" * (LIMIT - 1), b"a"))) == LIMIT


def test_refuses_one_byte_more() -> None:
    assert refused(length(str(LIMIT + 1)), chunks()) == 413
    assert refused([], chunks(b"a" * LIMIT, b"a")) == 413
    assert refused([], chunks(b"a" * (LIMIT + 1))) == 413


def test_refuses_an_endless_chunked_body_without_waiting_for_its_end() -> None:
    assert refused([], chunks(b"a" * LIMIT, b"a", ends=False)) == 413


@pytest.mark.parametrize("value", ["-1", "+1", "1.5", "", "1, 1", "9" * 13, "\u0661"])
def test_refuses_a_malformed_content_length(value: str) -> None:
    assert refused([(b"content-length", value.encode())], chunks(b"a")) == 400


def test_refuses_two_content_lengths() -> None:
    assert refused(length("1") * 2, chunks(b"a")) == 400


def test_refuses_a_body_shorter_or_longer_than_announced() -> None:
    assert refused(length("3"), chunks(b"ab")) == 400
    assert refused(length("1"), chunks(b"ab")) == 400


def test_does_not_wait_for_a_body_that_was_announced_as_empty() -> None:
    assert read(length("0"), chunks(ends=False)) == b""


def test_says_when_the_caller_hung_up() -> None:
    with pytest.raises(Disconnected):
        read(length("5"), hangs_up)
