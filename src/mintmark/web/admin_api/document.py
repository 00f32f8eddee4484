"""The OpenAPI 3.1 document: each route with its scope, its answers and problems, and how tokens are obtained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args, get_origin

from fastapi import FastAPI
from pydantic import BaseModel, Field, create_model
from starlette.responses import JSONResponse

from mintmark.authorization_server.administration.access import SCOPES
from mintmark.authorization_server.administration.bindings import Binding
from mintmark.authorization_server.administration.operation import Operation
from mintmark.authorization_server.administration.showing import shape_of
from mintmark.web.admin_api.models import shown_model
from mintmark.web.admin_api.problems import MEDIA_TYPE, TITLES

_PAGES: dict[type, type[BaseModel]] = {}


class ProblemDetail(BaseModel):
    """One fault of an input."""

    pointer: str = Field(description="Where, as a JSON pointer in a URI fragment.")
    detail: str


class ProblemDocument(BaseModel):
    """A refusal (RFC 9457)."""

    type: str = Field(description=f"urn:mintmark:problem: and one of {', '.join(TITLES)}.")
    title: str
    status: int
    detail: str
    instance: str = Field(description="The request id, under which the audit trail has it.")
    errors: list[ProblemDetail] = []


def add(app: FastAPI, operation: Operation[Any, Any], binding: Binding, endpoint: Callable[..., Any]) -> None:
    """Add the route of an operation."""
    statuses = [400, 401, 403, 404, 413, 503]
    if operation.writes:
        statuses += [409, 415, 422]
    if binding.state:
        statuses += [412]
    if binding.must_match:
        statuses += [428]
    answers: dict[int | str, dict[str, Any]] = {status: _problem() for status in sorted(statuses)}
    answers[400]["content"].update(_unread()["content"])
    answers[431] = _unread()
    if binding.method == "GET":
        answers[304] = {"description": "You have it already."}
    status = (
        204 if operation.made is None or operation.made is type(None) else 201 if binding.creates else 200
    )
    app.add_api_route(
        binding.path,
        endpoint,
        methods=[binding.method],
        operation_id=operation.name,
        summary=operation.sentence,
        tags=[operation.noun.replace("_", " ")],
        status_code=status,
        response_model=None,
        response_class=JSONResponse,
        responses={**answers, **_good(operation, binding, status)},
        openapi_extra={"security": [{"oauth2": [operation.rule.scope]}, {"token": []}, {"session": []}]},
    )


def finish(app: FastAPI, base: str, token_url: str) -> None:
    """Make the document complete: where the API stands, and how its callers prove themselves."""
    make = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = make()
            made["servers"] = [{"url": base}]
            parts = made.setdefault("components", {})
            parts.setdefault("schemas", {})["Problem"] = _schema(ProblemDocument)
            parts["securitySchemes"] = {
                "oauth2": {
                    "type": "oauth2",
                    "description": "An access token for the audience of this API, by the client credentials grant.",
                    "flows": {"clientCredentials": {"tokenUrl": token_url, "scopes": dict(SCOPES)}},
                },
                "token": {"type": "http", "scheme": "bearer", "description": "An access token, pasted."},
                "session": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-CSRF-Token",
                    "description": "A person's session, by its cookie; this with what changes something.",
                },
            }
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = complete  # type: ignore[method-assign]


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    made = model.model_json_schema(ref_template="#/components/schemas/{model}")
    inner = made.pop("$defs", {})
    if "ProblemDetail" in inner:
        made["properties"]["errors"]["items"] = inner["ProblemDetail"]
    return made


def _problem() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": "Refused.", "content": {MEDIA_TYPE: {"schema": schema}}}


def _unread() -> dict[str, Any]:
    """What is answered to a request that is no HTTP, before anybody looks for what it is about."""
    text = {"type": "string"}
    schema = {"type": "object", "properties": {"error": text, "error_description": text}}
    return {
        "description": "The request cannot be read as HTTP.",
        "content": {"application/json": {"schema": schema}},
    }


def _good(operation: Operation[Any, Any], binding: Binding, status: int) -> dict[int | str, dict[str, Any]]:
    if status == 204:
        return {204: {"description": "Done."}}
    if get_origin(operation.made) is list:
        shape = shape_of(get_args(operation.made)[0])
        if shape not in _PAGES:
            item = shown_model(shape)
            _PAGES[shape] = create_model(
                f"{item.__name__}Page",
                __doc__="A page of a list; next is the cursor of the page behind it, null on the last one.",
                items=(list[item], ...),  # type: ignore[valid-type]
                next=(str | None, ...),
            )
        model: type[BaseModel] = _PAGES[shape]
    else:
        model = shown_model(shape_of(operation.made))
    headers = {"ETag": {"schema": {"type": "string"}}} if binding.method == "GET" or binding.state else {}
    if binding.creates:
        headers["Location"] = {"schema": {"type": "string"}}
    said = "Done; what is secret in it is shown this once." if operation.once else "Done."
    return {status: {"description": said, "model": model, "headers": headers}}
