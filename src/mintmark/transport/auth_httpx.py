"""The token on calls of httpx2 and httpx, which share one shape: a generator yields the request and gets the response.

A redirect to another host is built by the library from the request's headers; the library takes `Authorization` away,
and headers of a vendor's own are kept out of what it copies.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from functools import cache
from typing import TYPE_CHECKING, Any

from mintmark.client.token import Token
from mintmark.transport.bearing import Bearing
from mintmark.transport.masked import MaskedText

if TYPE_CHECKING:
    import httpx2


class HttpxFlow:
    """The two flows; `bearing` is set by the class that joins this to a library."""

    bearing: Bearing

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """The call, and one replay where it is worth it."""
        bearing = self.bearing
        _demand(bearing, request)
        token = bearing.source.token()
        put(request, token)
        response = yield request
        if _refused(bearing, token, request, response):
            other = bearing.replacement(token)
            if other is not None:
                put(request, other)
                yield request

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """`sync_auth_flow`, for asyncio."""
        bearing = self.bearing
        _demand(bearing, request)
        token = await bearing.source.atoken()
        put(request, token)
        response = yield request
        if _refused(bearing, token, request, response):
            other = await bearing.areplacement(token)
            if other is not None:
                put(request, other)
                yield request


def _demand(bearing: Bearing, request: httpx2.Request) -> None:
    url = request.url
    bearing.demand((url.scheme, url.host, url.port), lambda: str(url.copy_with(query=None)))


def _refused(bearing: Bearing, token: Token, request: httpx2.Request, response: httpx2.Response) -> bool:
    """Whether to replay: the refused call bore the token to the end, and its body can be sent again."""
    if response.status_code not in bearing.source.token_dead:
        return False
    borne = response.request.headers
    if any(borne.get(name) != value for name, value in token.presentation.headers):
        return False  # a redirect left the token behind

    def values(name: bytes) -> list[bytes]:
        return [value for key, value in response.headers.raw if key.lower() == name]

    return bearing.refused(token, response.status_code, values) and _can_repeat(request)


def _can_repeat(request: httpx2.Request) -> bool:
    """Whether the body was given as a whole; a stream is used up by now."""
    try:
        _ = request.content
    except RuntimeError:
        return False
    return True


def put(request: httpx2.Request, token: Token) -> None:
    """Add to `request` what the vendor's dialect says, in place of an older token."""
    shown = token.presentation
    own: list[tuple[str, str]] = []
    for name, value in shown.headers:
        if name.lower() == "authorization":
            request.headers[name] = MaskedText(value)
        else:
            own.append((name, value))
    if own:
        request.headers = _uncopied(_library_headers(request))(request.headers, own)
    for name, value in shown.query:
        request.url = request.url.copy_set_param(name, value)
    for name, value in shown.cookies:
        request.headers["Cookie"] = MaskedText(with_cookie(request.headers.get("Cookie", ""), name, value))


def with_cookie(header: str, name: str, value: str) -> str:
    """A Cookie header with one cookie added or replaced."""
    others = [pair for pair in header.split("; ") if pair and pair.partition("=")[0] != name]
    return "; ".join([*others, f"{name}={value}"])


def _library_headers(request: httpx2.Request) -> Any:
    """The library's own class of headers, under whatever we put before."""
    kind: Any = type(request.headers)
    return getattr(kind, "plain", kind)


@cache
def _uncopied(kind: type[Any]) -> type[Any]:
    """Headers of the library `kind` with further members that are read and sent, but not copied."""

    class Uncopied(kind):  # type: ignore[misc]
        """A redirect starts from a copy, and so without the further members."""

        plain = kind

        def __init__(self, headers: Any, further: list[tuple[str, str]]) -> None:
            super().__init__(headers)
            self._further: list[tuple[bytes, bytes]] = []
            for name, _ in further:
                self.pop(name, None)
            self._further = [(name.encode("ascii"), MaskedText(value).encode()) for name, value in further]

        @property
        def raw(self) -> list[tuple[bytes, bytes]]:
            return [*super().raw, *self._further]

        def multi_items(self) -> list[tuple[str, str]]:
            added = [(name.decode().lower(), MaskedText(value.decode())) for name, value in self._further]
            return [*super().multi_items(), *added]

        def __getitem__(self, key: str) -> str:
            for name, value in self._further:
                if name.decode().lower() == key.lower():
                    return MaskedText(value.decode())
            return str(super().__getitem__(key))

        def __contains__(self, key: object) -> bool:
            own = {name.decode().lower() for name, _ in self._further}
            return str(key).lower() in own or bool(super().__contains__(key))

    return Uncopied
