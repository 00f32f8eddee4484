"""The answers that are not a dialect's: JSON with an error code and one sentence, or a document.

Every one of them forbids caching unless it says otherwise; none repeats what the caller sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from mintmark.wire.http import Headers, HttpResponse

JSON: Headers = ((b"content-type", b"application/json"),)
NO_STORE: Headers = ((b"cache-control", b"no-store"),)


def json_answer(status: int, value: object, headers: Headers = NO_STORE) -> HttpResponse:
    """`value` as a JSON document."""
    return HttpResponse(status, JSON + headers, json.dumps(value, ensure_ascii=False).encode())


def refusal(status: int, error: str, sentence: str, headers: Headers = ()) -> HttpResponse:
    """An error in the shape of RFC 6749 §5.2."""
    return json_answer(status, {"error": error, "error_description": sentence}, NO_STORE + headers)


def not_found() -> HttpResponse:
    """404."""
    return refusal(404, "not_found", "Nothing stands at this path.")


def method_not_allowed(allowed: Iterable[str]) -> HttpResponse:
    """405 with Allow (RFC 9110 §15.5.6)."""
    methods = ", ".join(allowed)
    return refusal(
        405, "method_not_allowed", f"This path takes {methods} only.", ((b"allow", methods.encode("ascii")),)
    )


def misdirected() -> HttpResponse:
    """421: the Host header names no host of this server (RFC 9110 §15.5.20)."""
    return refusal(421, "misdirected_request", "This host name is not served here.")


def see_other(url: str) -> HttpResponse:
    """303: it is found at `url`."""
    return HttpResponse(303, ((b"location", url.encode("ascii")), *NO_STORE))


def html(status: int, text: str) -> HttpResponse:
    """A page of ours: no script, no frame, nothing loaded from elsewhere."""
    headers: Headers = (
        (b"content-type", b"text/html; charset=utf-8"),
        (
            b"content-security-policy",
            b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        *NO_STORE,
    )
    return HttpResponse(status, headers, text.encode())
