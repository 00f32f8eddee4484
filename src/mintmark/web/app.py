"""What the server answers to a request: finds the route, caps the body and hands the request to the role behind it.

Token routes come first and touch no framework. Every answer bears an X-Request-Id; a fault inside is logged with
it and answered by a 500 that says nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mintmark.authorization_server.metadata import KEY_SET_MAX_AGE
from mintmark.authorization_server.ports import EnvironmentView
from mintmark.dialect import Dialect
from mintmark.values.tenancy import Mount
from mintmark.web import answers
from mintmark.web.callers import Caller, Callers
from mintmark.web.cors import cors_headers, preflight
from mintmark.web.documents import DOUBTFUL_MAX_AGE, document_answer, refused
from mintmark.web.environment_document import Described
from mintmark.web.exchange import CLOSE
from mintmark.web.operations import Operations
from mintmark.web.protocol import BODY_LIMIT
from mintmark.web.refusal_log import RefusalLog
from mintmark.web.request_id import HEADER
from mintmark.web.routing import Endpoint, Located, Misdirected, Routes
from mintmark.web.tenant_page import tenant_page
from mintmark.wire.http import Headers, HttpRequest, HttpResponse

_TOO_LARGE = f"The body is larger than {BODY_LIMIT} bytes."

#: Of the issuer's endpoints; what is not named here takes GET.
_METHODS: Mapping[Endpoint, Sequence[str]] = {
    "introspection": ("POST",),
    "revocation": ("POST",),
    "status_lists": ("GET", "HEAD"),
    "status_list": ("GET", "HEAD"),
}


class TokenEndpoint(Protocol):
    """The issuing role, as `authorization_server.token_endpoint` implements it."""

    def respond(
        self, request: HttpRequest, environment: str, path: str, peer: str, request_id: str, now: float
    ) -> Coroutine[Any, Any, HttpResponse]:
        """The answer to a POST to the mount at `path` of `environment`; never raises for what a caller does."""
        ...


class IssuerEndpoint(Protocol):
    """An endpoint of the issuer: `client_endpoint` of the role for authenticated clients, `status_lists` for all."""

    def respond(
        self, request: HttpRequest, environment: str, peer: str, request_id: str, now: float
    ) -> Coroutine[Any, Any, HttpResponse]:
        """The answer to a request; never raises for what a caller does."""
        ...


class Resources(Protocol):
    """Protected resources below an environment, such as the sample APIs."""

    def stands_at(self, view: EnvironmentView, path: str) -> bool:
        """Whether there is a resource of this environment at this path."""
        ...

    def respond(
        self, request: HttpRequest, view: EnvironmentView, now: float, peer: str
    ) -> Coroutine[Any, Any, HttpResponse]:
        """The answer of the resource at the request's path. `peer`: the caller's address."""
        ...

    def described(self, view: EnvironmentView) -> Sequence[Described]:
        """What there is below this environment, for its OpenAPI document."""
        ...


class Face(Protocol):
    """What people and programs administer by: the admin API, the console."""

    def respond(self, request: HttpRequest, caller: Caller, now: float) -> Coroutine[Any, Any, HttpResponse]:
        """The answer to a request whose path is below the public URL; never raises for what a caller does."""
        ...

    def refuse(self, status: int, sentence: str, request_id: str) -> HttpResponse:
        """The answer to a request that could not be read."""
        ...


async def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Application:
    """`now()`: seconds since the epoch. `endpoints`: the issuer's other endpoints. `resources`: what else stands below
    an environment. `faces`: by how their paths below the public URL begin; only its host reaches them.
    `console`: its URL, where the `manager` hosts lead; empty when there is none. `operations`: what load balancers ask,
    by whatever host name they do. `settled`: lets `routes` catch up with what other processes did, and says whether
    they have.
    """

    routes: Routes
    callers: Callers
    token_endpoint: TokenEndpoint
    refusals: RefusalLog
    now: Callable[[], float]
    resources: Resources | None = None
    endpoints: Mapping[Endpoint, IssuerEndpoint] = field(default_factory=dict)
    faces: Mapping[str, Face] = field(default_factory=dict)
    console: str = ""
    operations: Operations | None = None
    settled: Callable[[], Awaitable[bool]] = _always

    async def respond(self, request: HttpRequest, peer: str) -> HttpResponse:
        """The answer to a request that came over a connection from `peer`; never raises."""
        now = self.now()
        caller = self.callers.identify(peer, request.headers, now)
        try:
            answer = self._route(request, caller, now)
            response = answer if isinstance(answer, HttpResponse) else await answer
        except Exception:
            response = answers.refusal(
                500, "server_error", "Something went wrong inside; it has been logged."
            )
            self.refusals.note(now, caller, request.method, request.path, response, fault=True)
        else:
            if response.status >= 400:
                self.refusals.note(now, caller, request.method, request.path, response)
        identified = ((HEADER, caller.request_id.encode("ascii")),)
        return HttpResponse(response.status, response.headers + identified, response.body)

    def _route(
        self, request: HttpRequest, caller: Caller, now: float
    ) -> HttpResponse | Coroutine[Any, Any, HttpResponse]:
        """The answer, or what will give it."""
        host: str | None = None
        origin = ""
        too_large = len(request.body) > BODY_LIMIT
        for name, value in request.headers:
            if name == b"host":
                if host is not None:
                    return answers.refusal(400, "invalid_request", "The Host header stands twice.")
                host = value.decode("latin-1").lower()
            elif name == b"origin":
                origin = value.decode("latin-1")
            elif name == b"content-length":
                too_large = too_large or int(value) > BODY_LIMIT
        if not host:
            return answers.refusal(400, "invalid_request", "The Host header is missing.")
        try:
            located = self.routes.find(host, request.path)
        except Misdirected:
            return self._probe(request) or answers.misdirected()
        if located is None:
            return self._probe(request) or self._face(request, host, caller, now, too_large=too_large)
        if too_large:
            return _too_large(located, origin)
        if located.mounted is not None:
            return self._token(request, located, *located.mounted, origin, caller, now)
        below = HttpRequest(request.method, located.path, request.query, request.headers, request.body)
        view, path, role = located.view, located.path, located.role
        if located.document == "keys":
            return refused(view, request.method) or self._key_set(below, host, request.path)
        if located.document is not None:
            described = () if self.resources is None else self.resources.described(view)
            return document_answer(located.document, view, request.method, request.headers, now, described)
        if located.endpoint is not None:
            return self._issuer(below, view, located.endpoint, caller, now)
        if self.resources is not None and role in (None, "api") and self.resources.stands_at(view, path):
            return self._resource(self.resources, below, view, origin, caller, now)
        if path == "/" and role in (None, "manager"):
            if request.method not in ("GET", "HEAD"):
                return answers.method_not_allowed(("GET", "HEAD"))
            if role == "manager" and self.console:
                return answers.see_other(f"{self.console}/e/{view.environment.id}/applications")
            return tenant_page(view, now, self.console)
        return answers.not_found()

    async def _key_set(self, request: HttpRequest, host: str, path: str) -> HttpResponse:
        """As of this moment: a key that any process has made before is in it. When that cannot be known, the keys that
        are known go on being published.
        """
        settled = await self.settled()
        located = self.routes.find(host, path)
        if located is None or located.document != "keys":
            return answers.not_found()
        max_age = KEY_SET_MAX_AGE if settled else DOUBTFUL_MAX_AGE
        return document_answer(
            "keys", located.view, request.method, request.headers, self.now(), max_age=max_age
        )

    def _probe(self, request: HttpRequest) -> Coroutine[Any, Any, HttpResponse] | None:
        return None if self.operations is None else self.operations.probe(request)

    def _face(
        self, request: HttpRequest, host: str, caller: Caller, now: float, *, too_large: bool
    ) -> HttpResponse | Coroutine[Any, Any, HttpResponse]:
        path = self.routes.below_public_url(host, request.path)
        if path is None:
            return answers.not_found()
        for beginning, face in self.faces.items():
            if path == beginning or path.startswith(f"{beginning}/"):
                if too_large:
                    refused = face.refuse(413, _TOO_LARGE, caller.request_id)
                    return HttpResponse(refused.status, (*refused.headers, CLOSE), refused.body)
                below = HttpRequest(request.method, path, request.query, request.headers, request.body)
                return face.respond(below, caller, now)
        return answers.not_found()

    def _token(
        self,
        request: HttpRequest,
        located: Located,
        mount: Mount,
        dialect: Dialect,
        origin: str,
        caller: Caller,
        now: float,
    ) -> HttpResponse | Coroutine[Any, Any, HttpResponse]:
        browser = bool(mount.origins) and dialect.admits_cors
        if request.method != "POST":
            if request.method == "OPTIONS" and browser:
                return preflight(mount.origins, origin)
            return answers.method_not_allowed(("OPTIONS", "POST") if browser else ("POST",))
        answer = self.token_endpoint.respond(
            request, located.view.environment.id, mount.path, caller.peer, caller.request_id, now
        )
        return _shared(answer, cors_headers(mount.origins, origin)) if browser else answer

    def _issuer(
        self, request: HttpRequest, view: EnvironmentView, name: Endpoint, caller: Caller, now: float
    ) -> HttpResponse | Coroutine[Any, Any, HttpResponse]:
        endpoint = self.endpoints.get(name)
        if endpoint is None:
            return answers.not_found()
        methods = _METHODS.get(name, ("GET",))
        if request.method not in methods:
            return answers.method_not_allowed(methods)
        return endpoint.respond(request, view.environment.id, caller.peer, caller.request_id, now)

    def _resource(
        self,
        resources: Resources,
        request: HttpRequest,
        view: EnvironmentView,
        origin: str,
        caller: Caller,
        now: float,
    ) -> HttpResponse | Coroutine[Any, Any, HttpResponse]:
        mounts = view.mounts.values()
        origins = [web for mount, dialect in mounts if dialect.admits_cors for web in mount.origins]
        if origins and request.method == "OPTIONS":
            return preflight(origins, origin, "GET, POST")
        answer = resources.respond(request, view, now, caller.peer)
        return _shared(answer, cors_headers(origins, origin)) if origins else answer


def _too_large(located: Located, origin: str) -> HttpResponse:
    headers: Headers = (CLOSE,)
    if located.mounted is not None and located.mounted[1].admits_cors:
        headers += cors_headers(located.mounted[0].origins, origin)
    return answers.refusal(413, "invalid_request", _TOO_LARGE, headers)


async def _shared(answer: Awaitable[HttpResponse], headers: Headers) -> HttpResponse:
    """The answer with headers that let a page of another origin read it."""
    response = await answer
    return HttpResponse(response.status, response.headers + headers, response.body)
