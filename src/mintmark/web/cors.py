"""Cross-origin calls from a browser (the Fetch standard, "CORS protocol"): which mount answers them, and how.

Only a mount whose dialect takes no client secret answers, and only to the web origins that its environment
names; no credentials mode, no wildcard. Every other mount is silent, so that no page can read its answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from mintmark.wire.http import Headers, HttpResponse

_EXPOSED = b"X-Request-Id, Retry-After, RateLimit, RateLimit-Policy"
VARY: Headers = ((b"vary", b"Origin"),)


def cors_headers(origins: Sequence[str], origin: str) -> Headers:
    """What the answer to a call from `origin` ("" = not from a browser) says about being read there."""
    if origin not in origins:
        return VARY
    return (
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", _EXPOSED),
        *VARY,
    )


def preflight(origins: Sequence[str], origin: str, methods: str = "POST") -> HttpResponse:
    """The answer to OPTIONS: to any other origin it grants nothing, and the browser makes no call."""
    if origin not in origins:
        return HttpResponse(204, VARY)
    return HttpResponse(
        204,
        (
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-methods", methods.encode("ascii")),
            (b"access-control-allow-headers", b"Content-Type, Authorization"),
            (b"access-control-max-age", b"600"),
            *VARY,
        ),
    )
