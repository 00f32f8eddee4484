"""The OpenAPI 3.1 document of an environment: its token endpoints as their dialects have them, the issuer's other
endpoints, and what else stands below it. It says nothing that the environment's own page and metadata do not say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mintmark.authorization_server.ports import EnvironmentView
from mintmark.dialect import Dialect
from mintmark.dialect.model import Form

_TEXT = {"type": "string"}
_MEDIA = {"form": "application/x-www-form-urlencoded", "json": "application/json"}


class Described(NamedTuple):
    """An operation of a resource below an environment. `path`: with ``{names}``. `scope`: what it needs."""

    method: str
    path: str
    scope: str
    summary: str
    body: Mapping[str, Any] | None = None


def environment_document(view: EnvironmentView, resources: Sequence[Described], now: float) -> bytes:
    """The document, as JSON in UTF-8."""
    issuer = view.environment.issuer
    live = [pair for pair in view.mounts.values() if pair[0].ends_at is None or now < pair[0].ends_at]
    scopes = {
        scope: words
        for api in view.apis.values()
        if api.enabled
        for scope, words in sorted(api.scopes.items())
    }
    paths: dict[str, dict[str, Any]] = {}
    for mount, dialect in live:
        paths.setdefault(mount.path, {})["post"] = _token(dialect)
    for each in resources:
        paths.setdefault(each.path, {})[each.method.lower()] = _resource(each)
    paths["/jwks.json"] = {"get": _public("The issuer's public keys (RFC 7517).")}
    paths["/introspect"] = {"post": _client("What the issuer knows of a token (RFC 7662).")}
    paths["/revoke"] = {"post": _client("End a token (RFC 7009).")}
    schemes: dict[str, Any] = {
        "token": {"type": "http", "scheme": "bearer", "description": "An access token, pasted."},
        "client": {"type": "http", "scheme": "basic", "description": "A client's id and secret."},
    }
    for mount, dialect in live:
        if any(_is_plain(form) for form in dialect.forms):
            flow = {"tokenUrl": f"{issuer}{mount.path}", "scopes": scopes}
            schemes["oauth2"] = {"type": "oauth2", "flows": {"clientCredentials": flow}}
            break
    document = {
        "openapi": "3.1.0",
        "info": {"title": f"{view.tenant.name}, {view.environment.name}", "version": "1"},
        "servers": [{"url": issuer}],
        "paths": paths,
        "components": {"securitySchemes": schemes},
    }
    if "oauth2" not in schemes:
        for path in paths.values():
            for operation in path.values():
                operation["security"] = [each for each in operation["security"] if "oauth2" not in each]
    return json.dumps(document, ensure_ascii=False).encode()


def _is_plain(form: Form) -> bool:
    """Whether a client of RFC 6749 §4.4 that knows no more than that can write it."""
    needed = {parameter.name for parameter in form.required}
    return form.encoding in ("form", "none") and needed <= {
        "grant_type",
        "client_id",
        "client_secret",
        "scope",
    }


def _token(dialect: Dialect) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for form in dialect.forms:
        names = [name for name, _ in getattr(form.body, "members", ())]
        if form.encoding in _MEDIA and names:
            content[_MEDIA[form.encoding]] = {
                "schema": {"type": "object", "properties": dict.fromkeys(names, _TEXT)}
            }
    parameters = [{"name": name, "in": "query", "schema": _TEXT} for name, _ in dialect.forms[0].query]
    made = {
        "summary": f"Obtain a token ({dialect.name}).",
        "tags": ["Token endpoints"],
        "security": [{"client": []}, {}],
        "parameters": parameters,
        "responses": {
            "200": {"description": "A token."},
            "400": {"description": "The request cannot be granted."},
            "401": {"description": "The client is not who it says."},
            "429": {"description": "Too often, or too many today."},
        },
    }
    return {**made, "requestBody": {"content": content}} if content else made


def _resource(each: Described) -> dict[str, Any]:
    names = [part.partition("}")[0] for part in each.path.split("{")[1:]]
    made: dict[str, Any] = {
        "summary": each.summary,
        "tags": ["Sample API"],
        "security": [{"oauth2": [each.scope]}, {"token": []}],
        "parameters": [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in names],
        "responses": {
            "200": {"description": "Done."},
            "401": {"description": "No valid token."},
            "403": {"description": f"The token lacks the scope {each.scope}."},
        },
    }
    if each.body is not None:
        made["requestBody"] = {"content": {"application/json": {"example": each.body}}}
    return made


def _public(summary: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "tags": ["Issuer"],
        "security": [],
        "responses": {"200": {"description": "Done."}},
    }


def _client(summary: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"token": _TEXT, "token_type_hint": _TEXT},
        "required": ["token"],
    }
    return {
        "summary": summary,
        "tags": ["Issuer"],
        "security": [{"client": []}],
        "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": schema}}},
        "responses": {
            "200": {"description": "Done."},
            "401": {"description": "The client is not who it says."},
        },
    }
