"""One call by each HTTP library and world, so that a rule is tested in all of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp
import httpx
import httpx2
import requests

#: (auth object, method, address, body) -> (status of the last answer, its JSON)
Call = Callable[..., tuple[int, Any]]


def _httpx_sync(library: Any) -> Call:
    def call(auth: Any, method: str, url: str, body: Any = None) -> tuple[int, Any]:
        with library.Client(auth=auth, follow_redirects=True, verify=False, timeout=60) as client:
            answer = client.request(method, url, content=body)
            return answer.status_code, answer.json()

    return call


def _httpx_async(library: Any) -> Call:
    def call(auth: Any, method: str, url: str, body: Any = None) -> tuple[int, Any]:
        async def go() -> tuple[int, Any]:
            content = body
            if isinstance(body, Iterable) and not isinstance(body, bytes | str):

                async def stream() -> Any:
                    for part in body:
                        yield part

                content = stream()
            async with library.AsyncClient(
                auth=auth, follow_redirects=True, verify=False, timeout=60
            ) as client:
                answer = await client.request(method, url, content=content)
                return answer.status_code, answer.json()

        return asyncio.run(go())

    return call


def _requests(auth: Any, method: str, url: str, body: Any = None) -> tuple[int, Any]:
    with requests.Session() as session:
        session.auth = auth
        answer = session.request(method, url, data=body)
        return answer.status_code, answer.json()


def _aiohttp(auth: Any, method: str, url: str, body: Any = None) -> tuple[int, Any]:
    async def go() -> tuple[int, Any]:
        content = body
        if isinstance(body, Iterable) and not isinstance(body, bytes | str):

            async def stream() -> Any:
                for part in body:
                    yield part

            content = stream()
        async with (
            aiohttp.ClientSession(middlewares=(auth,)) as session,
            session.request(method, url, data=content) as answer,
        ):
            return answer.status, await answer.json()

    return asyncio.run(go())


LIBRARIES: dict[str, Call] = {
    "httpx2": _httpx_sync(httpx2),
    "httpx2 async": _httpx_async(httpx2),
    "httpx": _httpx_sync(httpx),
    "httpx async": _httpx_async(httpx),
    "requests": _requests,
    "aiohttp": _aiohttp,
}
