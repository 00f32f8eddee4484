"""From the text of a dialect file to a `Dialect`, or to one sentence that says what is wrong on which line.

Strict on purpose: an unknown key, a place that nothing fills, or a secret in a query that is not declared is a fault
at load time, so that the readers and writers never meet it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import cast

from mintmark.dialect.answers import load_errors, load_present, load_response
from mintmark.dialect.formats import FORMATS
from mintmark.dialect.forms import choose_by, load_forms
from mintmark.dialect.lines import Lines
from mintmark.dialect.model import (
    REQUEST_NAMES,
    REQUEST_SECRETS,
    RESPONSE_NAMES,
    Dialect,
    DialectFault,
    Example,
    Function,
    GrantName,
    Limits,
    Parameter,
    TokenQuota,
)
from mintmark.dialect.section import Section
from mintmark.dialect.template import Literal, Node, Place, Table, places

_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}", re.ASCII)
_CANONICAL = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_GRANTS = ("client_credentials", "user_login", "signed_subject")
_METHODS = ("POST", "GET", "PUT")
_CALLS = ("jwt", "hmac", "rsa-sign", "rsa-encrypt", "hash", "uuid", "now", "mask")
_OPTIONAL = frozenset({"scope", "audience", "resource"})
_PERIODS = ("second", "minute", "hour", "day", "month")


def load_dialect(text: str, source: str) -> Dialect:
    """The dialect that `text` (TOML) declares; `source` names the file in faults. Raises DialectFault."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        sentence = re.sub(r" \(at .*\)", "", str(error))
        raise DialectFault(source, int(place[1]) if place else 0, f"this is not TOML: {sentence}") from None
    except RecursionError:
        raise DialectFault(source, 0, "its tables are nested too deeply") from None
    return load_table(table, source, text)


def load_table(table: dict[str, object], source: str, text: str = "") -> Dialect:
    """`load_dialect`, for a table that is already read; `text` gives faults their lines. Raises DialectFault."""
    try:
        return _dialect(Section(table, (), source, Lines(text), ""))
    except RecursionError:
        raise DialectFault(source, 0, "its tables are nested too deeply") from None


def _dialect(top: Section) -> Dialect:
    name = top.need("name", str, "")
    if _NAME.fullmatch(name) is None:
        raise top.fault("'name' must be small letters, digits and hyphens, and begin with a letter", "name")
    grant = top.one_of("grant_type", _GRANTS, "client_credentials")
    path = top.need("path", str, "")
    if not path.startswith("/") or any(mark in path for mark in "?# {}"):
        raise top.fault("'path' must begin with a slash and hold no query, space or brace", "path")
    functions = _functions(top)
    parameters, demanded = _parameters(top, grant, functions)
    secret_in_query = top.get("secret_in_query", bool, False)
    forms = load_forms(top, parameters, demanded, functions, secret_in_query=secret_in_query)
    uses_basic = any(form.basic is not None and form.basic.scheme == "Basic" for form in forms)
    own = "ClientCredentials" if grant == "client_credentials" else "SignedSubject"
    client_secrets = {name for name, known in parameters.items() if known.secret} - {"password", "signature"}
    secret = any(form.names & (client_secrets | functions.keys()) for form in forms)
    if parameters["grant_type"].only is None and any("grant_type" in form.names for form in forms):
        raise top.fault("'only' is missing in [parameters.grant_type]: how does this vendor spell its grant?")
    response = load_response(top.section("response"))
    presentable = RESPONSE_NAMES.union(
        response.extras, ("client_id", "username"), parameters.keys() - REQUEST_NAMES
    )
    return Dialect(
        name=name,
        title=top.need("title", str, ""),
        documentation=_documentation(top),
        page=_page(top),
        grant_type=cast(GrantName, grant),
        path=path,
        method=top.one_of("method", _METHODS, "POST"),
        url=_url(top, parameters, secret_in_query=secret_in_query),
        forms=forms,
        choice=choose_by(top, forms),
        parameters=parameters,
        response=response,
        errors=load_errors(top.section("errors")),
        present=load_present(top.section("present"), presentable),
        limits=_limits(top.section("limits")),
        functions=functions,
        examples=tuple(
            _example(section, [form.name for form in forms]) for section in top.sections("examples")
        ),
        keyfile=_keyfile(top),
        scope_delimiter=_delimiter(top),
        everything=_of_scope(top, "everything", "") or None,
        secret_in_query=secret_in_query,
        admits_cors=not secret,
        challenge="Basic" if uses_basic else own,
        reads=frozenset({b"authorization", b"content-type", b"cookie"}).union(
            name.lower().encode() for form in forms for name, _ in form.headers
        ),
    )


def _documentation(top: Section) -> str:
    link = top.get("documentation", str, "")
    if link and re.fullmatch(r"https?://\S+", link) is None:
        raise top.fault("'documentation' must be an http or https address", "documentation")
    return link


def _page(top: Section) -> str:
    words = top.get("page", str, "")
    if not words.isprintable() or "://" in words:
        raise top.fault("'page' must be one line of words; an address goes into 'documentation'", "page")
    return words


def _parameters(
    top: Section, grant: str, functions: Mapping[str, Function]
) -> tuple[dict[str, Parameter], list[str]]:
    """The canonical names, with what the file says of them and of its own further ones; and which it demands."""
    declared, demanded = {}, []
    for name, section in top.named("parameters"):
        if _CANONICAL.fullmatch(name) is None or name in functions or name == "null":
            raise section.fault(f"'{name}' cannot be the name of a parameter: take another in small letters")
        only = section.get("only", str, "") if "only" in section.table else None
        section.get("delimiter", str, " ")
        section.get("everything", str, "")
        section.get("description", str, "")
        for key in ("delimiter", "everything"):
            if name != "scope" and key in section.table:
                raise section.fault(f"only scope has '{key}'", key)
        declared[name] = Parameter(
            name,
            required=section.get("required", bool, name in REQUEST_NAMES - _OPTIONAL),
            missing=section.one_of("missing", ("invalid_request", "invalid_client"), "invalid_request"),
            only=only,
            secret=section.get("secret", bool, False) or name in REQUEST_SECRETS,
            repeat=section.get("repeat", bool, False),
        )
        if section.get("required", bool, False):
            demanded.append(name)
    for name in sorted(REQUEST_NAMES - declared.keys()):
        declared[name] = Parameter(name, required=name not in _OPTIONAL, secret=name in REQUEST_SECRETS)
    grant_type = declared["grant_type"]
    if grant_type.only is None and grant == "client_credentials":
        declared["grant_type"] = Parameter("grant_type", grant_type.required, grant_type.missing, grant)
    return declared, demanded


def _delimiter(top: Section) -> str:
    delimiter = _of_scope(top, "delimiter", " ")
    if len(delimiter) != 1 or delimiter.isalnum():
        raise top.section("parameters").fault(
            "'delimiter' must be one character, no letter or digit", "scope"
        )
    return delimiter


def _of_scope(top: Section, key: str, default: str) -> str:
    """What [parameters.scope] says of the scope as a whole; its type is checked where it is declared."""
    table = top.table.get("parameters", {})
    scope = table.get("scope", {}) if isinstance(table, dict) else {}
    return str(scope.get(key, default)) if isinstance(scope, dict) else default


def _functions(top: Section) -> dict[str, Function]:
    """Shape only: what a named function does is handed in by the role that uses the dialect."""
    functions = {}
    for name, section in top.named("functions"):
        if _CANONICAL.fullmatch(name) is None or name in REQUEST_NAMES or name == "null":
            raise section.fault(f"'{name}' cannot be the name of a function: take another in small letters")
        arguments = {key: cast(Node, section.template(key)) for key in section.table if key != "call"}
        functions[name] = Function(section.one_of("call", _CALLS, ""), arguments)
    return functions


def _url(top: Section, parameters: Mapping[str, Parameter], *, secret_in_query: bool) -> Node:
    node = top.template("url") or Place("token_url", FORMATS["text"])
    secrets = [p.name for p in places(node) if p.name in parameters and parameters[p.name].secret]
    if secrets and not secret_in_query:
        raise top.fault(
            f"{secrets[0]} is secret and stands in the address: declare secret_in_query = true", "url"
        )
    if isinstance(node, Literal) and not str(node.value).startswith(("http://", "https://")):
        raise top.fault("'url' must begin with https:// (or http://) or be one ${variable}", "url")
    return node


def _keyfile(top: Section) -> Node | None:
    node = top.template("keyfile")
    if node is not None and not isinstance(node, Table):
        raise top.fault("'keyfile' must be a table", "keyfile")
    if node is not None and not {"client_id", "client_secret"} <= {place.name for place in places(node)}:
        raise top.fault("[keyfile] must hold ${client_id} and ${client_secret}", "keyfile")
    return node


def _limits(section: Section) -> Limits:
    quotas = []
    for quota in section.sections("quotas"):
        quotas.append(
            TokenQuota(
                quota.need("most", int, 1), quota.one_of("per", _PERIODS, ""), quota.get("by", str, "client")
            )
        )
    return Limits(
        lifetime=section.optional("lifetime"),
        idle=section.optional("idle"),
        renew_before=section.optional("renew_before"),
        reissue=section.one_of("reissue", ("new", "same", "replace"), "new"),  # type: ignore[arg-type]
        live=section.optional("live"),
        quotas=tuple(quotas),
    )


def _example(section: Section, forms: list[str]) -> Example:
    form = section.one_of("form", forms, forms[0])
    request, variables = section.section("request"), section.section("variables")
    for inner in (request, variables):
        for key, value in inner.table.items():
            if not isinstance(value, str):
                raise inner.fault(f"'{key}' must be text", key)
    return Example(
        form=form,
        variables=cast("dict[str, str]", variables.table),
        request=cast("dict[str, str]", request.table),
        sends=section.need("sends", str, "").lstrip("\n"),
        issued_at=section.get("issued_at", int, 0),
        response=section.section("response").table,
        answers=section.need("answers", str, "").lstrip("\n"),
        line=section.line(),
    )
