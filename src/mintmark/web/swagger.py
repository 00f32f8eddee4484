"""Swagger UI over the documents of this server: ``/docs/admin``, and ``/docs/e/TENANT/ENVIRONMENT`` for an environment.

Its files come from an installed package, unchanged; the page loads nothing from elsewhere and holds no script of its
own but the one that names the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from mintmark.authorization_server.administration.access import ADMIN_PATH
from mintmark.authorization_server.ports import EnvironmentView
from mintmark.web import answers
from mintmark.web.callers import Caller
from mintmark.wire.http import Headers, HttpRequest, HttpResponse

PATH = "/docs"
#: The package that has the files, and where in it they are.
PACKAGE, FOLDER = "fastapi_offline", "static"
_FILES = {
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "swagger-ui.css": b"text/css; charset=utf-8",
}
_START = b"""const place = document.querySelector("#swagger");
window.ui = SwaggerUIBundle({
  url: place.dataset.url,
  domNode: place,
  docExpansion: place.dataset.expansion,
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
  oauth2RedirectUrl: undefined,
});
"""
_ENVIRONMENT = re.compile(rf"{PATH}/e/([a-z0-9-]{{1,40}}/[a-z0-9-]{{1,40}})", re.ASCII)
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SAFE: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", _POLICY),
)


def is_installed() -> bool:
    """Whether the package that has the files is there."""
    return find_spec(PACKAGE) is not None


@cache
def _file(name: str) -> bytes:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise LookupError(f"the package {PACKAGE} is not installed")
    return (Path(spec.submodule_search_locations[0]) / FOLDER / name).read_bytes()


@dataclass(frozen=True, slots=True)
class Swagger:
    """Implements `app.Face`. `environment(id)`: what is in memory of an environment."""

    public_url: str
    environment: Callable[[str], EnvironmentView | None]

    async def respond(self, request: HttpRequest, caller: Caller, now: float) -> HttpResponse:
        """The page of a document, or one of the files."""
        del caller, now
        if request.method not in ("GET", "HEAD"):
            return answers.method_not_allowed(("GET", "HEAD"))
        path = request.path
        if path == PATH:
            return answers.see_other(f"{self.public_url}{PATH}/admin")
        if path == f"{PATH}/admin":
            return self._page("Admin API", f"{self.public_url}{ADMIN_PATH}/openapi.json", "none")
        found = _ENVIRONMENT.fullmatch(path)
        view = None if found is None else self.environment(found[1])
        if view is not None and view.environment.enabled and view.tenant.enabled:
            title = f"{view.tenant.name}, {view.environment.name}"
            return self._page(title, f"{view.environment.issuer}/openapi.json", "list")
        name = path.removeprefix(f"{PATH}/files/")
        if name == "start.js":
            return HttpResponse(200, ((b"content-type", _FILES["swagger-ui-bundle.js"]), *_SAFE), _START)
        if name in _FILES and path.startswith(f"{PATH}/files/"):
            kept = ((b"content-type", _FILES[name]), (b"cache-control", b"public, max-age=86400"))
            return HttpResponse(200, (*kept, *_SAFE), _file(name))
        return answers.not_found()

    def refuse(self, status: int, sentence: str, request_id: str) -> HttpResponse:
        """The answer to a request that could not be read."""
        del request_id
        return answers.refusal(status, "invalid_request", sentence)

    def _page(self, title: str, url: str, expansion: str) -> HttpResponse:
        """The document's URL as seen from where the page was loaded: this server has several names on loopback.

        `expansion`: ``list`` shows every operation at once, ``none`` the nouns alone: a browser takes many seconds to
        lay out the whole admin API.
        """
        base = urlsplit(self.public_url).path.rstrip("/")
        own = urlsplit(self.public_url)
        parts = urlsplit(url)
        shown = parts.path if (parts.scheme, parts.netloc) == (own.scheme, own.netloc) else url
        text = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<link rel="stylesheet" href="{base}{PATH}/files/swagger-ui.css"></head><body>'
            f'<main id="swagger" data-url="{escape(shown)}" data-expansion="{expansion}"></main>'
            f'<script src="{base}{PATH}/files/swagger-ui-bundle.js"></script>'
            f'<script type="module" src="{base}{PATH}/files/start.js"></script></body></html>'
        )
        headers = ((b"content-type", b"text/html; charset=utf-8"), *answers.NO_STORE, *_SAFE)
        return HttpResponse(200, headers, text.encode())
