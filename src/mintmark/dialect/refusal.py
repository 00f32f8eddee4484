"""A refusal in the dialect's shape: written by the server, read by the client.

Every answer is marked not to be stored; 401 carries a challenge (RFC 6749 §5.2, RFC 7235 §3.1); what a vendor says
is reduced to short printable text, because it ends in logs.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from mintmark.dialect.model import Dialect, VendorError
from mintmark.dialect.template import ABSENT, Captured, Mismatch, fill, match
from mintmark.values.errors import OAuthError
from mintmark.wire.http import Headers, HttpResponse, Malformed
from mintmark.wire.jsonobject import read_json, write_json

_JSON: Headers = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
)
#: RFC 6749 §5.2: error_description is printable ASCII without the double quote and the backslash.
_NOT_DESCRIPTION = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]+")
_LONGEST_TEXT = 200
_LONGEST_WAIT = 86400 * 31
#: What a status alone says, where the body holds no code.
_CODES = {401: "invalid_client", 403: "invalid_client", 429: "rate_limited", 503: "temporarily_unavailable"}
_STATUSES = {
    "invalid_client": 401,
    "rate_limited": 429,
    "quota_exceeded": 429,
    "temporarily_unavailable": 503,
}
_UNCHANGED = VendorError()


def write_error(dialect: Dialect, error: OAuthError, realm: str) -> HttpResponse:
    """The refusal. `realm`: the protection space of the challenge (RFC 7235 §2.2)."""
    shape = dialect.errors
    vendor = shape.codes.get(error.code, _UNCHANGED)
    status = vendor.status or shape.status or error.status
    code = error.code if vendor.code is None else vendor.code
    values = {
        "error": code,
        "error_description": _NOT_DESCRIPTION.sub("?", error.description) or None,
        "status": status,
    }
    headers = _JSON
    if status == 401:
        headers += ((b"www-authenticate", _challenge(dialect, realm)),)
    if error.status == 405:
        headers += ((b"allow", dialect.method.encode()),)
    if error.retry_after is not None:
        headers += ((b"retry-after", str(error.retry_after).encode()),)
    if shape.body is None:
        return HttpResponse(status, headers[1:])
    tree = fill(shape.body, values.get)
    return HttpResponse(status, headers, write_json({} if tree is ABSENT else tree))


def _challenge(dialect: Dialect, realm: str) -> bytes:
    quoted = re.sub(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]", "?", realm)
    charset = ', charset="UTF-8"' if dialect.challenge == "Basic" else ""
    return f'{dialect.challenge} realm="{quoted}"{charset}'.encode()


def read_error(dialect: Dialect, response: HttpResponse, received_at: int) -> OAuthError:
    """The canonical error of a vendor's refusal.

    `reason` is ``vendor_refused`` when the body held a code, else ``vendor_status``.
    """
    shape = dialect.errors
    found: Captured = {}
    if shape.body is not None and len(response.body) <= 1 << 20:
        try:
            match(shape.body, read_json(response.body, deepest=32), found, strict=False)
        except (Malformed, Mismatch):
            found = {}
    said, status = found.get("error"), response.status
    code = _canonical_code(dialect, said, status)
    return OAuthError(
        code,
        status if status >= 400 else _STATUSES.get(code, 400),
        _clean(found.get("error_description")) or f"The vendor answered with status {status}.",
        reason="vendor_status" if said is None else "vendor_refused",
        retry_after=_retry_after(response, received_at),
    )


def _canonical_code(dialect: Dialect, said: object, status: int) -> str:
    by_code = [
        (canonical, vendor)
        for canonical, vendor in dialect.errors.codes.items()
        if said is not None and vendor.code is not None and str(vendor.code) == str(said)
    ]
    by_code.sort(key=lambda pair: pair[1].status != status)
    if by_code:
        return by_code[0][0]
    if said is None:
        for canonical, vendor in dialect.errors.codes.items():
            if vendor.code is None and vendor.status == status:
                return canonical
    text = _clean(said).replace(" ", "_")[:64]
    return text or _CODES.get(status, "temporarily_unavailable" if status >= 500 else "invalid_request")


def _clean(said: object) -> str:
    text = str(said) if isinstance(said, str | int) and not isinstance(said, bool) else ""
    return _NOT_DESCRIPTION.sub("?", text)[:_LONGEST_TEXT].strip()


def _retry_after(response: HttpResponse, received_at: int) -> int | None:
    """Retry-After in whole seconds, given as seconds or as a date (RFC 9110 §10.2.3); None when it makes no sense."""
    values = response.values(b"retry-after")
    if len(values) != 1:
        return None
    text = values[0].decode("latin-1").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(int(text), _LONGEST_WAIT)
    try:
        wait = int(parsedate_to_datetime(text).timestamp()) - received_at
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(wait, 0), _LONGEST_WAIT)
