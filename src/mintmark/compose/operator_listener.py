"""The operators' own listener: health with reasons, and metrics, in plain HTTP beside the public one.

Each worker process has its own, at the first free of as many ports as there are workers, so that each is asked for
its own counts.
"""

from __future__ import annotations

import asyncio
import errno
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from mintmark.web.operations import Operations
from mintmark.web.protocol import Http11


class OperatorListener:
    """Open from `start` to `stop`."""

    def __init__(self, operations: Operations, listen: str, ports: int) -> None:
        application: Any = operations
        self._config = uvicorn.Config(
            application,
            http=Http11,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
        )
        self._state = ServerState()
        host, _, port = listen.rpartition(":")
        self._host, self._ports = host.strip("[]"), range(int(port), int(port) + ports)
        self._server: asyncio.AbstractServer | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen. Raises RuntimeError, one sentence, when no port is free."""
        loop = asyncio.get_running_loop()
        for port in self._ports:
            try:
                self._server = await loop.create_server(
                    lambda: Http11(self._config, self._state, {}, loop), self._host, port
                )
            except OSError as fault:
                if fault.errno != errno.EADDRINUSE:
                    raise RuntimeError(
                        f"operator_listen: {self._host}, port {port}: {fault.strerror}"
                    ) from None
            else:
                self.port = port
                return
        raise RuntimeError(
            f"operator_listen: port {self._ports[0]} on {self._host}, and those after it for further workers, "
            "are taken by other programs"
        )

    async def stop(self) -> None:
        """Answer what is being asked, and close."""
        if self._server is not None:
            self._server.close()
            for connection in list(self._state.connections):
                connection.shutdown()
            await asyncio.gather(*self._state.tasks, return_exceptions=True)
