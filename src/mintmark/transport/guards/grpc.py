"""The doors of gRPC: interceptors for `grpc.server` and `grpc.aio.server`. A method asks `current_caller()`.

A refusal is UNAUTHENTICATED, PERMISSION_DENIED or UNAVAILABLE; the challenge and Retry-After stand in the trailing
metadata. A call is checked before its method begins; who keeps a stream open for long watches
``caller.expires_at``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextvars import Context, ContextVar, copy_context
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final

import grpc
import grpc.aio

from mintmark.resource_server.caller import Caller
from mintmark.transport.guards.entrance import Guard, checked
from mintmark.values.errors import OAuthError
from mintmark.wire.http import HttpResponse

_CALLER: ContextVar[Caller | None] = ContextVar("mintmark_caller", default=None)
_CODES: Final = {
    403: grpc.StatusCode.PERMISSION_DENIED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
_TRAILED: Final = frozenset({b"www-authenticate", b"retry-after"})

if TYPE_CHECKING:  # generic in its stubs only
    Handler = grpc.RpcMethodHandler[Any, Any]


def current_caller() -> Caller:
    """Who calls the method that runs now. Raises LookupError outside of a guarded method."""
    caller = _CALLER.get()
    if caller is None:
        raise LookupError("no guarded gRPC method runs here")
    return caller


class _Rules:
    """Which scopes a method needs. Raises ValueError when a method's name is not a full one."""

    def __init__(
        self,
        guard: Guard,
        scopes: tuple[str, ...],
        methods: Mapping[str, Iterable[str]],
        open_methods: Iterable[str],
    ) -> None:
        named = (*methods, *open_methods)
        if isinstance(open_methods, str) or not all(name.startswith("/") for name in named):
            raise ValueError("a method is named in full, as in /package.Service/Method")
        if any(isinstance(needed, str) for needed in methods.values()):
            raise ValueError("the scopes of a method are a list of them")
        self.guard = guard
        self._scopes = checked(scopes)
        self._methods = {name: checked(needed) for name, needed in methods.items()}
        self._open = frozenset(open_methods)

    def scopes(self, method: str) -> tuple[str, ...] | None:
        """The scopes that `method` needs, or None when it is open."""
        return None if method in self._open else self._methods.get(method, self._scopes)


class GuardInterceptor(grpc.ServerInterceptor):
    """For `grpc.server(..., interceptors=[...])`. Runs in the thread of the call.

    `scopes`: what every method needs that `methods` (full name to scopes) does not name. `open_methods` need no
    token.
    """

    def __init__(
        self,
        guard: Guard,
        *scopes: str,
        methods: Mapping[str, Iterable[str]] | None = None,
        open_methods: Iterable[str] = (),
    ) -> None:
        self._rules = _Rules(guard, scopes, methods or {}, open_methods)

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Handler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """The method's handler behind the guard; None where there is no such method."""
        handler = continuation(handler_call_details)
        scopes = self._rules.scopes(handler_call_details.method)
        if handler is None or scopes is None:
            return handler
        return _replaced(handler, _in_a_thread(self._rules.guard, scopes, handler))


class AsyncGuardInterceptor(grpc.aio.ServerInterceptor):
    """For `grpc.aio.server(interceptors=[...])`, with the arguments of `GuardInterceptor`."""

    def __init__(
        self,
        guard: Guard,
        *scopes: str,
        methods: Mapping[str, Iterable[str]] | None = None,
        open_methods: Iterable[str] = (),
    ) -> None:
        self._rules = _Rules(guard, scopes, methods or {}, open_methods)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The method's handler behind the guard; None where there is no such method."""
        handler = await continuation(handler_call_details)
        scopes = self._rules.scopes(handler_call_details.method)
        if handler is None or scopes is None:
            return handler
        behaviour = _behaviour(handler)
        if isasyncgenfunction(behaviour) or iscoroutinefunction(behaviour):
            return _replaced(handler, _in_the_loop(self._rules.guard, scopes, handler))
        return _replaced(handler, _in_a_thread(self._rules.guard, scopes, handler))


def _in_a_thread(guard: Guard, scopes: tuple[str, ...], handler: Handler) -> Callable[..., Any]:
    behaviour = _behaviour(handler)

    def admitted(context: grpc.ServicerContext) -> Context:
        """A context in which the caller is known."""
        try:
            caller = guard.verify(context.invocation_metadata(), *scopes)
        except OAuthError as error:
            answer = guard.refusal(error, *scopes)
            context.set_trailing_metadata(_trailers(answer))
            context.abort(_code(answer), error.description)
        here = copy_context()
        here.run(_CALLER.set, caller)
        return here

    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        return admitted(context).run(behaviour, request, context)

    def answers(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        # All in the generator, whose body runs in a thread on both kinds of server.
        run, end = admitted(context).run, object()
        messages = iter(run(behaviour, request, context))
        while (message := run(next, messages, end)) is not end:
            yield message

    return answers if handler.response_streaming else answer


def _in_the_loop(guard: Guard, scopes: tuple[str, ...], handler: Handler) -> Callable[..., Any]:
    behaviour = _behaviour(handler)

    async def admit(context: grpc.aio.ServicerContext[Any, Any]) -> None:
        try:
            _CALLER.set(await guard.averify(context.invocation_metadata() or (), *scopes))
        except OAuthError as error:
            answer = guard.refusal(error, *scopes)
            await context.abort(_code(answer), error.description, _trailers(answer))

    async def answers(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
        await admit(context)
        async for message in behaviour(request, context):
            yield message

    async def answer(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        await admit(context)
        return await behaviour(request, context)

    return answers if isasyncgenfunction(behaviour) else answer


def _behaviour(handler: Handler) -> Callable[..., Any]:
    """What the service wrote for the method."""
    found: Callable[..., Any] = getattr(handler, _kind(handler))
    return found


def _replaced(handler: Handler, behaviour: Callable[..., Any]) -> Handler:
    make = getattr(grpc, f"{_kind(handler)}_rpc_method_handler")
    replaced: Handler = make(behaviour, handler.request_deserializer, handler.response_serializer)
    return replaced


def _kind(handler: Handler) -> str:
    """gRPC's name for the four kinds of methods: in its handlers' attributes and in their makers."""
    words = {False: "unary", True: "stream"}
    return f"{words[handler.request_streaming]}_{words[handler.response_streaming]}"


def _code(answer: HttpResponse) -> grpc.StatusCode:
    return _CODES.get(answer.status, grpc.StatusCode.UNAUTHENTICATED)


def _trailers(answer: HttpResponse) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("ascii"), value.decode("ascii")) for name, value in answer.headers if name in _TRAILED
    )
