"""The door of any ASGI application: a middleware over HTTP and websockets, for Starlette and FastAPI, too.

The caller stands in ``scope["auth"]`` and in ``scope["state"]["caller"]``. A websocket is refused before it is
accepted: with the guard's answer where the server can send one, else by close code 1008 (RFC 6455 §7.4.1).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from mintmark.resource_server.caller import Caller
from mintmark.transport.guards.entrance import Entrance, Guard, with_length
from mintmark.values.errors import OAuthError
from mintmark.wire.http import HttpResponse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY_VIOLATION = 1008


class GuardMiddleware:
    """Lets calls through to `app` that carry a token with all of `scopes`, and calls of `open_paths`.

    A token is checked when a websocket opens; who keeps it open for long watches ``caller.expires_at``.
    A CORS middleware belongs outside of this one: a preflight request carries no token.
    """

    def __init__(self, app: Application, guard: Guard, *scopes: str, open_paths: Iterable[str] = ()) -> None:
        self._app = app
        self._entrance = Entrance(guard, scopes, tuple(open_paths))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection. Raises ValueError on a kind that it does not know."""
        kind = scope["type"]
        if kind == "lifespan":
            await self._app(scope, receive, send)
            return
        if kind not in ("http", "websocket"):
            raise ValueError(f"the guard knows no ASGI connection of the type {kind!r}")
        path = _path(scope)
        document = self._entrance.document(scope["method"], path) if kind == "http" else None
        if document is not None:
            await _answer(scope, send, document)
            return
        caller = None
        if not self._entrance.is_open(path):
            try:
                caller = await self._entrance.averify(scope["headers"])
            except OAuthError as error:
                await refuse(scope, receive, send, self._entrance.refusal(error))
                return
        await self._app(_identified(scope, caller), receive, send)


async def refuse(scope: Scope, receive: Receive, send: Send, answer: HttpResponse) -> None:
    """Give `answer` to a request, or refuse a websocket that was not accepted yet with it."""
    if scope["type"] == "websocket":
        await receive()  # websocket.connect, which an application has to take before it says anything
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": "Unauthorized"})
            return
    await _answer(scope, send, answer)


async def _answer(scope: Scope, send: Send, answer: HttpResponse) -> None:
    kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
    await send({"type": f"{kind}.start", "status": answer.status, "headers": list(with_length(answer))})
    await send({"type": f"{kind}.body", "body": answer.body})


def _path(scope: Scope) -> str:
    """The path below the mount, which is what the application's own routes are matched with."""
    path: str = scope["path"]
    mount: str = scope.get("root_path") or ""
    return path.removeprefix(mount) if path.startswith(f"{mount}/") else path


def _identified(scope: Scope, caller: Caller | None) -> Scope:
    """A copy with the caller. The state is copied, too: some servers share one among requests."""
    return {**scope, "auth": caller, "state": {**(scope.get("state") or {}), "caller": caller}}
