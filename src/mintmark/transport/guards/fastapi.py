"""The door of FastAPI: ``caller: Caller = Depends(require(guard, "bookings:read"))``.

OpenAPI shows the scopes of each operation, a plain Bearer token and, once `describe` named the token URL,
the client credentials flow. A refusal is an HTTPException with status and challenge; after `attach` its body is
the guard's own. FastAPI reads a body before it asks its dependencies; where that matters, put
`guards.asgi.GuardMiddleware` in front.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import Parameter, Signature
from weakref import WeakKeyDictionary

from fastapi import FastAPI, HTTPException, Request, Response, Security, WebSocket, WebSocketException
from fastapi.openapi.models import HTTPBearer, OAuth2, OAuthFlowClientCredentials, OAuthFlows
from fastapi.requests import HTTPConnection
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase

from mintmark.resource_server.caller import Caller
from mintmark.transport.guards import asgi
from mintmark.transport.guards.entrance import Guard, checked, document, text_headers, well_known_paths
from mintmark.values.errors import OAuthError
from mintmark.wire.http import HttpResponse


class Refused(HTTPException):
    """A refused request. `answer`: the guard's own answer."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__(answer.status, json.loads(answer.body), text_headers(answer))
        self.answer = answer


class RefusedWebSocket(WebSocketException):
    """A websocket that was refused before it was accepted. `answer`: what a request would have got."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__(asgi.POLICY_VIOLATION, "Unauthorized")
        self.answer = answer


@dataclass(frozen=True)
class Requirement:
    """A dependency that gives the caller. Equal ones are one to FastAPI, in its cache and its overrides."""

    guard: Guard
    scopes: tuple[str, ...]
    __signature__: Signature = field(compare=False, repr=False)

    async def __call__(self, connection: HTTPConnection, more: SecurityScopes, **_: None) -> Caller:
        """The caller of `connection`, permitted our scopes and those of a ``Security(..., scopes=...)``
        around. Raises Refused or RefusedWebSocket."""
        scopes = tuple(dict.fromkeys((*self.scopes, *more.scopes)))
        try:
            return await self.guard.averify(connection.scope["headers"], *scopes)
        except OAuthError as error:
            answer = self.guard.refusal(error, *scopes)
            raise (Refused if connection.scope["type"] == "http" else RefusedWebSocket)(answer) from None


def describe(guard: Guard, token_url: str, scopes: Mapping[str, str] | None = None) -> None:
    """Show the client credentials flow in OpenAPI, with what `scopes` mean. To be called once, before the
    guard's first `require`; raises ValueError later."""
    if guard in _SCHEMES:
        raise ValueError("describe a guard once, before its first require")
    _SCHEMES[guard] = _Schemes(token_url, scopes or {})


def require(guard: Guard, *scopes: str) -> Requirement:
    """The dependency that lets a call in whose token has all of `scopes`, and gives its `Caller`."""
    schemes = _SCHEMES.setdefault(guard, _Schemes())
    schemes.show(checked(scopes))
    parameters = [
        Parameter("connection", Parameter.KEYWORD_ONLY, annotation=HTTPConnection),
        Parameter("more", Parameter.KEYWORD_ONLY, annotation=SecurityScopes),
    ]
    for scheme in schemes.all:
        shown = Security(scheme, scopes=list(scopes))
        parameters.append(Parameter(scheme.scheme_name, Parameter.KEYWORD_ONLY, default=shown))
    return Requirement(guard, scopes, Signature(parameters, return_annotation=Caller))


def attach(app: FastAPI, guard: Guard) -> None:
    """Give refusals the guard's own body, websockets included, and serve its document (RFC 9728 §3)."""
    app.add_exception_handler(Refused, _refuse)  # type: ignore[arg-type]  # the handler of this very class
    app.add_exception_handler(RefusedWebSocket, _refuse_websocket)  # type: ignore[arg-type]
    for path in well_known_paths(guard):

        @app.get(path, include_in_schema=False)
        async def describe() -> Response:
            return _response(document(guard))


class _Scheme(SecurityBase):
    """A name in OpenAPI's securitySchemes; as a dependency it looks at nothing."""

    def __init__(self, name: str, model: HTTPBearer | OAuth2) -> None:
        self.scheme_name = name
        self.model = model

    async def __call__(self) -> None:
        """The guard checks the token, not this."""


class _Schemes:
    """The security schemes of one guard; the flow lists every scope that some operation needs."""

    def __init__(self, token_url: str = "", scopes: Mapping[str, str] | None = None) -> None:
        self.all = [_Scheme("bearer", HTTPBearer(description="An access token of the issuer."))]
        self._listed: dict[str, str] = {}
        if token_url:
            flow = OAuthFlowClientCredentials(tokenUrl=token_url, scopes=dict(scopes or {}))
            self._listed = flow.scopes
            self.all.insert(0, _Scheme("oauth2", OAuth2(flows=OAuthFlows(clientCredentials=flow))))

    def show(self, scopes: tuple[str, ...]) -> None:
        for scope in scopes:
            self._listed.setdefault(scope, "")


_SCHEMES: WeakKeyDictionary[Guard, _Schemes] = WeakKeyDictionary()


async def _refuse(_: Request, refused: Refused) -> Response:
    return _response(refused.answer)


async def _refuse_websocket(socket: WebSocket, refused: RefusedWebSocket) -> None:
    await asgi.refuse(socket.scope, socket.receive, socket.send, refused.answer)


def _response(answer: HttpResponse) -> Response:
    headers: Mapping[str, str] = text_headers(answer)
    return Response(answer.body, answer.status, headers)
