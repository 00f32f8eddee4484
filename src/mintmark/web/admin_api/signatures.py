"""What FastAPI reads of a request to an operation: its path, query, body and headers, as a function's signature."""

from __future__ import annotations

import inspect
from typing import Annotated, Any, Optional

from fastapi import Body, Header, Path, Query, Request

from mintmark.authorization_server.administration.bindings import Binding
from mintmark.authorization_server.administration.operation import Operation
from mintmark.web.admin_api.models import IN_QUERY, body_model, declared
from mintmark.web.admin_api.performing import LARGEST_PAGE, PAGE

DOCUMENT_PATH = "/openapi.json"
_KEYWORD = inspect.Parameter.KEYWORD_ONLY

_SEGMENTS = {
    "tenant": "The tenant's handle.",
    "name": "The name of the environment.",
    "audience": "Audience of the API, percent-encoded.",
    "path": "Path of the token endpoint, percent-encoded.",
}


def signature_of(operation: Operation[Any, Any], binding: Binding) -> inspect.Signature:
    """The parameters of the endpoint of an operation."""
    made = [inspect.Parameter("request", _KEYWORD, annotation=Request)]
    segments = [
        each for name in binding.names for each in (("tenant", "name") if name == "environment" else (name,))
    ]
    for name in segments:
        about = Path(description=_SEGMENTS.get(name, "Percent-encoded."), min_length=1, max_length=2048)
        made.append(inspect.Parameter(name, _KEYWORD, annotation=Annotated[str, about]))
    beside = binding.beside(operation)
    if binding.method == "GET":
        made += _query(operation, binding, beside)
        made.append(
            _header("if_none_match", "ETag that you have already; answered by 304 while it still holds.")
        )
    else:
        model = body_model(operation.given, beside)
        if model is not None:
            needed = any(each.is_required() for each in model.model_fields.values())
            kind: Any = Annotated[model, Body()] if needed else Annotated[Optional[model], Body()]  # noqa: UP045
            default = inspect.Parameter.empty if needed else None
            made.append(inspect.Parameter("body", _KEYWORD, annotation=kind, default=default))
    if binding.creates:
        made.append(
            _header(
                "idempotency_key",
                "Safe to repeat: the same key and request are answered alike for a day.",
            )
        )
    if binding.state:
        made.append(
            _header("if_match", "ETag that you have read, or *; refused (412) when it has changed since.")
        )
    return inspect.Signature(made)


def _query(
    operation: Operation[Any, Any], binding: Binding, beside: tuple[str, ...]
) -> list[inspect.Parameter]:
    names = tuple(name for name in beside if not (binding.order and name == "limit"))
    made = []
    for name, kind, about in declared(operation.given, names, IN_QUERY):
        default = inspect.Parameter.empty if about.is_required() else about.get_default()
        described = Query(description=about.description)
        made.append(inspect.Parameter(name, _KEYWORD, annotation=Annotated[kind, described], default=default))
    if binding.order:
        limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Most items of a page.")]
        cursor = Annotated[str | None, Query(description="Where the page begins: next of the page before.")]
        made.append(inspect.Parameter("limit", _KEYWORD, annotation=limit, default=PAGE))
        made.append(inspect.Parameter("cursor", _KEYWORD, annotation=cursor, default=None))
    return made


def _header(name: str, sentence: str) -> inspect.Parameter:
    kind = Annotated[str | None, Header(description=sentence)]
    return inspect.Parameter(name, _KEYWORD, annotation=kind, default=None)
