"""Writing a token request by its dialect: the client's side of `request`.

What the dialect has no place for is refused rather than left out, and so is a value that the place cannot carry:
a request that would be read differently from how it was meant is never sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mintmark.dialect.address import address
from mintmark.dialect.model import MEDIA_TYPES, REQUEST_NAMES, Basic, Dialect, Form
from mintmark.dialect.template import ABSENT, Node, Values, fill
from mintmark.values.token import TokenRequest
from mintmark.wire.basic import write_basic
from mintmark.wire.form import read_form, write_form
from mintmark.wire.http import UNSAFE, Headers, HttpRequest
from mintmark.wire.jsonobject import write_json

#: What a role hands in for ``[functions.X]``: arguments (filled templates) to text.
NamedFunction = Callable[[Mapping[str, object]], str]
NO_FUNCTIONS: Mapping[str, NamedFunction] = {}
_COOKIE_BREAKERS = frozenset(' ",;\\')


def write_request(
    dialect: Dialect,
    request: TokenRequest,
    variables: Mapping[str, str],
    functions: Mapping[str, NamedFunction] = NO_FUNCTIONS,
    *,
    form: str | int = 0,
) -> HttpRequest:
    """The request in the form that the dialect declares first, or in `form` (name or index).

    `variables` fill the address, and declared parameters that `request.parameters` does not hold. Raises ValueError
    when something is missing or cannot be carried (never with the value), KeyError for an unknown form.
    """
    shape = dialect.form(form)
    values = _values(dialect, shape, request, variables, functions)
    url, path, own_query = address(dialect.url, {**variables, **_texts(shape, values)})
    query = _pairs(shape.query, values, shape)
    if own_query:
        clash = read_form(own_query.encode()).keys() & {name for name, _ in query}
        if clash:
            raise ValueError("the address of the token endpoint already holds a parameter of the dialect")
    written = write_form(query)
    return HttpRequest(
        dialect.method,
        path,
        b"&".join(part for part in (own_query.encode(), written) if part),
        _headers(dialect, shape, values),
        _body(shape, values),
        url,
    )


def _values(
    dialect: Dialect,
    form: Form,
    request: TokenRequest,
    variables: Mapping[str, str],
    functions: Mapping[str, NamedFunction],
) -> Values:
    """Canonical name -> value, for the places of `form`; every required one is there and all have a place."""
    given: dict[str, str | None] = {
        **{name: variables.get(name) for name in form.further},
        **request.parameters,
        "client_id": request.client_id,
        "client_secret": request.client_secret.reveal() if request.client_secret else None,
        "username": request.username,
        "password": request.password.reveal() if request.password else None,
        "subject": request.subject,
        "signature": request.signature.reveal() if request.signature else None,
        "scope": request.scope,
        **_audience(dialect, form, request),
    }
    for name, value in given.items():
        if value and name not in form.names:
            raise ValueError(
                f"the dialect '{dialect.name}' has no place for {name} in its form '{form.name}'"
            )
        if value and UNSAFE.search(value) is not None:
            raise ValueError(f"{name} holds control characters")
    for parameter in form.fixed:
        value = given.get(parameter.name)
        if value and value != parameter.only:
            raise ValueError(f"{parameter.name} must be '{parameter.only}' in the dialect '{dialect.name}'")
        given[parameter.name] = parameter.only
    for parameter in form.required:
        if not given.get(parameter.name):
            raise ValueError(f"the dialect '{dialect.name}' needs {parameter.name}")
    made: dict[str, str] = {}

    def values(name: str) -> object:
        if name not in dialect.functions:
            return given.get(name) or None
        if name not in made:
            function = dialect.functions[name]
            if function.call not in functions:
                raise ValueError(f"the dialect '{dialect.name}' needs the function '{function.call}'")
            arguments = {key: fill(node, values_inside) for key, node in function.arguments.items()}
            made[name] = functions[function.call](
                {key: value for key, value in arguments.items() if value is not ABSENT}
            )
        return made[name]

    def values_inside(name: str) -> object:
        return values(name) or variables.get(name)

    return values


def _audience(dialect: Dialect, form: Form, request: TokenRequest) -> dict[str, str | None]:
    """One audience goes where the dialect has a place for it; several need a place that may be repeated."""
    wanted = request.audience
    if not wanted:
        return {}
    for name in ("audience", "resource"):
        if name in form.names and (len(wanted) == 1 or dialect.parameters[name].repeat):
            return {name: " ".join(wanted)}
    if form.names.isdisjoint({"audience", "resource"}):
        return {"audience": " ".join(wanted)}
    raise ValueError(f"the dialect '{dialect.name}' takes one audience only")


def _texts(form: Form, values: Values) -> dict[str, str]:
    """Canonical values that an address may name (an id in the path)."""
    return {name: str(value) for name in form.names & REQUEST_NAMES if (value := values(name)) is not None}


def _pairs(members: tuple[tuple[str, Node], ...], values: Values, form: Form) -> list[tuple[str, str]]:
    pairs = []
    for wire, node in members:
        value = fill(node, values, textual=True)
        if value is ABSENT:
            continue
        pairs += [
            (wire, part) for part in (str(value).split(" ") if wire in form.repeatable else [str(value)])
        ]
    return pairs


def _headers(dialect: Dialect, form: Form, values: Values) -> Headers:
    headers: list[tuple[bytes, bytes]] = []
    for name, node in form.headers:
        value = fill(node, values, textual=True)
        if value is not ABSENT:
            headers.append((name.lower().encode(), _safe(name, str(value))))
    if form.basic is not None:
        headers.append((b"authorization", _authorization(form.basic, values)))
    cookies = []
    for name, node in form.cookies:
        value = fill(node, values, textual=True)
        if value is not ABSENT:
            if _COOKIE_BREAKERS & set(str(value)):
                raise ValueError(f"the cookie {name} holds a character that no cookie carries")
            cookies.append(_safe(name, f"{name}={value}"))
    if cookies:
        headers.append((b"cookie", b"; ".join(cookies)))
    if form.media_types:
        headers.append((b"content-type", form.media_types[0].encode()))
    if dialect.response.encoding == "json" and not any(name == b"accept" for name, _ in headers):
        headers.append((b"accept", MEDIA_TYPES["json"][0].encode()))
    return tuple(headers)


def _safe(name: str, value: str) -> bytes:
    if UNSAFE.search(value) is not None or value != value.strip():
        raise ValueError(f"the header {name} holds a character that no header carries")
    return value.encode("utf-8")


def _authorization(basic: Basic, values: Values) -> bytes:
    user, password = fill(basic.user, values, textual=True), fill(basic.password, values, textual=True)
    return write_basic(
        "" if user is ABSENT else str(user),
        "" if password is ABSENT else str(password),
        encoded=basic.codec != "raw",
        scheme=basic.scheme,
    )


def _body(form: Form, values: Values) -> bytes:
    if form.body is None:
        return b""
    if form.encoding == "form":
        return write_form(_pairs(getattr(form.body, "members", ()), values, form))
    tree = fill(form.body, values, textual=form.encoding != "json")
    if form.encoding == "json":
        return write_json({} if tree is ABSENT else tree)
    if tree is ABSENT:
        raise ValueError(f"the form '{form.name}' needs every value that its body names")
    return str(tree).encode("utf-8")
