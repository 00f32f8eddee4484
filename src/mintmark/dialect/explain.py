"""A dialect in words and bytes, for people: what to send, what comes back, how the token is carried.

The messages are made by the writing functions themselves, with placeholders for values, so they cannot be out of date.
"""

from __future__ import annotations

from collections.abc import Iterator

from mintmark.dialect.address import variables_of
from mintmark.dialect.model import RESPONSE_NAMES, Dialect, Form, Parameter
from mintmark.dialect.presentation import present
from mintmark.dialect.refusal import write_error
from mintmark.dialect.response import write_response
from mintmark.dialect.template import Node, Place, Text, places
from mintmark.dialect.writing import NamedFunction, write_request
from mintmark.values.errors import invalid_client
from mintmark.values.secret import Secret
from mintmark.values.token import TokenRequest, TokenResponse
from mintmark.wire.http import Headers

_ISSUED = 1767225600  # 2026-01-01
_GRANTS = {
    "client_credentials": "a client authenticates itself",
    "user_login": "a user logs in",
    "signed_subject": "a customer id, signed by the vendor's customer",
}


def explain(dialect: Dialect) -> str:
    """Several lines of text, ending in a newline. No value in it is anybody's."""
    return "\n".join(_lines(dialect)) + "\n"


def _lines(dialect: Dialect) -> Iterator[str]:
    yield f"{dialect.name}: {dialect.title}"
    if dialect.documentation:
        yield f"  documentation  {dialect.documentation}"
    if dialect.page:
        yield f"  page           {dialect.page}"
    yield f"  grant          {dialect.grant_type} ({_GRANTS[dialect.grant_type]})"
    yield f"  mounted at     {dialect.path}"
    yield f"  browsers       {'may be let in (CORS)' if dialect.admits_cors else 'never (it takes a client secret)'}"
    for parameter in _named(dialect):
        yield f"  {parameter.name:<14} {_about(parameter)}"
    for form in dialect.forms:
        yield ""
        yield f"Request, form '{form.name}'{' (the one that clients write)' if form is dialect.forms[0] else ''}:"
        request = write_request(
            dialect, _request(dialect, form), _variables(dialect), _functions(dialect), form=form.name
        )
        query = f"?{request.query.decode()}" if request.query else ""
        yield from _message(f"{request.method} {request.path}{query}", request.headers, request.body)
    response = _response(dialect)
    answer = write_response(dialect, response)
    yield ""
    yield "Answer:"
    yield from _message(str(answer.status), answer.headers, answer.body)
    refusal = write_error(dialect, invalid_client(reason="example"), "example")
    yield ""
    yield "Refusal:"
    yield from _message(str(refusal.status), refusal.headers, refusal.body)
    yield ""
    yield "An API call carries the token as:"
    shown = present(dialect, response, {name: _placeholder(name) for name in dialect.parameters})
    for name, value in shown.headers:
        yield f"  {name}: {value}"
    for kind, pairs in (("query", shown.query), ("cookie", shown.cookies)):
        for name, value in pairs:
            yield f"  {kind} {name}={value}"


def _placeholder(name: str) -> str:
    return f"YOUR_{name.upper()}"


def _named(dialect: Dialect) -> list[Parameter]:
    names = frozenset().union(*(form.names for form in dialect.forms))
    return [parameter for name, parameter in sorted(dialect.parameters.items()) if name in names]


def _about(parameter: Parameter) -> str:
    words = ["required" if parameter.required else "optional"]
    if parameter.only is not None:
        words.append(f"always '{parameter.only}'")
    if parameter.secret:
        words.append("secret")
    if parameter.repeat:
        words.append("may be repeated")
    return ", ".join(words)


def _variables(dialect: Dialect) -> dict[str, str]:
    values = {name: name.replace("_", "-") for name in variables_of(dialect.url)}
    if isinstance(dialect.url, Place):
        values[dialect.url.name] = f"https://vendor.example{dialect.path}"
    elif isinstance(dialect.url, Text) and isinstance(dialect.url.parts[0], Place):
        values[dialect.url.parts[0].name] = "https://vendor.example"
    return values


def _functions(dialect: Dialect) -> dict[str, NamedFunction]:
    def standing_for(call: str) -> NamedFunction:
        return lambda _: f"MADE_BY_{call.upper()}"

    return {function.call: standing_for(function.call) for function in dialect.functions.values()}


def _request(dialect: Dialect, form: Form) -> TokenRequest:
    formats = {place.name: place.format.name for place in _places(form)}

    def text(name: str) -> str | None:
        if name not in form.names:
            return None
        only = dialect.parameters[name].only
        return only or ("1" if formats.get(name) == "integer" else _placeholder(name))

    def secret(name: str) -> Secret | None:
        value = text(name)
        return None if value is None else Secret(value)

    target = "audience" if "audience" in form.names else "resource"
    audience = text(target)
    return TokenRequest(
        dialect.grant_type,
        text("client_id"),
        secret("client_secret"),
        text("username"),
        secret("password"),
        text("subject"),
        secret("signature"),
        text("scope"),
        () if audience is None else (audience,),
        None,
        {name: str(text(name)) for name in form.further if name in dialect.parameters},
    )


def _places(form: Form) -> Iterator[Place]:
    nodes: list[Node] = [node for members in (form.query, form.headers, form.cookies) for _, node in members]
    if form.body is not None:
        nodes.append(form.body)
    for node in nodes:
        yield from places(node)


def _response(dialect: Dialect) -> TokenResponse:
    shape = dialect.response
    extras: dict[str, object] = {
        name: _placeholder(name) for name in shape.extras if name not in RESPONSE_NAMES
    }
    lifetime = dialect.limits.lifetime or 3600
    integral = shape.body is not None and any(
        place.name == "scope" and place.format.name == "integer" for place in places(shape.body)
    )
    scope = "1" if integral else "YOUR_SCOPE"
    return TokenResponse(Secret("ACCESS_TOKEN"), shape.token_type, _ISSUED, _ISSUED + lifetime, scope, extras)


def _message(first: str, headers: Headers, body: bytes) -> Iterator[str]:
    yield f"  {first}"
    for name, value in headers:
        yield f"  {name.decode().title().replace('Www', 'WWW')}: {value.decode()}"
    if body:
        yield ""
        for line in body.decode().splitlines():
            yield f"  {line}"
