"""The token on calls of requests: put on when the request is prepared, replayed from a response hook.

requests takes `Authorization` away when a redirect leaves the host; headers of a vendor's own are taken away here,
before the redirect is followed.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from mintmark.client.token import Token
from mintmark.transport.auth_httpx import with_cookie
from mintmark.transport.bearing import Bearing
from mintmark.transport.masked import MaskedText


def prepare(bearing: Bearing, request: Any) -> Any:
    """Put the token on a ``PreparedRequest`` and watch for its response."""
    parts = urlsplit(request.url)
    bearing.demand((parts.scheme, parts.netloc), lambda: str(request.url))
    token = bearing.source.token()
    put(request, token)
    request.register_hook("response", _Hook(bearing, token))
    return request


class _Hook:
    """Watches one call, its redirects included."""

    def __init__(self, bearing: Bearing, token: Token) -> None:
        self._bearing = bearing
        self._token = token
        self._replayed = False

    def __call__(self, response: Any, **options: Any) -> Any:
        request = response.request
        if response.is_redirect:
            self._part(request, response)
            return response
        if self._replayed or not _bears(request, self._token):
            return response
        self._replayed = True

        def values(name: bytes) -> list[bytes]:
            text = response.headers.get(name.decode())
            return [] if text is None else [text.encode("latin-1", "replace")]

        if not self._bearing.refused(self._token, response.status_code, values) or not _can_repeat(request):
            return response
        other = self._bearing.replacement(self._token)
        if other is None:
            return response
        return self._replay(response, other, options)

    def _replay(self, response: Any, token: Token, options: dict[str, Any]) -> Any:
        from requests.cookies import extract_cookies_to_jar

        _ = response.content  # so that the connection can be used again
        response.close()
        put(response.request, token)  # a redirect of the new answer starts from the first request
        self._token = token
        again = response.request.copy()
        extract_cookies_to_jar(again._cookies, response.request, response.raw)
        answer = response.connection.send(again, **options)
        answer.history.append(response)
        answer.request = again
        if answer.is_redirect:
            self._part(response.request, answer)
        return answer

    def _part(self, request: Any, response: Any) -> None:
        """Before a redirect: the token stays behind when the target is no declared origin."""
        location = response.headers.get("location", "")
        if not self._bearing.admits_redirect(response.url, location):
            for name, _ in self._token.presentation.headers:
                request.headers.pop(name, None)


def put(request: Any, token: Token) -> None:
    """Add to `request` what the vendor's dialect says, in place of an older token."""
    shown = token.presentation
    for name, value in shown.headers:
        request.headers[name] = MaskedText(value)
    if shown.query:
        address, _, query = request.url.partition("?")
        names = {name for name, _ in shown.query}
        kept = "&".join(pair for pair in query.split("&") if pair and pair.partition("=")[0] not in names)
        request.prepare_url(f"{address}?{kept}" if kept else address, list(shown.query))
    for name, value in shown.cookies:
        request.headers["Cookie"] = MaskedText(with_cookie(request.headers.get("Cookie", ""), name, value))


def _bears(request: Any, token: Token) -> bool:
    return all(request.headers.get(name) == value for name, value in token.presentation.headers)


def _can_repeat(request: Any) -> bool:
    """Whether the body can be sent again; a file is rewound."""
    if request.body is None or isinstance(request.body, bytes | str):
        return True
    if not isinstance(request._body_position, int):
        return False
    from requests.exceptions import UnrewindableBodyError
    from requests.utils import rewind_body

    try:
        rewind_body(request)
    except UnrewindableBodyError:
        return False
    return True
