"""The answer to a token request: written by the server, read by the client, from the same record.

Writing is on the server's hot path and always adds the headers of RFC 6749 §5.1. Reading trusts nothing: size,
depth and characters are bounded, and what the record does not declare is not guessed.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import NamedTuple, cast

from mintmark.dialect.formats import LATEST
from mintmark.dialect.model import RESPONSE_NAMES, Dialect, Response, ResponseFault
from mintmark.dialect.refusal import read_error
from mintmark.dialect.template import ABSENT, Captured, Mismatch, Node, capture, fill, match
from mintmark.values.secret import Secret
from mintmark.values.token import TokenResponse
from mintmark.wire.http import UNSAFE, Headers, HttpResponse, Malformed, header_text
from mintmark.wire.jsonobject import read_json, write_json

LARGEST_ANSWER = 1 << 20
LONGEST_TOKEN = 65536
NO_STORE = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))
#: What a token does not share with the others of its grant, beside its text.
_OF_ONE_TOKEN = frozenset({"issued_at", "expires_at", "jti", "nbf"})
_GAP = "the-token-stands-here"
_QUOTED_GAP = f'"{_GAP}"'.encode("ascii")


class PreparedResponse(NamedTuple):
    """The answer to each request that is granted the same; its token stands between `head` and `tail`."""

    status: int
    headers: Headers
    head: bytes
    tail: bytes

    def with_token(self, token: Secret, more: Headers) -> HttpResponse:
        """The answer as `write_response` makes it, with `more` headers."""
        text = encode_basestring_ascii(token.reveal()).encode("ascii")
        return HttpResponse(self.status, self.headers + more, self.head + text + self.tail)


def prepare_response(dialect: Dialect, response: TokenResponse) -> PreparedResponse | None:
    """What `write_response` writes for each token that is like this one; None where more than its text is its own."""
    shape = dialect.response
    if shape.members is None or any(place and place.name in _OF_ONE_TOKEN for _, place, _ in shape.members):
        return None
    status, headers, body = write_response(dialect, response._replace(access_token=Secret(_GAP)))
    parts = body.split(_QUOTED_GAP)
    return _shared(PreparedResponse(status, headers, *parts)) if len(parts) == 2 else None


@lru_cache(maxsize=1024)
def _shared(prepared: PreparedResponse) -> PreparedResponse:
    """Most clients of an environment are answered alike, and one in memory does for all of them."""
    return prepared


def write_response(dialect: Dialect, response: TokenResponse) -> HttpResponse:
    """The success answer, in the order and spelling of the record. Raises ValueError when a value does not fit."""
    shape = dialect.response
    headers: Headers = ((b"content-type", shape.content_type), *NO_STORE)
    if shape.members is not None:
        return HttpResponse(shape.success.statuses[0], headers, _flat(shape, response))

    def values(name: str) -> object:
        return _value(shape, response, name)

    for name, node in shape.headers:
        text = fill(node, values, textual=True)
        if text is not ABSENT:
            headers += ((name.lower().encode(), _header(name, str(text))),)
    for name, node in shape.cookies:
        text = fill(node, values, textual=True)
        if text is not ABSENT:
            headers += ((b"set-cookie", _header(name, f"{name}={text}") + b"; Path=/; Secure; HttpOnly"),)
    body = b""
    if shape.body is not None:
        tree = fill(shape.body, values, textual=shape.encoding != "json")
        body = write_json({} if tree is ABSENT else tree) if shape.encoding == "json" else str(tree).encode()
    return HttpResponse(shape.success.statuses[0], headers, body)


def _header(name: str, text: str) -> bytes:
    if UNSAFE.search(text) is not None:
        raise ValueError(f"the header {name} would hold control characters")
    return text.encode("utf-8")


def _flat(shape: Response, response: TokenResponse) -> bytes:
    out = []
    for key, place, literal in shape.members or ():
        if place is None:
            out.append(literal)
            continue
        value = _value(shape, response, place.name)
        if value is None:
            continue
        value = place.format.write(value, False)
        if type(value) is str:
            out.append(key + encode_basestring_ascii(value))
        elif type(value) is int:
            out.append(f"{key}{value}")
        else:
            out.append(key + json.dumps(value))
    return ("{" + ",".join(out) + "}").encode("ascii")


def _value(shape: Response, response: TokenResponse, name: str) -> object:
    if name == "access_token":
        return response.access_token.reveal()
    if name == "token_type":
        bearer = response.token_type.lower() == "bearer"
        return shape.token_type if bearer and shape.token_type else response.token_type
    if name == "expires_in":
        return None if response.expires_at is None else response.expires_at - response.issued_at
    if name == "expires_at":
        return response.expires_at
    if name == "scope":
        return response.scope
    if name == "issued_at":
        return response.issued_at
    extra = response.extras.get(name)
    return extra.reveal() if isinstance(extra, Secret) else extra


def read_response(dialect: Dialect, response: HttpResponse, received_at: int) -> TokenResponse:
    """What the vendor answered; `received_at` is seconds since the epoch.

    Raises OAuthError when the vendor refused, ResponseFault when the answer makes no sense.
    """
    shape = dialect.response
    if len(response.body) > LARGEST_ANSWER:
        raise ResponseFault("the answer is larger than 1 MiB")
    if 300 <= response.status < 400:
        raise ResponseFault("the answer is a redirect; a token request is never sent to another place")
    if response.status not in shape.success.statuses:
        refusal = read_error(dialect, response, received_at)
        if response.status < 400 and refusal.reason != "vendor_refused":
            raise ResponseFault(
                f"the status {response.status} is neither success nor refusal in this dialect"
            )
        raise refusal
    found: Captured = {}
    try:
        body = _body(shape, response)
        if not _succeeded(shape, body):
            raise read_error(dialect, response, received_at)
        _capture_all(shape, response, body, found)
    except (Malformed, Mismatch) as error:
        raise ResponseFault(f"the answer cannot be read: {error}") from None
    token = found.get("access_token")
    if not isinstance(token, str):
        refusal = read_error(dialect, response, received_at)
        if refusal.reason == "vendor_refused" and (shape.success.pointer is None or shape.success.absent_ok):
            raise refusal
        raise ResponseFault("the answer holds no access token")
    if len(token) > LONGEST_TOKEN or not token.isascii() or " " in token:
        raise ResponseFault("the access token is too long or holds characters that no header carries")
    token_type = str(found.get("token_type", shape.token_type))
    if shape.token_type and token_type.lower() != shape.token_type.lower():
        raise ResponseFault("the token type is not the one that this dialect knows how to present")
    scope = found.get("scope")
    return TokenResponse(
        Secret(token),
        token_type,
        received_at,
        _expires_at(dialect, found, token, received_at),
        None if scope is None else str(scope),
        {
            name: Secret(str(value)) if name in shape.secrets else value
            for name, value in found.items()
            if name not in RESPONSE_NAMES
        },
    )


def _body(shape: Response, response: HttpResponse) -> object:
    if shape.encoding == "json":
        return read_json(response.body, deepest=32) if response.body else None
    try:
        return response.body.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("it is not valid UTF-8.") from None


def at(tree: object, pointer: tuple[str, ...]) -> object:
    """The value at a JSON Pointer (RFC 6901), or None."""
    for key in pointer:
        if isinstance(tree, dict):
            tree = tree.get(key)
        elif isinstance(tree, list) and key.isascii() and key.isdigit() and int(key) < len(tree):
            tree = tree[int(key)]
        else:
            return None
    return tree


def _succeeded(shape: Response, body: object) -> bool:
    success = shape.success
    if success.pointer is None:
        return True
    value = at(body, success.pointer)
    if value is None:
        return success.absent_ok
    return any(value == wanted and type(value) is type(wanted) for wanted in success.values)


def _capture_all(shape: Response, response: HttpResponse, body: object, found: Captured) -> None:
    if shape.body is not None and body is not None:
        text = body.strip() if isinstance(body, str) and shape.encoding != "json" else body
        match(shape.body, text, found, textual=shape.encoding != "json", strict=False)
    for name, node in shape.headers:
        _capture_header(node, response.values(name.lower().encode()), name, found)
    if shape.cookies:
        cookies = [
            header_text(value).partition(";")[0].partition("=") for value in response.values(b"set-cookie")
        ]
        for name, node in shape.cookies:
            values = [text.strip('"') for key, _, text in cookies if key.strip() == name]
            match(node, values[-1] if values else None, found, textual=True, strict=False)
    for pointer, place in shape.also:
        if place.name not in found:
            value = at(body, pointer)
            if value is not None and value != "":
                capture(place, value, found, False)


def _capture_header(node: Node, values: list[bytes], name: str, found: Captured) -> None:
    if len(values) > 1:
        raise Malformed(f"the header {name} is repeated.")
    if values:
        match(node, header_text(values[0].strip()), found, textual=True, strict=False)


def _expires_at(dialect: Dialect, found: Captured, token: str, received_at: int) -> int | None:
    """Relative before absolute, since it needs no common clock; then what the record says of a silent answer."""
    expiry, lifetime = dialect.response.expiry, dialect.limits.lifetime
    if expiry == "never":
        return None
    if "expires_in" in found:
        seconds = cast(int, found["expires_in"])
        if seconds <= 0:
            raise ResponseFault("the token has no lifetime: expires_in is not positive")
        return received_at + seconds
    if "expires_at" in found:
        return cast(int, found["expires_at"])
    if expiry == "jwt-exp":
        return _jwt_exp(token)
    return None if lifetime is None else received_at + lifetime


def _jwt_exp(token: str) -> int:
    """The `exp` claim, unverified: only to know when to ask again (RFC 7519 §4.1.4)."""
    parts = token.split(".")
    try:
        claims = read_json(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        moment = claims["exp"] if isinstance(claims, dict) else None
    except (ValueError, IndexError, KeyError):
        moment = None
    if not isinstance(moment, int | float) or isinstance(moment, bool) or not 0 < moment <= LATEST:
        raise ResponseFault("the access token is no JWT that says when it expires")
    return int(moment)
