"""The admin API as a face of the server: a FastAPI application made from the operations and their bindings.

Every route is made alike from data, so a new operation is in the API, its document and its tests by being registered.
Who calls is settled before anything of the request is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from mintmark.authorization_server.administration.access import ADMIN_PATH
from mintmark.authorization_server.administration.act import AdministrationFault
from mintmark.authorization_server.administration.bindings import Binding, bound
from mintmark.authorization_server.administration.operation import Operation
from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.web.admin_api import document, problems
from mintmark.web.admin_api.authentication import Authentication
from mintmark.web.admin_api.models import filled
from mintmark.web.admin_api.performing import PAGE, Asked, Performance
from mintmark.web.admin_api.problems import Detail, Problem
from mintmark.web.admin_api.repeats import read_key
from mintmark.web.admin_api.signatures import DOCUMENT_PATH, signature_of
from mintmark.web.callers import Caller
from mintmark.wire.http import HttpRequest, HttpResponse, Malformed, media_type
from mintmark.wire.jsonobject import read_json

#: What stands beside the input in every request, and is read apart from it.
_BESIDE = frozenset({"limit", "cursor"})
_RETRY_AFTER = 5


@dataclass(frozen=True, slots=True)
class AdminApi:
    """Implements `app.Face`."""

    authentication: Authentication
    performance: Performance
    token_url: str
    _app: FastAPI = field(init=False, repr=False)

    def __post_init__(self) -> None:
        app = FastAPI(
            title="Mintmark admin API",
            version="1",
            openapi_url=DOCUMENT_PATH,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
        )
        for operation, binding in bound():
            endpoint = self._endpoint(operation, binding)
            endpoint.__signature__ = signature_of(operation, binding)  # type: ignore[attr-defined]
            document.add(app, operation, binding, endpoint)
        document.finish(app, self.performance.base, self.token_url)
        app.add_exception_handler(RequestValidationError, _invalid)
        app.add_exception_handler(HTTPException, _http)
        app.add_exception_handler(Problem, _problem)
        object.__setattr__(self, "_app", app)

    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return self._app.openapi()

    async def respond(self, request: HttpRequest, caller: Caller, now: float) -> HttpResponse:
        """The answer to a request at ``/admin/...``; never raises for what a caller does."""
        try:
            path = request.path.removeprefix(ADMIN_PATH)
            if not request.path.startswith(f"{ADMIN_PATH}/"):
                raise Problem(404, "not_found", f"The admin API stands at {ADMIN_PATH}.")
            state: dict[str, Any] = {"caller": caller, "body": request.body}
            if path != DOCUMENT_PATH:
                state["principal"] = await self.authentication.principal(request, caller, now)
                _readable(request)
            return await _answered(self._app, request, path, state)
        except Problem as problem:
            return problems.answer(problem, caller.request_id)
        except StorageUnavailable:
            unavailable = Problem(
                503,
                "unavailable",
                "The database cannot be used right now; nothing was done.",
                headers=((b"retry-after", b"%d" % _RETRY_AFTER),),
            )
            return problems.answer(unavailable, caller.request_id)

    def refuse(self, status: int, sentence: str, request_id: str) -> HttpResponse:
        """The answer to a request whose body could not be read."""
        kind = "too_large" if status == 413 else "malformed"
        return problems.answer(Problem(status, kind, sentence), request_id)

    def _endpoint(self, operation: Operation[Any, Any], binding: Binding) -> Callable[..., Any]:
        async def endpoint(request: Request, **read: Any) -> Response:
            _refuse_unknown(request, operation, binding)
            state = request.state
            caller: Caller = state.caller
            if "body" not in read and state.body.strip() not in (b"", b"{}") and request.method != "GET":
                raise Problem(422, "invalid", "This operation takes no body: leave it out.")
            asked = Asked(
                principal=state.principal,
                request_id=caller.request_id,
                peer=caller.peer,
                if_match=_single(request, "if-match"),
                if_none_match=_single(request, "if-none-match"),
                idempotency_key=read_key(_single(request, "idempotency-key")) if binding.creates else "",
                fingerprint=f"{request.method} {request.url.path}?{request.url.query}\n".encode()
                + state.body,
                limit=read.get("limit", PAGE),
                cursor=read.get("cursor"),
            )
            given = filled(operation.given, _values(request, operation, binding, read))
            try:
                answer = await self.performance.perform(operation, binding, given, asked)
            except AdministrationFault as fault:
                scope = "" if asked.principal.scopes is None else operation.rule.scope
                raise problems.of_fault(fault, scope) from None
            return _response(answer)

        return endpoint


def _values(
    request: Request, operation: Operation[Any, Any], binding: Binding, read: Mapping[str, Any]
) -> dict[str, Any]:
    """The input: from the path, from the query or the body. What was not sent is left to its default."""
    path = {name: _decoded(text) for name, text in request.path_params.items()}
    if "environment" in binding.names:
        path["environment"] = f"{path.pop('tenant')}/{path.pop('name')}"
    beside = binding.beside(operation)
    if binding.method == "GET":
        return path | {name: read[name] for name in beside if read.get(name) is not None}
    body = read.get("body")
    return path | ({} if body is None else {name: getattr(body, name) for name in body.model_fields_set})


def _decoded(segment: str) -> str:
    try:
        return unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(400, "malformed", "The path is not percent-encoded UTF-8.") from None


def _single(request: Request, header: str) -> str | None:
    sent = request.headers.getlist(header)
    if len(sent) > 1:
        raise Problem(400, "malformed", f"The header {header.title()} stands twice.")
    return sent[0] if sent else None


def _readable(request: HttpRequest) -> None:
    """Refuse a body that is not JSON, and JSON that two readers could read differently."""
    if not request.body:
        return
    sent = request.values(b"content-type")
    try:
        if len(sent) != 1 or media_type(sent[0]) != "application/json":
            raise Problem(415, "media_type", "Send the body as application/json.")
        read_json(request.body)
    except Malformed as fault:
        raise Problem(400, "malformed", str(fault)) from None


def _refuse_unknown(request: Request, operation: Operation[Any, Any], binding: Binding) -> None:
    """Refuse parameters of the query that are not known, or stand twice."""
    known = set(binding.beside(operation)) if binding.method == "GET" else set()
    if binding.order:
        known |= _BESIDE
    sent = [name for name, _ in request.query_params.multi_items()]
    for name in sent:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise Problem(
                400, "malformed", f"The query has a parameter that is not known; there are: {listed}."
            )
        if sent.count(name) > 1:
            raise Problem(400, "malformed", f"The query has the parameter {name} twice.")


def _response(answer: HttpResponse) -> Response:
    made = Response(answer.body, answer.status)
    made.raw_headers = [(name, value) for name, value in answer.headers]
    return made


async def _problem(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Problem)  # noqa: S101 - registered for it
    return _response(problems.answer(fault, request.state.caller.request_id))


async def _http(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)  # noqa: S101 - registered for it
    if fault.status_code == 405:
        allowed = ", ".join(_methods(request))
        problem = Problem(
            405,
            "method_not_allowed",
            f"This path takes {allowed} only.",
            headers=((b"allow", allowed.encode("ascii")),),
        )
    elif fault.status_code == 404:
        problem = Problem(
            404, "not_found", "Nothing stands at this path; the document names those that there are."
        )
    else:
        problem = Problem(400, "malformed", "The request cannot be read.")
    return await _problem(request, problem)


def _methods(request: Request) -> list[str]:
    """What may be asked of the path, whichever route answered first."""
    matching = (route for route in request.app.routes if isinstance(route, APIRoute))
    found = {
        name for route in matching if route.path_regex.match(request.url.path) for name in route.methods or ()
    }
    return sorted(found | {"HEAD"} if "GET" in found else found)


async def _invalid(request: Request, fault: Exception) -> Response:
    """What does not fit the types: one sentence per fault, none of which repeats what was sent."""
    assert isinstance(fault, RequestValidationError)  # noqa: S101 - registered for it
    details = [
        Detail(_pointer(each["loc"]), f"{_where(each['loc'])}: {_sentence(each)}")
        for each in fault.errors()[:20]
    ]
    in_body = any(each["loc"][0] == "body" for each in fault.errors())
    status, kind = (422, "invalid") if in_body else (400, "malformed")
    sentence = details[0].sentence if details else "The input does not fit."
    return await _problem(request, Problem(status, kind, sentence, details))


def _where(place: tuple[Any, ...]) -> str:
    return ".".join(str(each)[:60] for each in place[1:]) or str(place[0])


def _pointer(place: tuple[Any, ...]) -> str:
    steps = (str(each)[:60].replace("~", "~0").replace("/", "~1") for each in place[1:])
    return "#" + "".join(f"/{step}" for step in steps)


def _sentence(error: Mapping[str, Any]) -> str:
    text = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        text = "there is no such field"
    elif error["type"] == "missing":
        text = "it is missing"
    return text[:1].lower() + text[1:] + ("" if text.endswith(".") else ".")


async def _answered(
    app: FastAPI, request: HttpRequest, path: str, state: MutableMapping[str, Any]
) -> HttpResponse:
    """Run the ASGI application on one request; its path stays percent-encoded until each segment is cut out."""
    head = request.method == "HEAD"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET" if head else request.method,
        "path": path,
        "raw_path": path.encode("latin-1"),
        "query_string": request.query,
        "headers": list(request.headers),
        "scheme": "https",
        "server": ("", 443),
        "client": None,
        "root_path": "",
        "state": state,
    }
    started: MutableMapping[str, Any] = {}
    parts: list[bytes] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    headers = tuple((name, value) for name, value in started["headers"] if name != b"content-length")
    return HttpResponse(started["status"], headers, b"".join(parts))
