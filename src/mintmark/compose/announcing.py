"""A uvicorn server that says when it is ready."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn


class Announcing(uvicorn.Server):
    """`announce` is called once the server listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's."""
        await super().startup(sockets)
        if self.started:
            self._announce()
