"""The console's style sheet, script and pictures, from the package; each URL bears the digest of its file."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from mintmark.web.answers import method_not_allowed, not_found
from mintmark.wire.http import HttpRequest, HttpResponse

_KINDS = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
}
NAMES = ("console.css", "console.js", "mark.svg")


@cache
def _file(name: str) -> tuple[bytes, str]:
    data = files("mintmark.web.console").joinpath("static", name).read_bytes()
    return data, hashlib.sha256(data).hexdigest()[:16]


def url(name: str) -> str:
    """Where a file stands below the public URL; another one when it changes."""
    return f"/console/static/{name}?v={_file(name)[1]}"


def answer(request: HttpRequest, name: str) -> HttpResponse:
    """The file, kept for a year by who asked for this very version of it."""
    if name not in NAMES:
        return not_found()
    if request.method not in ("GET", "HEAD"):
        return method_not_allowed(("GET", "HEAD"))
    data, digest = _file(name)
    asked = request.query == b"v=" + digest.encode()
    kept = b"public, max-age=31536000, immutable" if asked else b"no-cache"
    headers = (
        (b"content-type", _KINDS[name.rpartition(".")[2]]),
        (b"cache-control", kept),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'"),
    )
    return HttpResponse(200, headers, data)
