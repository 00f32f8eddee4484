"""The answering half of a dialect file: the success answer, the refusal, and how a call carries the token.

Proved here: the token has a place, an extra is declared before it is named, times have formats of time, and what
tells success is what the server will write.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import cast

from mintmark.dialect.lines import Path
from mintmark.dialect.model import (
    MEDIA_TYPES,
    RESPONSE_NAMES,
    Encoding,
    Errors,
    Present,
    Response,
    Success,
    VendorError,
)
from mintmark.dialect.section import Section
from mintmark.dialect.template import Literal, Node, Place, Table, Text, parse, placed, places

_KINDS = {"expires_in": "duration", "expires_at": "instant", "issued_at": "instant"}
_ERROR_NAMES = ("error", "error_description", "status")
_CODES = frozenset(
    {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"}
    | {"invalid_scope", "invalid_target", "rate_limited", "quota_exceeded", "temporarily_unavailable"}
)


def load_response(section: Section) -> Response:
    """The [response] table. Raises DialectFault."""
    encoding = cast(Encoding, section.one_of("encoding", ("json", "none", "text", "xml"), "json"))
    extras = section.texts("extras")
    taken = [name for name in extras if name in RESPONSE_NAMES]
    if taken:
        raise section.fault(f"'{taken[0]}' has its own meaning and cannot be an extra", "extras")
    secrets = section.texts("secrets")
    if not set(secrets) <= set(extras):
        raise section.fault("'secrets' names what is not among 'extras'", "secrets")
    body = section.template("body", xml=encoding == "xml", other="any")
    fitting = {"json": Table | Place, "text": Text | Place, "xml": Text}.get(encoding)
    if body is not None and (fitting is None or not isinstance(body, fitting)):
        raise section.fault(f"'body' does not fit the encoding '{encoding}'", "body")
    headers, cookies = section.templates("headers", other="any"), section.templates("cookies", other="any")
    also = _also(section)
    named = [found for key, node in _nodes(body, headers, cookies) for found in placed(node, key)]
    named += [(("also", index), place) for index, (_, place) in enumerate(also)]
    for path, place in named:
        _check(section, place, extras, path)
    if not any(place.name == "access_token" for _, place in named):
        raise section.fault("[response] has no place for ${access_token}")
    content_type = section.get("content_type", str, "") or (MEDIA_TYPES[encoding] or ("text/plain",))[0]
    success = _success(section, body)
    return Response(
        encoding=encoding,
        content_type=content_type.encode(),
        body=body,
        headers=headers,
        cookies=cookies,
        also=also,
        success=success,
        extras=extras,
        secrets=secrets,
        token_type=section.get("token_type", str, "Bearer"),
        expiry=section.one_of("expiry", ("given", "jwt-exp", "never"), "given"),  # type: ignore[arg-type]
        members=_flat(body) if encoding == "json" and not headers and not cookies else None,
    )


def _nodes(
    body: Node | None, headers: Iterable[tuple[str, Node]], cookies: Iterable[tuple[str, Node]]
) -> list[tuple[Path, Node]]:
    """The templates with where they stand in the file."""
    nodes: list[tuple[Path, Node]] = [(("headers", name), node) for name, node in headers]
    nodes += [(("cookies", name), node) for name, node in cookies]
    return nodes if body is None else [(("body",), body), *nodes]


def _check(section: Section, place: Place, extras: tuple[str, ...], path: Path) -> None:
    if place.name not in RESPONSE_NAMES and place.name not in extras:
        raise section.fault(f"'${{{place.name}}}' is not known: name it in 'extras' or correct it", *path)
    wanted = _KINDS.get(place.name)
    if wanted is not None and place.format.kind != wanted:
        raise section.fault(
            f"'{place.format.name}' does not fit ${{{place.name}}}, which is a {wanted}", *path
        )


def _also(section: Section) -> tuple[tuple[tuple[str, ...], Place], ...]:
    found = []
    for inner in section.sections("also"):
        pointer = _pointer(inner, inner.need("at", str, ""), "at")
        inner.need("is", str, "")
        node = inner.template("is", other="any")
        if not isinstance(node, Place):
            raise inner.fault("'is' must be one ${place}", "is")
        found.append((pointer, node))
    return tuple(found)


def _pointer(section: Section, text: str, key: str) -> tuple[str, ...]:
    """The keys of a JSON Pointer (RFC 6901)."""
    if not text.startswith("/"):
        raise section.fault(f"'{key}' must be a JSON Pointer such as /data/token", key)
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))


def _success(section: Section, body: Node | None) -> Success:
    inner = section.section("success")
    statuses = inner.numbers("status") or (200,)
    if not all(200 <= status < 300 for status in statuses):
        raise inner.fault("'status' must hold statuses of success, from 200 to 299", "status")
    values = tuple(inner.get("in", list, []))
    pointer = _pointer(inner, inner.get("at", str, ""), "at") if "at" in inner.table else None
    absent_ok = inner.get("absent_ok", bool, False)
    if (pointer is None) != (not values):
        raise inner.fault("'at' and 'in' belong together")
    if pointer is not None and not absent_ok:
        node = body
        for key in pointer:
            node = dict(node.members).get(key) if isinstance(node, Table) else None
        if not isinstance(node, Literal) or node.value not in values:
            raise inner.fault("[response.body] must hold, at 'at', one of the values 'in'", "at")
    return Success(statuses, pointer, values, absent_ok)


def _flat(body: Node | None) -> tuple[tuple[str, Place | None, str], ...] | None:
    """A flat object as (key, place, or the whole literal member), so that it is written without a tree."""
    if not isinstance(body, Table):
        return None
    out: list[tuple[str, Place | None, str]] = []
    for name, node in body.members:
        key = json.dumps(name) + ":"
        if isinstance(node, Place):
            out.append((key, node, ""))
        elif isinstance(node, Literal):
            out.append((key, None, key + json.dumps(node.value)))
        else:
            return None
    return tuple(out)


def load_errors(section: Section) -> Errors:
    """The [errors] table; without one, refusals have the shape of RFC 6749 §5.2. Raises DialectFault."""
    standard = {"error": "${error}", "error_description": "${error_description}"}
    body = section.template("body", other="any") if "body" in section.table else parse(standard, other="any")
    if not isinstance(body, Table):
        raise section.fault("'body' must be a table", "body")
    for place in places(body):
        if place.name not in _ERROR_NAMES:
            raise section.fault(
                f"'${{{place.name}}}' is not known: errors have {', '.join(_ERROR_NAMES)}", "body"
            )
    codes = {}
    for code, inner in section.named("codes"):
        if code not in _CODES:
            raise inner.fault(f"'{code}' is no error code; there are {', '.join(sorted(_CODES))}")
        vendor = inner.table.get("code")
        inner.get("code", int if isinstance(vendor, int) else str, vendor)
        codes[code] = VendorError(cast("str | int | None", vendor), _status(inner, "status"))
    return Errors(
        body=body if body.members else None,
        codes=codes,
        status=_status(section, "status"),
        token_dead=section.numbers("token_dead") or (401,),
    )


def _status(section: Section, key: str) -> int | None:
    number = section.optional(key)
    if number is not None and not 200 <= number <= 599:
        raise section.fault(f"'{key}' must be an HTTP status", key)
    return number


def load_present(section: Section, known: Collection[str]) -> Present:
    """The [present] table; without one, ``Authorization: Bearer`` (RFC 6750 §2.1). `known`: what it may name.

    Raises DialectFault.
    """
    present = Present(section.templates("headers"), section.templates("query"), section.templates("cookies"))
    for _, node in (*present.headers, *present.query, *present.cookies):
        for place in places(node):
            if place.name not in known:
                raise section.fault(f"'${{{place.name}}}' is not known where a token is presented")
    if not present.headers and not present.query and not present.cookies:
        return Present(headers=(("Authorization", parse("Bearer ${access_token}")),))
    return present
