"""The ASGI application: finds the route, caps the body, hands values to the roles and writes their answer.

Token routes come first and touch no framework. Every answer bears an X-Request-Id; a fault inside is logged with
it and answered by a 500 that says nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mintmark.authorization_server.ports import EnvironmentView
from mintmark.dialect import Dialect
from mintmark.values.tenancy import Mount
from mintmark.web import answers
from mintmark.web.body import CLOSE, BodyRefused, Disconnected, Receive, read_body
from mintmark.web.callers import Caller, Callers
from mintmark.web.cors import cors_headers, preflight
from mintmark.web.documents import document_answer
from mintmark.web.refusal_log import RefusalLog
from mintmark.web.request_id import HEADER
from mintmark.web.routing import Endpoint, Located, Misdirected, Routes
from mintmark.web.tenant_page import tenant_page
from mintmark.wire.http import Headers, HttpRequest, HttpResponse

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class TokenEndpoint(Protocol):
    """The issuing role, as `authorization_server.token_endpoint` implements it."""

    async def respond(
        self, request: HttpRequest, environment: str, path: str, peer: str, request_id: str, now: float
    ) -> HttpResponse:
        """The answer to a POST to the mount at `path` of `environment`; never raises for what a caller does."""
        ...


class IssuerEndpoint(Protocol):
    """An endpoint of the issuer for authenticated clients, as `authorization_server.client_endpoint` implements it."""

    async def respond(
        self, request: HttpRequest, environment: str, peer: str, request_id: str, now: float
    ) -> HttpResponse:
        """The answer to a request; never raises for what a caller does."""
        ...


class Resources(Protocol):
    """Protected resources below an environment, such as the sample APIs."""

    def stands_at(self, view: EnvironmentView, path: str) -> bool:
        """Whether there is a resource of this environment at this path."""
        ...

    async def respond(
        self, request: HttpRequest, view: EnvironmentView, now: float, peer: str
    ) -> HttpResponse:
        """The answer of the resource at the request's path. `peer`: the caller's address."""
        ...


class Face(Protocol):
    """What people and programs administer by: the admin API, the console."""

    async def respond(self, request: HttpRequest, caller: Caller, now: float) -> HttpResponse:
        """The answer to a request whose path is below the public URL; never raises for what a caller does."""
        ...

    def refuse(self, status: int, sentence: str, request_id: str) -> HttpResponse:
        """The answer to a request that could not be read."""
        ...


@dataclass(frozen=True, slots=True)
class Application:
    """`now()`: seconds since the epoch. `endpoints`: the issuer's other endpoints. `resources`: what else stands below
    an environment. `faces`: by how their paths below the public URL begin; only its host reaches them.
    """

    routes: Routes
    callers: Callers
    token_endpoint: TokenEndpoint
    refusals: RefusalLog
    now: Callable[[], float]
    resources: Resources | None = None
    endpoints: Mapping[Endpoint, IssuerEndpoint] = field(default_factory=dict)
    faces: Mapping[str, Face] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request."""
        headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
        client = scope.get("client")
        now = self.now()
        caller = self.callers.identify(client[0] if client else "", headers, now)
        try:
            response = await self._answer(scope, headers, receive, caller, now)
        except Disconnected:
            return
        except Exception:
            response = answers.refusal(
                500, "server_error", "Something went wrong inside; it has been logged."
            )
            self.refusals.note(now, caller, scope["method"], scope["path"], response, fault=True)
        else:
            if response.status >= 400:
                self.refusals.note(now, caller, scope["method"], scope["path"], response)
        await _send(send, response, caller.request_id, head=scope["method"] == "HEAD")

    async def _answer(
        self,
        scope: Scope,
        headers: Sequence[tuple[bytes, bytes]],
        receive: Receive,
        caller: Caller,
        now: float,
    ) -> HttpResponse:
        host: str | None = None
        origin = ""
        for name, value in headers:
            if name == b"host":
                if host is not None:
                    return answers.refusal(400, "invalid_request", "The Host header stands twice.")
                host = value.decode("latin-1").lower()
            elif name == b"origin":
                origin = value.decode("latin-1")
        if not host:
            return answers.refusal(400, "invalid_request", "The Host header is missing.")
        try:
            located = self.routes.find(host, scope["raw_path"].decode("latin-1"))
        except Misdirected:
            return answers.misdirected()
        if located is None:
            return await self._face(scope, headers, receive, host, caller, now)
        if located.mounted is not None:
            return await self._token(scope, headers, receive, located, *located.mounted, origin, caller, now)
        view, path, role = located.view, located.path, located.role
        if located.document is not None:
            return document_answer(located.document, view, scope["method"], headers, now)
        if located.endpoint is not None:
            return await self._issuer(scope, headers, receive, located, located.endpoint, caller, now)
        if self.resources is not None and role in (None, "api") and self.resources.stands_at(view, path):
            return await self._resource(self.resources, scope, headers, receive, located, origin, caller, now)
        if path == "/" and role in (None, "manager"):
            if scope["method"] not in ("GET", "HEAD"):
                return answers.method_not_allowed(("GET", "HEAD"))
            return tenant_page(view, now)
        return answers.not_found()

    async def _token(
        self,
        scope: Scope,
        headers: Sequence[tuple[bytes, bytes]],
        receive: Receive,
        located: Located,
        mount: Mount,
        dialect: Dialect,
        origin: str,
        caller: Caller,
        now: float,
    ) -> HttpResponse:
        browser = bool(mount.origins) and dialect.admits_cors
        method = scope["method"]
        if method != "POST":
            if method == "OPTIONS" and browser:
                return preflight(mount.origins, origin)
            return answers.method_not_allowed(("OPTIONS", "POST") if browser else ("POST",))
        try:
            body = await read_body(headers, receive)
        except BodyRefused as refused:
            response = refused.response
        else:
            environment = located.view.environment.id
            if not self.routes.stands(environment, mount.path):
                return answers.not_found()  # it was removed while the body arrived
            request = HttpRequest("POST", located.path, scope["query_string"], tuple(headers), body)
            response = await self.token_endpoint.respond(
                request, environment, mount.path, caller.peer, caller.request_id, now
            )
        return _with(response, cors_headers(mount.origins, origin)) if browser else response

    async def _face(
        self,
        scope: Scope,
        headers: Sequence[tuple[bytes, bytes]],
        receive: Receive,
        host: str,
        caller: Caller,
        now: float,
    ) -> HttpResponse:
        path = self.routes.below_public_url(host, scope["raw_path"].decode("latin-1"))
        for beginning, face in self.faces.items() if path else ():
            if path is not None and (path == beginning or path.startswith(f"{beginning}/")):
                try:
                    body = await read_body(headers, receive)
                except BodyRefused as refused:
                    answer = face.refuse(refused.response.status, refused.sentence, caller.request_id)
                    return _with(answer, CLOSE)
                request = HttpRequest(scope["method"], path, scope["query_string"], tuple(headers), body)
                return await face.respond(request, caller, now)
        return answers.not_found()

    async def _issuer(
        self,
        scope: Scope,
        headers: Sequence[tuple[bytes, bytes]],
        receive: Receive,
        located: Located,
        name: Endpoint,
        caller: Caller,
        now: float,
    ) -> HttpResponse:
        endpoint = self.endpoints.get(name)
        if endpoint is None:
            return answers.not_found()
        method = "POST" if name in ("introspection", "revocation") else "GET"
        if scope["method"] != method:
            return answers.method_not_allowed((method,))
        try:
            body = await read_body(headers, receive)
        except BodyRefused as refused:
            return refused.response
        environment = located.view.environment.id
        if self.routes.find_environment(environment) is None:
            return answers.not_found()  # it was removed while the body arrived
        request = HttpRequest(method, located.path, scope["query_string"], tuple(headers), body)
        return await endpoint.respond(request, environment, caller.peer, caller.request_id, now)

    async def _resource(
        self,
        resources: Resources,
        scope: Scope,
        headers: Sequence[tuple[bytes, bytes]],
        receive: Receive,
        located: Located,
        origin: str,
        caller: Caller,
        now: float,
    ) -> HttpResponse:
        mounts = located.view.mounts.values()
        origins = [web for mount, dialect in mounts if dialect.admits_cors for web in mount.origins]
        if origins and scope["method"] == "OPTIONS":
            return preflight(origins, origin, "GET, POST")
        try:
            body = await read_body(headers, receive)
        except BodyRefused as refused:
            return refused.response
        request = HttpRequest(scope["method"], located.path, scope["query_string"], tuple(headers), body)
        response = await resources.respond(request, located.view, now, caller.peer)
        return _with(response, cors_headers(origins, origin)) if origins else response


def _with(response: HttpResponse, headers: Headers) -> HttpResponse:
    return HttpResponse(response.status, response.headers + headers, response.body)


async def _send(send: Send, response: HttpResponse, request_id: str, *, head: bool) -> None:
    headers = [
        *response.headers,
        (b"content-length", str(len(response.body)).encode("ascii")),
        (HEADER, request_id.encode("ascii")),
    ]
    if response.status in (204, 304):
        headers = [pair for pair in headers if pair[0] != b"content-length"]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.body})
