"""The door of any WSGI application: a middleware. The caller stands in ``environ["mintmark.caller"]``.

WSGI servers join repeated headers with a comma (CGI, RFC 3875 §4.1.18); a joined Authorization header is no
Bearer header and is refused. Apache's mod_wsgi passes the header on only with ``WSGIPassAuthorization On``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from http.client import responses
from typing import TYPE_CHECKING, Any, Final

from mintmark.transport.guards.entrance import Entrance, Guard, with_length
from mintmark.values.errors import OAuthError
from mintmark.wire.http import HttpResponse

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

#: No HTTP header can set it: what a client sends has the prefix HTTP_.
CALLER: Final = "mintmark.caller"


def environ_headers(environ: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """The request's headers (PEP 3333: text that stands for Latin-1 bytes)."""
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield name[5:].replace("_", "-"), value.encode("latin-1", "replace")


class GuardMiddleware:
    """Lets calls through to `app` that carry a token with all of `scopes`, and calls of `open_paths`."""

    def __init__(
        self, app: WSGIApplication, guard: Guard, *scopes: str, open_paths: Iterable[str] = ()
    ) -> None:
        self._app = app
        self._entrance = Entrance(guard, scopes, tuple(open_paths))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """One WSGI request."""
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        document = self._entrance.document(environ["REQUEST_METHOD"], path)
        if document is not None:
            return _answer(environ, start_response, document)
        environ[CALLER] = None
        if not self._entrance.is_open(path):
            try:
                environ[CALLER] = self._entrance.verify(environ_headers(environ))
            except OAuthError as error:
                return _answer(environ, start_response, self._entrance.refusal(error))
        return self._app(environ, start_response)


def _answer(environ: WSGIEnvironment, start_response: StartResponse, answer: HttpResponse) -> Iterable[bytes]:
    status = f"{answer.status} {responses.get(answer.status, 'Refused')}"
    start_response(
        status, [(name.decode("ascii"), value.decode("latin-1")) for name, value in with_length(answer)]
    )
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]
