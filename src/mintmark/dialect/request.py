"""Reading a token request by its dialect: the server's first step, and its hottest.

The form is picked by content type and by the presence of an Authorization header alone; then only declared places
are read. Whatever is repeated, malformed, or a credential where none belongs, is `invalid_request`; no sentence
repeats what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from mintmark.dialect.model import Basic, Dialect, Form
from mintmark.dialect.template import Captured, Mismatch, Node, match, match_member, placed, places
from mintmark.dialect.template import Table as TableNode
from mintmark.values.errors import (
    OAuthError,
    invalid_client,
    invalid_request,
    invalid_scope,
    unsupported_grant_type,
)
from mintmark.values.secret import Secret
from mintmark.values.token import NOTHING, TokenRequest
from mintmark.wire.basic import decoded, read_basic
from mintmark.wire.form import read_form
from mintmark.wire.http import HttpRequest, Malformed, header_text, media_type, read_cookies
from mintmark.wire.jsonobject import read_object

LARGEST_BODY = 16384
LONGEST_QUERY = 8192
#: How the usual clients spell it; anything else is parsed.
_USUAL = {
    b"application/x-www-form-urlencoded": "application/x-www-form-urlencoded",
    b"application/json": "application/json",
}


def read_request(dialect: Dialect, request: HttpRequest) -> TokenRequest:
    """The canonical values of `request`. Raises OAuthError: `invalid_request`, `unsupported_grant_type`,
    `invalid_scope` (not the one scope that is allowed) or `invalid_client` (no usable credentials)."""
    try:
        return _read(dialect, request)
    except Malformed as error:
        raise invalid_request(str(error)) from None


def _read(dialect: Dialect, request: HttpRequest) -> TokenRequest:
    body = request.body
    if request.method != dialect.method:
        raise OAuthError(
            "invalid_request", 405, f"This endpoint takes {dialect.method} only.", reason="wrong_method"
        )
    if len(body) > LARGEST_BODY or len(request.query) > LONGEST_QUERY:
        raise OAuthError("invalid_request", 413, "The request is too large.", reason="too_large")
    content_type, authorization = _two_headers(request)
    form = _choose(dialect, content_type, body, authorization is not None)
    if authorization is not None and not form.uses_authorization:
        raise Malformed("Credentials belong elsewhere on this endpoint; remove the Authorization header.")

    try:
        return _read_form(dialect, form, request, authorization)
    except Mismatch as error:
        # Its sentence begins with a canonical name; who wrote the request knows the name that stands on the wire.
        name, space, rest = str(error).partition(" ")
        raise invalid_request(f"{_wire_name(form, name)}{space}{rest}") from None


def _read_form(
    dialect: Dialect, form: Form, request: HttpRequest, authorization: bytes | None
) -> TokenRequest:
    body = request.body
    found: Captured = {}
    if form.query or request.query:
        _read_query(form, request.query, found)
    if form.plain is not None:
        given = read_form(body, form.repeatable)
        if not form.stray_body.isdisjoint(given):
            _refuse_strays(form, given, "body", authorized=authorization is not None)
        fields: Mapping[str, object] = given
        for wire, canonical in form.plain:
            text = given.get(wire)
            if text:
                if canonical in found and found[canonical] != text:
                    raise Malformed(f"{wire} stands in two places with two values.")
                found[canonical] = text
    elif form.body is not None:
        fields = _read_body(form, body, found, authorized=authorization is not None)
    else:
        if body:
            raise Malformed("This endpoint takes no body.")
        fields = NOTHING
    other_reading = None
    if form.headers or form.cookies:
        _read_headers(form, request, found)
    if form.basic is not None:
        other_reading = _read_basic(form.basic, authorization, found)
        for wire, canonical in form.may_repeat.items():
            again = fields.get(wire)
            if again and again != found.get(canonical) and (not other_reading or again != other_reading[0]):
                raise Malformed(f"{wire} stands in two places with two values.")
    return _canonical(dialect, form, found, other_reading)


def _two_headers(request: HttpRequest) -> tuple[bytes | None, bytes | None]:
    """Content-Type and Authorization, the two headers that pick the form."""
    content_type = authorization = None
    for name, value in request.headers:
        if name == b"content-type":
            if content_type is not None:
                raise Malformed("The Content-Type header is repeated.")
            content_type = value
        elif name == b"authorization":
            if authorization is not None:
                raise Malformed("The Authorization header is repeated.")
            authorization = value
    return content_type, authorization


def _choose(dialect: Dialect, content_type: bytes | None, body: bytes, authorized: bool) -> Form:
    """The form; the content type of an empty body says nothing where a form without a body is declared."""
    if not body and ("", authorized) in dialect.choice:
        return dialect.choice["", authorized]
    kind = "" if content_type is None else _USUAL.get(content_type) or media_type(content_type)
    form = dialect.choice.get((kind, authorized))
    if form is None:
        kinds = dict.fromkeys(kind for kind, _ in dialect.choice)
        raise Malformed(
            f"The Content-Type must be {' or '.join(kind for kind in kinds if kind) or 'absent'}."
        )
    return form


def _read_query(form: Form, query: bytes, found: Captured) -> None:
    fields = read_form(query, form.repeatable)
    if not form.stray_query.isdisjoint(fields):
        _refuse_strays(form, fields, "query")
    for wire, node in form.query:
        _match_field(wire, node, fields.get(wire), found)


def _wire_name(form: Form, name: str) -> str:
    """What the form calls the parameter `name`: its field; the canonical name where it has no field of its own."""
    body = form.body.members if isinstance(form.body, TableNode) else ()
    for wire, node in (*form.query, *body):
        for path, place in placed(node, (wire,)):
            if place.name == name:
                return ".".join(str(step) for step in path)
    return name


def _refuse_strays(form: Form, fields: Iterable[str], place: str, *, authorized: bool = False) -> None:
    strays = form.stray_query if place == "query" else form.stray_body
    name = next(field for field in fields if field in strays)
    if authorized and place == "body":
        raise invalid_request(
            f"{name} must not stand in the body beside an Authorization header.", reason="two_authentications"
        )
    basic = form.basic
    instead = ""
    if basic is not None and name in {
        part.name for node in (basic.user, basic.password) for part in places(node)
    }:
        instead = "; it belongs in the Authorization header"
    raise invalid_request(
        f"{name} must not stand in the {place} of this request{instead}.", reason="misplaced_parameter"
    )


def _read_body(form: Form, body: bytes, found: Captured, *, authorized: bool) -> Mapping[str, object]:
    """Capture a body that is more than a flat list of parameters; return its top members."""
    node = cast(Node, form.body)
    if form.encoding in ("text", "xml"):
        match(node, _utf8(body), found, textual=True)
        return {}
    members = cast(TableNode, node).members
    if form.encoding == "form":
        fields = read_form(body, form.repeatable)
        if not form.stray_body.isdisjoint(fields):
            _refuse_strays(form, fields, "body", authorized=authorized)
        for wire, member in members:
            _match_field(wire, member, fields.get(wire), found)
        return fields
    tree = read_object(body)
    if not form.stray_body.isdisjoint(tree):
        _refuse_strays(form, tree, "body", authorized=authorized)
    for wire, member in members:
        match_member(wire, member, tree, found, strict=True)
    return tree


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("The body is not valid UTF-8.") from None


def _match_field(wire: str, node: Node, text: str | None, found: Captured) -> None:
    try:
        match(node, text, found, textual=True)
    except Mismatch as error:
        if str(error).startswith("A fixed"):
            raise Mismatch(f"The parameter {wire} is missing or not what it must be.") from None
        raise


def _read_headers(form: Form, request: HttpRequest, found: Captured) -> None:
    """Headers and cookies. A header without a place in it is written by clients and not demanded here."""
    for name, node in form.headers:
        values = request.values(name.lower().encode())
        if len(values) > 1:
            raise Malformed(f"The header {name} is repeated.")
        if values:
            match(node, header_text(values[0].strip()), found, textual=True, strict=False)
    if form.cookies:
        cookies = read_cookies(request.values(b"cookie"))
        for name, node in form.cookies:
            match(node, cookies.get(name), found, textual=True, strict=False)


def _read_basic(basic: Basic, authorization: bytes | None, found: Captured) -> tuple[str, Secret] | None:
    """Capture user and password; return the second reading where both are admitted and differ."""
    if authorization is None:
        raise invalid_client(reason="no_credentials")
    halves = read_basic(authorization, basic.scheme.lower().encode())
    if halves is None:
        raise invalid_client(reason="unsupported_authentication")
    other = None
    both = "".join(halves)
    if basic.codec != "raw" and ("%" in both or "+" in both):
        try:
            raw, halves = halves, decoded(*halves)
        except Malformed:
            if basic.codec == "form":
                raise Malformed(
                    "User and password of the Authorization header must be form-encoded."
                ) from None
        else:
            other = (raw[0], Secret(raw[1])) if basic.codec == "either" else None
    match(basic.user, halves[0], found, textual=True)
    match(basic.password, halves[1], found, textual=True)
    return other


def _canonical(
    dialect: Dialect, form: Form, found: Captured, other_reading: tuple[str, Secret] | None
) -> TokenRequest:
    for parameter in form.required:
        if parameter.name not in found:
            if parameter.missing == "invalid_client":
                raise invalid_client(reason="no_credentials")
            raise invalid_request(
                f"{_wire_name(form, parameter.name)} is required.", reason="missing_parameter"
            )
    for parameter in form.fixed:
        value = found.get(parameter.name)
        if value is not None and value != parameter.only:
            if parameter.name == "grant_type":
                raise unsupported_grant_type("This endpoint does not know that grant_type.")
            if parameter.name == "scope":
                raise invalid_scope("This endpoint takes one fixed scope only.", reason="wrong_scope")
            raise invalid_request(
                f"{_wire_name(form, parameter.name)} is not what it must be.", reason="wrong_value"
            )
    text = cast("Mapping[str, str]", found).get
    secret, password, signature = text("client_secret"), text("password"), text("signature")
    return TokenRequest(
        dialect.grant_type,
        text("client_id"),
        None if secret is None else Secret(secret),
        text("username"),
        None if password is None else Secret(password),
        text("subject"),
        None if signature is None else Secret(signature),
        text("scope"),
        _audience(dialect, text) if "audience" in found or "resource" in found else (),
        other_reading,
        {name: str(found[name]) for name in form.further if name in found} if form.further else NOTHING,
    )


def _audience(dialect: Dialect, text: Callable[[str], str | None]) -> tuple[str, ...]:
    """Audiences, then resources (RFC 8707 §2), each once; those that may be repeated are told apart by spaces."""
    values: list[str] = []
    for name in ("audience", "resource"):
        value = text(name)
        if value is not None:
            values += value.split(" ") if dialect.parameters[name].repeat else [value]
    return tuple(dict.fromkeys(values))
