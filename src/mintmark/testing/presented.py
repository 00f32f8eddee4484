"""Where an API call carries its token, read by the dialect: the checking side of `dialect.presentation`."""

from __future__ import annotations

from mintmark.dialect.model import Dialect
from mintmark.dialect.template import Captured, Mismatch, Node, match
from mintmark.wire.form import read_form
from mintmark.wire.http import HttpRequest, Malformed, header_text, read_cookies


def presented(dialect: Dialect, call: HttpRequest) -> str | None:
    """The token of `call`, or None when it is not where the dialect says."""
    found: Captured = {}
    try:
        query = read_form(call.query) if dialect.present.query else {}
        cookies = read_cookies(call.values(b"cookie")) if dialect.present.cookies else {}
        for name, node in dialect.present.headers:
            _capture(node, call.values(name.lower().encode()), found)
        for held, members in ((query, dialect.present.query), (cookies, dialect.present.cookies)):
            for name, node in members:
                match(node, held.get(name), found, textual=True, strict=False)
    except (Malformed, Mismatch):
        return None
    token = found.get("access_token")
    return token if isinstance(token, str) else None


def _capture(node: Node, values: list[bytes], found: Captured) -> None:
    if len(values) != 1:
        raise Malformed("A header is missing or repeated.")
    match(node, header_text(values[0]), found, textual=True, strict=False)
