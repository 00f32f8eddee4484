"""A Valkey server that nodes share, and whether it is there.

Every command has so much time. One that fails makes the server *away*: nobody waits for it any more, until
`follow`, which looks every moment, has had an answer again. Who needs it says what happens meanwhile.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from valkey.asyncio import BlockingConnectionPool, Connection, SSLConnection, Valkey
from valkey.asyncio.retry import Retry
from valkey.backoff import NoBackoff
from valkey.exceptions import NoScriptError, ValkeyError

from mintmark.storage.valkey_address import ValkeyAddress
from mintmark.values.secret import Secret

#: Seconds that a command may take unless told otherwise, and between two looks at the server.
PATIENCE, PAUSE = 0.25, 0.5
#: Connections of one process.
CONNECTIONS = 4


class ValkeyAway(Exception):
    """The server does not answer, or not as it should."""


class _Trusting(SSLConnection):
    """`trust`: who may vouch for the server, whose name is checked. The library's own context always trusts the
    system's certificates as well, and reads files at each connection.
    """

    def __init__(self, *, trust: ssl.SSLContext, **more: Any) -> None:
        super().__init__(**more)
        self.ssl_context.context = trust


class ValkeyServer:
    """`told(there, why)`: called once when it goes away and once when it is back.

    `ca`: certificates (PEM) that vouch for it, instead of the system's. `patience`: seconds for a command.
    Raises OSError when the certificates cannot be read.
    """

    def __init__(
        self,
        address: ValkeyAddress,
        password: Secret | None,
        ca: Path | None,
        told: Callable[[bool, str], None],
        patience: float = PATIENCE,
    ) -> None:
        tls: dict[str, Any] = {}
        if address.tls:
            tls = {"trust": ssl.create_default_context(cafile=ca)}
        pool = BlockingConnectionPool(
            max_connections=CONNECTIONS,
            timeout=1,
            connection_class=_Trusting if address.tls else Connection,
            host=address.host,
            port=address.port,
            db=address.database,
            username=address.user or None,
            password=None if password is None else password.reveal(),
            # The net below the time for a command, which is what decides.
            socket_connect_timeout=4 * patience,
            socket_timeout=4 * patience,
            retry=Retry(NoBackoff(), 0),
            **tls,
        )
        self._client: Any = Valkey.from_pool(pool)
        self._told = told
        self._patience = patience
        self.there = True
        #: Why it is away; how often it went.
        self.why, self.losses = "", 0

    async def ask(self, *command: str | bytes | int) -> Any:
        """The answer to a command. Raises ValkeyAway; NoScriptError for a script that is not known."""
        if not self.there:
            raise ValkeyAway(self.why)
        try:
            return await self._within(command)
        except NoScriptError:
            raise
        except (ValkeyError, OSError) as fault:
            self._away(f"{fault}" or type(fault).__name__)
            raise ValkeyAway(self.why) from None

    async def look(self) -> None:
        """Whether it is there now."""
        try:
            await self._within(("PING",))
        except (ValkeyError, OSError) as fault:
            self._away(f"{fault}" or type(fault).__name__)
            return
        if not self.there:
            self.there, self.why = True, ""
            self._told(True, "")

    async def follow(self) -> None:
        """Look every moment, for good."""
        while True:
            await self.look()
            await asyncio.sleep(PAUSE)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose(close_connection_pool=True)

    async def _within(self, command: tuple[str | bytes | int, ...]) -> Any:
        """The answer, in time. A pause of this process itself is not held against the server."""
        asked = asyncio.ensure_future(self._client.execute_command(*command))
        try:
            await asyncio.wait({asked}, timeout=self._patience)
            for _ in range(3):
                if not asked.done():  # what came while nothing ran here is read now
                    await asyncio.sleep(0)
            if not asked.done():
                raise TimeoutError(f"no answer within {int(self._patience * 1000)} milliseconds")
            return asked.result()
        finally:
            if not asked.done():
                asked.cancel()

    def _away(self, why: str) -> None:
        self.why = why.rstrip(".")
        if self.there:
            self.there = False
            self.losses += 1
            self._told(False, self.why)
