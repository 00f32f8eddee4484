"""The examples of a dialect, run both ways: each must be read as, and be written from, the values beside it.

One case list proves the four functions; `mintmark dialect check` and the tests run it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from mintmark.dialect.address import address
from mintmark.dialect.loader import load_dialect
from mintmark.dialect.model import RESPONSE_NAMES, Dialect, DialectFault, Example
from mintmark.dialect.request import read_request
from mintmark.dialect.response import read_response, write_response
from mintmark.dialect.writing import NO_FUNCTIONS, NamedFunction, write_request
from mintmark.values.errors import OAuthError
from mintmark.values.secret import Secret
from mintmark.values.token import TokenRequest, TokenResponse
from mintmark.wire.form import read_form
from mintmark.wire.http import Headers, HttpRequest, HttpResponse, media_type

_SECRETS = ("client_secret", "password", "signature")
_REQUEST_FIELDS = frozenset(TokenRequest._fields)


def request_of(dialect: Dialect, example: Example) -> TokenRequest:
    """The canonical request that an example stands for."""
    given = dict(example.request)
    known = {name: given.pop(name) for name in list(given) if name in _REQUEST_FIELDS - {"audience"}}
    audience = tuple(given.pop("audience", "").split()) + tuple(given.pop("resource", "").split())
    secrets = {name: Secret(known.pop(name)) for name in _SECRETS if name in known}
    return TokenRequest(dialect.grant_type, audience=audience, parameters=given, **secrets, **known)  # type: ignore[arg-type]


def response_of(dialect: Dialect, example: Example) -> TokenResponse:
    """The canonical answer that an example stands for."""
    given = example.response
    expires_at, scope = given.get("expires_at"), given.get("scope")
    return TokenResponse(
        Secret(str(given.get("access_token", ""))),
        str(given.get("token_type", dialect.response.token_type)),
        example.issued_at,
        expires_at if isinstance(expires_at, int) else None,
        None if scope is None else str(scope),
        {
            name: Secret(str(value)) if name in dialect.response.secrets else value
            for name, value in given.items()
            if name not in RESPONSE_NAMES
        },
    )


def http_request(text: str) -> HttpRequest:
    """A request as an example writes it: ``POST /path?query``, headers, an empty line, the body."""
    first, headers, body = _message(text)
    method, _, target = first.partition(" ")
    path, _, query = target.partition("?")
    return HttpRequest(method, path, query.encode(), headers, body)


def http_response(text: str) -> HttpResponse:
    """An answer as an example writes it: ``200``, headers, an empty line, the body."""
    first, headers, body = _message(text)
    return HttpResponse(int(first), headers, body)


def _message(text: str) -> tuple[str, Headers, bytes]:
    head, _, body = text.partition("\n\n")
    first, *lines = head.split("\n")
    pairs = [line.partition(":") for line in lines if line]
    return (
        first.strip(),
        tuple((n.strip().lower().encode(), v.strip().encode()) for n, _, v in pairs),
        body.encode(),
    )


def prove(dialect: Dialect) -> Iterator[tuple[int, str]]:
    """A (line, sentence) for each thing that an example and the functions disagree about."""
    for example in dialect.examples:
        try:
            for sentence in _prove(dialect, example):
                yield example.line, sentence
        except (OAuthError, ValueError, KeyError) as error:
            yield example.line, f"the example of the form '{example.form}' cannot be run: {error}"


def check_dialect(text: str, source: str) -> Dialect:
    """`load_dialect`, and its examples proved. Raises DialectFault, for an example at its line."""
    dialect = load_dialect(text, source)
    for line, sentence in prove(dialect):
        raise DialectFault(source, line, sentence)
    return dialect


def _prove(dialect: Dialect, example: Example) -> Iterator[str]:
    read, response = request_of(dialect, example), response_of(dialect, example)
    request = read._replace(
        parameters={k: v for k, v in read.parameters.items() if k not in dialect.functions}
    )
    sent, answered = http_request(example.sends), http_response(example.answers)
    functions = {f.call: _constant(example, name) for name, f in dialect.functions.items()}
    where = f"the example of the form '{example.form}'"
    path = address(dialect.url, {**example.variables, **example.request})[1]
    if sent.path != path:
        yield f"{where} is sent to another path than the address says"
    if read_request(dialect, sent) != read:
        yield f"{where} is not read as the values beside it"
    written = write_request(dialect, request, example.variables, functions or NO_FUNCTIONS, form=example.form)
    if _comparable(written.method, written.headers, written.query, written.body) != _comparable(
        sent.method, sent.headers, sent.query, sent.body
    ) or not _has(written.headers, sent.headers):
        yield f"{where} is not what the values beside it are written as"
    if read_response(dialect, answered, example.issued_at) != response:
        yield f"{where}: its answer is not read as the values beside it"
    made = write_response(dialect, response)
    if (made.status, _body(made.headers, made.body)) != (
        answered.status,
        _body(answered.headers, answered.body),
    ) or not _has(made.headers, answered.headers):
        yield f"{where}: its answer is not what the values beside it are written as"


def _constant(example: Example, name: str) -> NamedFunction:
    """A function's value is what the example says it made."""
    return lambda _: example.request.get(name, name)


def _comparable(method: str, headers: Headers, query: bytes, body: bytes) -> tuple[object, ...]:
    return method, read_form(query), _body(headers, body)


def _body(headers: Headers, body: bytes) -> object:
    """The body without what does not matter: white space of JSON, the spelling of percent escapes."""
    kinds = [media_type(value) for name, value in headers if name == b"content-type"]
    kind = kinds[0] if kinds else ""
    if kind == "application/x-www-form-urlencoded":
        return read_form(body, frozenset({"resource"}))
    return json.dumps(json.loads(body)) if kind == "application/json" and body else body


def _has(written: Headers, shown: Headers) -> bool:
    """Whether every header that is shown is written; the content type by its media type."""
    kinds = {media_type(value) for name, value in written if name == b"content-type"}
    return all(
        media_type(value) in kinds
        if name == b"content-type"
        else (name, value) in written or name in (b"accept", b"user-agent")
        for name, value in shown
    )
