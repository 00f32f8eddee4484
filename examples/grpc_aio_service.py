"""A gRPC service on an event loop. ISSUER=https://... python examples/grpc_aio_service.py"""

import asyncio
import json
import os

import grpc.aio

import mintmark
from mintmark.transport.guards.grpc import AsyncGuardInterceptor, current_caller


async def read(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
    return json.dumps({"bookings_of": current_caller().client_id}).encode()


async def main() -> None:
    guard = mintmark.Guard(issuer=os.environ["ISSUER"], audience="https://api.example")
    server = grpc.aio.server(interceptors=[AsyncGuardInterceptor(guard, "bookings:read")])
    methods = {"Read": grpc.unary_unary_rpc_method_handler(read)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("example.Bookings", methods)])
    server.add_insecure_port(f"127.0.0.1:{os.environ.get('PORT', '8000')}")  # TLS elsewhere than on loopback
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
