"""A gRPC service without generated code. ISSUER=https://... python examples/grpc_service.py"""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import grpc

import mintmark
from mintmark.transport.guards.grpc import GuardInterceptor, current_caller


def read(request: bytes, context: grpc.ServicerContext) -> bytes:
    return json.dumps({"bookings_of": current_caller().client_id}).encode()


def main() -> None:
    guard = mintmark.Guard(issuer=os.environ["ISSUER"], audience="https://api.example")
    interceptor = GuardInterceptor(
        guard,
        methods={"/example.Bookings/Read": ["bookings:read"]},
        open_methods=["/grpc.health.v1.Health/Check"],
    )
    server = grpc.server(ThreadPoolExecutor(8), interceptors=[interceptor])
    methods = {"Read": grpc.unary_unary_rpc_method_handler(read)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("example.Bookings", methods)])
    server.add_insecure_port(f"127.0.0.1:{os.environ.get('PORT', '8000')}")  # TLS elsewhere than on loopback
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
