"""HTTP requests and responses as frozen values, shaped as ASGI hands them over so that nothing is copied.

Header names are lower-case bytes; values are bytes. The path is decoded text, the query is raw bytes.
`Malformed` is what every reader of this layer raises: one public sentence that never repeats the input.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Headers = tuple[tuple[bytes, bytes], ...]

#: Control characters and lone surrogates: no identifier, secret or token may hold one.
UNSAFE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Malformed(ValueError):
    """Bytes that are not what they should be. The text is one sentence for the sender (RFC 6749 §5.2 grammar)."""


class HttpRequest(NamedTuple):
    """`url`: only when the client writes a request: scheme, host and path; the server reads `path`."""

    method: str
    path: str
    query: bytes = b""
    headers: Headers = ()
    body: bytes = b""
    url: str = ""

    def values(self, name: bytes) -> list[bytes]:
        """Every value of the header `name` (lower-case), in order."""
        return [value for key, value in self.headers if key == name]

    def __repr__(self) -> str:
        return f"HttpRequest({self.method} {self.path}, {len(self.body)} bytes)"


class HttpResponse(NamedTuple):
    """Status, headers and body of an answer."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def values(self, name: bytes) -> list[bytes]:
        """Every value of the header `name` (lower-case), in order."""
        return [value for key, value in self.headers if key == name]

    def __repr__(self) -> str:
        return f"HttpResponse({self.status}, {len(self.body)} bytes)"


def media_type(value: bytes) -> str:
    """The lower-case media type of a Content-Type header (RFC 9110 §8.3.1).

    A ``charset`` may stand beside it if it is UTF-8 (browsers send one with URLSearchParams); any other
    parameter is ignored. Raises Malformed.
    """
    kind, _, rest = value.partition(b";")
    main, slash, sub = kind.strip().partition(b"/")
    if not slash or not _TOKEN.fullmatch(main) or not _TOKEN.fullmatch(sub):
        raise Malformed("The Content-Type header is malformed.")
    for parameter in rest.split(b";"):
        name, _, text = parameter.strip().partition(b"=")
        if name.lower() == b"charset" and text.strip(b'"').lower() not in (b"utf-8", b"utf8"):
            raise Malformed("The body must be encoded in UTF-8.")
    return f"{main.decode()}/{sub.decode()}".lower()


def read_cookies(values: list[bytes]) -> dict[str, str]:
    """Names and values of Cookie headers (RFC 6265 §4.2.1). Raises Malformed on a repeated name or odd bytes."""
    cookies: dict[str, str] = {}
    for value in values:
        for pair in value.split(b";"):
            name, equals, text = pair.strip().partition(b"=")
            if not equals:
                continue
            key = header_text(name)
            if key in cookies:
                raise Malformed("A cookie is repeated.")
            cookies[key] = header_text(text).strip('"')
    return cookies


def header_text(value: bytes) -> str:
    """A header value as text without control characters. Raises Malformed."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("A header is not valid UTF-8.") from None
    if UNSAFE.search(text) is not None:
        raise Malformed("A header holds control characters.")
    return text
