"""A server that answers every request with the same bytes: what the load can drive at most."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import cast

import uvloop

from benchmarks.processes import pin

_BODY = json.dumps({"access_token": "x" * 640, "token_type": "Bearer", "expires_in": 3600}).encode()
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)


class _Fixed(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, _: bytes) -> None:
        self.transport.write(_ANSWER)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Fixed, "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fixed_answer", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--core", type=int, default=None)
    given = parser.parse_args()
    pin(given.core)
    uvloop.run(_serve(given.port))


if __name__ == "__main__":
    main()
