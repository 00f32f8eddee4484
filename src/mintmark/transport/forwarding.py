"""The forwarding proxy as an ASGI application: a request goes to the one API behind it, with the profile's token.

Bodies are streamed both ways and never held, but for small ones that are sent once more when the API refused the token.
Whatever goes wrong is an answer of 502 or 503: nothing is forwarded without a token, and none goes anywhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from mintmark.client.errors import NoToken
from mintmark.client.token import Token
from mintmark.transport.bearing import Bearing
from mintmark.transport.http_sender import proxy_for
from mintmark.transport.proxy_rules import Door, Header, Refusal, refusal, to_program, to_upstream, values
from mintmark.transport.source import Source
from mintmark.wire.origin import origin_of

if TYPE_CHECKING:
    import httpx2

logger = logging.getLogger("mintmark.proxy")
#: Bodies up to this size are kept until the answer is there.
REPLAYABLE = 64 * 1024
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class HungUp(Exception):
    """The program went away."""


class BrokeOff(Exception):
    """The API's answer broke off after its head was passed on: the connection is cut, so that it seems no whole one."""


class Forwarding:
    """`origin`: the API's, as `origin_of` writes it. `transport`: for tests; None: a pool of connections of its own."""

    def __init__(
        self, source: Source, origin: str, door: Door, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        import httpx2

        self._source = source
        self._bearing = Bearing(source, (origin,))
        self._origin = origin
        self._door = door
        self._host = httpx2.URL(origin).netloc
        self._transport = transport or httpx2.AsyncHTTPTransport(proxy=proxy_for(origin), retries=0)
        self._timeout = httpx2.Timeout(60.0, connect=10.0, read=300.0).as_dict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        refused = refusal(scope, self._door)
        if refused is not None:
            await _answer(send, refused)
            return
        import httpx2

        began = time.monotonic()
        status = 0
        try:
            answer = await self._forwarded(scope, receive)
        except NoToken as fault:
            wait = None if fault.retry_at is None else max(1, round(fault.retry_at - time.time()))
            await _answer(send, Refusal(503, "no_token", f"There is no token: {fault}.", wait))
        except httpx2.TimeoutException:
            await _answer(send, Refusal(504, "upstream_timeout", "The API did not answer in time."))
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
            await _answer(send, Refusal(502, "upstream_failed", "The API could not be reached."))
        except HungUp:
            return
        else:
            status = answer.status_code
            try:
                await _pass_on(answer, scope["method"], receive, send)
            finally:
                with contextlib.suppress(httpx2.HTTPError):
                    await answer.aclose()
        logger.info(
            "%s %s: %s in %.3f s", scope["method"], self._origin, status or "failed", time.monotonic() - began
        )

    async def _forwarded(self, scope: Scope, receive: Receive) -> httpx2.Response:
        """The API's answer, of which the head is there. Raises NoToken, httpx2.HTTPError, HungUp."""
        body = await _whole(scope, receive)
        token = await self._source.atoken()
        answer = await self._sent(scope, token, body if body is not None else _stream(receive))
        refused = self._bearing.refused(
            token, answer.status_code, lambda name: values(answer.headers.raw, name)
        )
        if not refused or body is None:
            return answer
        other = await self._bearing.areplacement(token)
        if other is None:
            return answer
        await answer.aclose()
        return await self._sent(scope, other, body)

    async def _sent(self, scope: Scope, token: Token, body: bytes | AsyncIterator[bytes]) -> httpx2.Response:
        import httpx2

        shown = token.presentation
        headers: list[Header] = scope["headers"]
        borne = [(name.encode(), value.encode()) for name, value in shown.headers]
        if shown.cookies:
            own = values(headers, b"cookie")
            borne.append((b"cookie", b"; ".join([*own, *(f"{n}={v}".encode() for n, v in shown.cookies)])))
            headers = [(name, value) for name, value in headers if name != b"cookie"]
        query = b"&".join(part for part in (scope["query_string"], urlencode(shown.query).encode()) if part)
        target = scope["raw_path"] + (b"?" + query if query else b"")
        url = httpx2.URL(self._origin).copy_with(raw_path=target)
        if origin_of(str(url)) != self._origin:
            raise ValueError("the address leads elsewhere")
        request = httpx2.Request(
            scope["method"],
            url,
            headers=to_upstream(headers, self._host, borne),
            content=body or None,
            extensions={"timeout": self._timeout, "target": target},
        )
        return await self._transport.handle_async_request(request)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._transport.aclose()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _whole(scope: Scope, receive: Receive) -> bytes | None:
    """The body when it is small and says so, else None: it is streamed. Raises HungUp."""
    lengths = values(scope["headers"], b"content-length")
    chunked = bool(values(scope["headers"], b"transfer-encoding"))
    if chunked or (lengths and int(lengths[0]) > REPLAYABLE):
        return None
    return b"".join([part async for part in _stream(receive)])


async def _stream(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        more = message.get("more_body", False)
        if message.get("body"):
            yield message["body"]


async def _pass_on(answer: httpx2.Response, method: str, receive: Receive, send: Send) -> None:
    """Stream the answer until it ends or the program hangs up. Raises BrokeOff."""
    await send(
        {
            "type": "http.response.start",
            "status": answer.status_code,
            "headers": to_program(answer.headers.raw),
        }
    )
    passing = asyncio.ensure_future(_copy(answer, method, send))
    leaving = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({passing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if passing.done():
            passing.result()
    finally:
        for task in (passing, leaving):
            task.cancel()
        await asyncio.gather(passing, leaving, return_exceptions=True)


async def _copy(answer: httpx2.Response, method: str, send: Send) -> None:
    import httpx2

    try:
        if method != "HEAD":
            async for part in answer.aiter_raw():
                await send({"type": "http.response.body", "body": part, "more_body": True})
    except httpx2.HTTPError:
        raise BrokeOff from None
    await send({"type": "http.response.body"})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send: Send, refused: Refusal) -> None:
    body = json.dumps({"error": refused.code, "error_description": refused.sentence}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    if refused.retry_after is not None:
        headers.append((b"retry-after", str(refused.retry_after).encode()))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
