"""The token on calls of aiohttp, as a client middleware.

aiohttp runs a middleware again for each hop of a redirect, with headers of its own: each hop is judged by itself, and
one that leads to another origin goes on without the token.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from mintmark.client.token import Token
from mintmark.transport.auth_httpx import with_cookie
from mintmark.transport.bearing import Bearing
from mintmark.transport.masked import MaskedText

logger = logging.getLogger("mintmark.client")


async def respond(bearing: Bearing, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
    """The answer to the call, replayed once where that is worth it."""
    if not bearing.admits(str(request.url.with_query(None))):
        logger.warning(
            "%s: a call to another origin went without the token: name it in source.auth(...)",
            bearing.source.dialect,
        )
        return await handler(request)
    token = await bearing.source.atoken()
    put(request, token)
    response = await handler(request)

    def values(name: bytes) -> list[bytes]:
        return [text.encode("latin-1", "replace") for text in response.headers.getall(name.decode(), [])]

    if not bearing.refused(token, response.status, values) or not _can_repeat(request):
        return response
    other = await bearing.areplacement(token)
    if other is None:
        return response
    response.release()
    put(request, other)
    return await handler(request)


def put(request: Any, token: Token) -> None:
    """Add to `request` what the vendor's dialect says, in place of an older token."""
    shown = token.presentation
    for name, value in shown.headers:
        request.headers[name] = MaskedText(value)
    if shown.query:
        request.url = request.url.update_query(dict(shown.query))
    for name, value in shown.cookies:
        request.headers["Cookie"] = MaskedText(with_cookie(request.headers.get("Cookie", ""), name, value))


def _can_repeat(request: Any) -> bool:
    from aiohttp import BytesPayload

    return isinstance(request.body, bytes | BytesPayload)
