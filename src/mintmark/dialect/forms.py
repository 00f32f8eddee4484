"""The forms of a dialect file: how each writes the request, and the proof that a server can tell them apart.

Forms differ by content type or by the presence of an Authorization header; a body is never read to choose.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import cast

from mintmark.dialect.model import MEDIA_TYPES, REQUEST_NAMES, Basic, Codec, Encoding, Form, Parameter
from mintmark.dialect.section import Section
from mintmark.dialect.template import Literal, Node, Place, Table, placed, places

_CODECS = ("raw", "form", "either")
_LATER = {"multipart": "multipart bodies are not understood yet"}
#: Names of credentials that are refused wherever a form does not declare them.
_CREDENTIALS = frozenset({"client_secret", "password", "client_assertion"})
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]*", re.ASCII)


def load_forms(
    top: Section,
    parameters: Mapping[str, Parameter],
    demanded: Collection[str],
    functions: Collection[str],
    *,
    secret_in_query: bool,
) -> tuple[Form, ...]:
    """The forms in order; the first is what clients write. `demanded`: what every form must have a place for.

    Raises DialectFault.
    """
    sections = top.sections("forms")
    if not sections:
        raise top.fault("a dialect needs at least one [[forms]]")
    forms = [_form(section, parameters, functions, secret_in_query=secret_in_query) for section in sections]
    for section, form in zip(sections, forms, strict=True):
        for name in sorted(demanded):
            if name not in form.names:
                raise section.fault(f"{name} is required, but the form '{form.name}' has no place for it")
    names = [form.name for form in forms]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise sections[index].fault(f"two forms are named '{name}'", "name")
    known = frozenset(
        _CREDENTIALS.union(*(_wire_names(form.query) | _wire_names(_members(form)) for form in forms))
    )
    return tuple(
        replace(
            form,
            stray_query=known - {wire for wire, _ in form.query},
            stray_body=known - {wire for wire, _ in _members(form)} - form.may_repeat.keys(),
        )
        for form in forms
    )


def _form(
    section: Section,
    parameters: Mapping[str, Parameter],
    functions: Collection[str],
    *,
    secret_in_query: bool,
) -> Form:
    word = section.get("encoding", str, "form")
    if word in _LATER:
        raise section.fault(_LATER[word], "encoding")
    encoding = cast(Encoding, section.one_of("encoding", MEDIA_TYPES, "form"))
    content_type = section.get("content_type", str, "").lower()
    form = Form(
        name=section.get("name", str, encoding),
        encoding=encoding,
        media_types=(content_type,) if content_type else MEDIA_TYPES[encoding],
        query=section.templates("query"),
        headers=section.templates("headers"),
        cookies=section.templates("cookies"),
        basic=_basic(section),
        body=_body(section, encoding),
    )
    _check_headers(section, form)
    carried = list(_carried(form))
    for place, path in carried:
        known = parameters.get(place.name)
        if known is None and place.name not in functions:
            sentence = f"'${{{place.name}}}' is no parameter: declare it under [parameters.{place.name}]"
        elif place.format.kind not in ("text", "any"):
            sentence = f"'{place.format.name}' is a format of answers, not of requests"
        elif path[0] == "query" and known is not None and known.secret and not secret_in_query:
            sentence = f"{place.name} is secret and stands in the query: declare secret_in_query = true"
        else:
            continue
        raise section.fault(sentence, *path)
    names = frozenset(place.name for place, _ in carried)
    by_header = {
        place.name
        for place, path in carried
        if path[0] == "basic" or str(path[-1]).lower() == "authorization"
    }
    required = [
        replace(parameters[name], missing="invalid_client") if name in by_header else parameters[name]
        for name in dict.fromkeys(place.name for place, _ in carried)
        if name in parameters and parameters[name].required
    ]
    required.sort(key=lambda parameter: (parameter.name in by_header, parameter.missing == "invalid_client"))
    return replace(
        form,
        plain=_plain(form),
        uses_authorization=form.basic is not None
        or any(n.lower() == "authorization" for n, _ in form.headers),
        repeatable=frozenset(
            wire
            for wire, node in (*form.query, *_members(form))
            if isinstance(node, Place) and node.name in parameters and parameters[node.name].repeat
        ),
        required=tuple(required),
        fixed=tuple(
            parameters[n] for n in sorted(names) if n in parameters and parameters[n].only is not None
        ),
        names=names,
        further=tuple(sorted(names - REQUEST_NAMES)),
        may_repeat=_may_repeat(section, names),
    )


def _basic(section: Section) -> Basic | None:
    inner = section.section("basic")
    if "basic" not in section.table:
        return None
    basic = Basic(
        user=inner.template("user") or Literal(""),
        password=inner.template("password") or Literal(""),
        codec=cast(Codec, inner.one_of("codec", _CODECS, "raw")),
        scheme=inner.get("scheme", str, "Basic"),
    )
    if "codec" not in inner.table:
        raise inner.fault("'codec' is missing: raw (as vendors show it), form (RFC 6749) or either")
    if _SCHEME.fullmatch(basic.scheme) is None:
        raise inner.fault("'scheme' must be one word, such as Basic", "scheme")
    if not list(places(basic.user)) and not list(places(basic.password)):
        raise inner.fault("'basic' must name user and password, e.g. user = \"${client_id}\"")
    return basic


def _body(section: Section, encoding: Encoding) -> Node | None:
    body = section.template("body", xml=encoding == "xml")
    if encoding == "none":
        if body is not None:
            raise section.fault('a form with encoding = "none" has no body', "body")
        return None
    if encoding in ("form", "json"):
        if body is None:
            return Table(())
        if not isinstance(body, Table):
            raise section.fault("'body' must be a table", "body")
        if encoding == "form" and any(isinstance(node, Table) for _, node in body.members):
            raise section.fault("a form body is flat: its members are text", "body")
        return body
    if body is None or isinstance(body, Table):
        raise section.fault("'body' must be text with ${places}", "body")
    return body


def _check_headers(section: Section, form: Form) -> None:
    for name, _ in form.headers:
        if name.lower() in ("content-type", "content-length", "host"):
            raise section.fault(f"'{name}' cannot be declared as a header", "headers")
        if name.lower() == "authorization" and form.basic is not None:
            raise section.fault("'basic' and an Authorization header exclude each other", "headers")


def _carried(form: Form) -> Iterator[tuple[Place, tuple[str | int, ...]]]:
    """Every place of the form with where it stands in the file."""
    nodes = [
        (node, (key, name))
        for key, members in (("query", form.query), ("headers", form.headers), ("cookies", form.cookies))
        for name, node in members
    ]
    if form.basic is not None:
        nodes += [(form.basic.user, ("basic", "user")), (form.basic.password, ("basic", "password"))]
    for node, start in nodes:
        for path, place in placed(node, start):
            yield place, path
    for path, place in placed(form.body, ("body",)) if form.body is not None else ():
        yield place, path


def _members(form: Form) -> tuple[tuple[str, Node], ...]:
    return form.body.members if isinstance(form.body, Table) else ()


def _wire_names(members: tuple[tuple[str, Node], ...]) -> set[str]:
    return {wire for wire, node in members if any(True for _ in places(node))}


def _plain(form: Form) -> tuple[tuple[str, str], ...] | None:
    """The body as (wire name, canonical name), when that is all there is to it."""
    if form.encoding != "form":
        return None
    members = _members(form)
    if all(isinstance(node, Place) and node.format.name in ("text", "list") for _, node in members):
        return tuple((wire, cast(Place, node).name) for wire, node in members)
    return None


def _may_repeat(section: Section, names: Collection[str]) -> dict[str, str]:
    """Wire names that may stand in the body again beside Basic, if equal (RFC 6749 §2.3.1 libraries do so)."""
    inner = section.section("may_repeat")
    for wire, name in inner.table.items():
        if not isinstance(name, str) or name not in names:
            raise inner.fault(f"'{wire}' must name a parameter that the form carries", wire)
    if inner.table and "basic" not in section.table:
        raise section.fault("'may_repeat' needs 'basic'", "may_repeat")
    return cast("dict[str, str]", dict(inner.table))


def choose_by(top: Section, forms: tuple[Form, ...]) -> dict[tuple[str, bool], Form]:
    """(media type, Authorization header present) -> form. Raises DialectFault when two forms claim one key."""
    choice: dict[tuple[str, bool], Form] = {}
    for index, form in enumerate(forms):
        for kind in form.media_types or ("",):
            rival = choice.get((kind, form.uses_authorization))
            if rival is not None:
                section = top.sections("forms")[index]
                raise section.fault(
                    f"the forms '{rival.name}' and '{form.name}' cannot be told apart by content type or by an "
                    "Authorization header"
                )
            choice[kind, form.uses_authorization] = form
    for (kind, authorized), form in list(choice.items()):
        choice.setdefault((kind, not authorized), form)
    return choice
