"""Identifiers that were accepted by any node and are not accepted again, on the Valkey server that nodes share.

A server that is away or does not answer in time has perhaps accepted the identifier, so nobody is told yes.
"""

from __future__ import annotations

from mintmark.authorization_server.ports import ReplayCache, ReplayUnknown
from mintmark.storage.replays import name_of
from mintmark.storage.valkey_server import ValkeyAway, ValkeyServer


class ValkeyReplays:
    """Implements `ports.ReplayCache` for all nodes. `own`: what this process has accepted, which it remembers even if
    the server forgets. `prefix`: how keys begin.
    """

    def __init__(self, server: ValkeyServer, own: ReplayCache, prefix: str) -> None:
        self._server = server
        self._own = own
        self._prefix = prefix

    async def accept_once(self, key: str, seconds: float) -> bool:
        """As the port says."""
        name = f"{self._prefix}once:{name_of(key).hex()}"
        try:
            stored = await self._server.ask("SET", name, "", "NX", "PX", max(1, round(seconds * 1000)))
        except ValkeyAway as away:
            raise ReplayUnknown(f"Valkey is away: {away}") from None
        return bool(stored) and await self._own.accept_once(key, seconds)
