"""gRPC: both interceptors, on real servers, for the four kinds of methods."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import grpc.aio
import pytest

from mintmark.transport.guards.grpc import AsyncGuardInterceptor, GuardInterceptor, current_caller
from tests.transport.guards.contract import DoorContract
from tests.transport.guards.world import SCOPE, Answer, Door, Headers, World

KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")
STATUS = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "UNAVAILABLE": 503, "UNKNOWN": 500}


def who(*_: Any) -> bytes:
    return current_caller().client_id.encode()


def who_each(*_: Any) -> Iterator[bytes]:
    yield who()
    yield who()


async def who_on_the_loop(*_: Any) -> bytes:
    return who()


async def who_each_on_the_loop(*_: Any) -> Any:
    yield who()
    yield who()


async def who_by_writing(request: Any, context: Any) -> None:
    await context.write(who())
    await context.write(who())


def open_to_all(*_: Any) -> bytes:
    with pytest.raises(LookupError):
        current_caller()
    return b"None"


def service(one: Any, each: Any, opened: Any = open_to_all) -> grpc.GenericRpcHandler:
    """The methods /bookings/<kind>, and /bookings/open."""
    makers = {kind: getattr(grpc, f"{kind}_rpc_method_handler") for kind in KINDS}
    methods = {kind: make(each if kind.endswith("stream") else one) for kind, make in makers.items()}
    methods["open"] = grpc.unary_unary_rpc_method_handler(opened)
    return grpc.method_handlers_generic_handler("bookings", methods)


@contextmanager
def channel_to(*interceptors: GuardInterceptor) -> Iterator[grpc.Channel]:
    with ThreadPoolExecutor(4) as threads:
        server = grpc.server(threads, interceptors=interceptors)
        server.add_generic_rpc_handlers((service(who, who_each),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield channel
        finally:
            server.stop(None).wait()


def call(channel: grpc.Channel, kind: str, headers: Headers, method: str = "") -> Answer:
    """One call, told as the other doors' answers are. A stream's messages have to be alike."""
    metadata = [(name.lower(), value) for name, value in headers]
    sent = iter([b""]) if kind.startswith("stream") else b""
    try:
        answer = getattr(channel, kind)(f"/bookings/{method or kind}")(sent, metadata=metadata, timeout=20)
        messages = set(answer) if kind.endswith("stream") else {answer}
    except grpc.RpcError as error:
        trailers = dict(error.trailing_metadata())
        return Answer(STATUS[error.code().name], trailers, error.details())
    assert len(messages) == 1
    return Answer(200, {}, messages.pop().decode())


class TestInterceptor(DoorContract):
    def door(self, guard: Any) -> Door:
        def ask(path: str, headers: Headers) -> Answer:
            with channel_to(GuardInterceptor(guard, SCOPE)) as channel:
                return call(channel, "unary_unary", headers)

        return ask


async def acall(interceptor: Any, handlers: grpc.GenericRpcHandler, *ask: Any) -> Answer:
    """One call of a server on this event loop, made from a thread."""
    server = grpc.aio.server(interceptors=[interceptor])
    server.add_generic_rpc_handlers((handlers,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            return await asyncio.to_thread(call, channel, *ask)
    finally:
        await server.stop(None)


ON_THE_LOOP = service(who_on_the_loop, who_each_on_the_loop)


class TestAsyncInterceptor(DoorContract):
    asynchronous = True

    def door(self, guard: Any) -> Door:
        interceptor = AsyncGuardInterceptor(guard, SCOPE)
        return lambda path, headers: asyncio.run(acall(interceptor, ON_THE_LOOP, "unary_unary", headers))


def bearer(world: World, name: str) -> Headers:
    return [("authorization", f"Bearer {world.tokens[name]}")]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_method_is_guarded_and_knows_its_caller(kind: str, world: World) -> None:
    with channel_to(GuardInterceptor(world.guard, SCOPE)) as channel:
        assert call(channel, kind, bearer(world, "good")).body == "reports"
        assert call(channel, kind, []).status == 401
        assert call(channel, kind, bearer(world, "other_scope")).status == 403


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "methods",
    [ON_THE_LOOP, service(who_on_the_loop, who_by_writing), service(who, who_each)],
    ids=["generators", "writers", "threads"],
)
def test_every_kind_of_async_method_is_guarded_and_knows_its_caller(
    kind: str, methods: Any, world: World
) -> None:
    interceptor = AsyncGuardInterceptor(world.guard, SCOPE)
    assert asyncio.run(acall(interceptor, methods, kind, bearer(world, "good"))).body == "reports"
    assert asyncio.run(acall(interceptor, methods, kind, [])).status == 401


def test_methods_have_scopes_of_their_own_and_may_be_open(world: World) -> None:
    interceptor = GuardInterceptor(
        world.guard,
        SCOPE,
        methods={"/bookings/unary_stream": ["bookings:write"]},
        open_methods=["/bookings/open"],
    )
    with channel_to(interceptor) as channel:
        assert call(channel, "unary_unary", bearer(world, "good")).status == 200
        refused = call(channel, "unary_stream", bearer(world, "good"))
        assert refused.status == 403
        assert 'scope="bookings:write"' in refused.headers["www-authenticate"]
        assert call(channel, "unary_unary", [], "open").body == "None"


def test_async_methods_may_be_open(world: World) -> None:
    interceptor = AsyncGuardInterceptor(world.guard, open_methods=["/bookings/open"])
    methods = service(who_on_the_loop, who_each_on_the_loop)
    assert asyncio.run(acall(interceptor, methods, "unary_unary", [], "open")).body == "None"


def test_calls_side_by_side_each_know_their_own_caller(world: World) -> None:
    """Streams that are read in turns do not mix their callers up."""
    with channel_to(GuardInterceptor(world.guard)) as channel:
        stream = channel.unary_stream("/bookings/unary_stream")
        calls = [stream(b"", metadata=bearer(world, name)) for name in ("good", "another") * 2]
        assert [next(one) for one in calls] == [b"reports", b"invoices"] * 2
        assert [next(one) for one in calls] == [b"reports", b"invoices"] * 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"open_methods": ["Check"]},
        {"open_methods": "/bookings/open"},
        {"methods": {"unary": []}},
        {"methods": {"/bookings/unary_unary": "bookings:read"}},
    ],
)
@pytest.mark.parametrize("interceptor", [GuardInterceptor, AsyncGuardInterceptor])
def test_rules_that_would_never_match_are_refused_when_the_door_is_built(
    interceptor: Any, wrong: Any, world: World
) -> None:
    with pytest.raises(ValueError, match="method"):
        interceptor(world.guard, **wrong)
