"""What nodes share beside the database: short-window limits and what is accepted once, in Valkey where the settings
name one, else in memory.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from ssl import SSLError
from typing import TYPE_CHECKING

from mintmark.authorization_server.ports import Counters, ReplayCache
from mintmark.cli.services import UsageFault
from mintmark.compose.installation import read_password
from mintmark.config import Settings
from mintmark.storage.counters import MemoryCounters
from mintmark.storage.replays import MemoryReplays
from mintmark.storage.valkey_address import ValkeyAddress
from mintmark.values.secret import Secret
from mintmark.web.refusal_log import Log

if TYPE_CHECKING:
    from mintmark.storage.valkey_server import ValkeyServer


@dataclass(frozen=True, slots=True)
class Sharing:
    """`alone`: the limits of this process; without a `server`, they are the `counters`."""

    counters: Counters
    replays: ReplayCache
    alone: MemoryCounters
    server: ValkeyServer | None

    @classmethod
    def of(cls, settings: Settings, log: Log) -> Sharing:
        """As the settings say. Raises UsageFault: several nodes need a server, and what is set must be there."""
        alone, own = MemoryCounters(), MemoryReplays(time.monotonic)
        if not settings.valkey:
            if settings.database_file is None and not settings.single_node:
                raise UsageFault(
                    "on PostgreSQL there may be several nodes, and each would allow as much as a limit says: set "
                    "valkey, so that they count together, or single_node = true if this is the only one"
                )
            return cls(alone, own, alone, None)
        # Imported here: the library for it is large, and a server without it needs none of it.
        from mintmark.storage.valkey_counters import ValkeyCounters
        from mintmark.storage.valkey_replays import ValkeyReplays
        from mintmark.storage.valkey_server import ValkeyServer

        password = read_password("valkey_password", settings.valkey_password)

        def told(there: bool, why: str) -> None:
            if there:
                log.info("valkey_back", about="Limits hold over all nodes again.")
            else:
                log.warning(
                    "valkey_away",
                    reason=why,
                    about="Limits hold per process until it is back, and "
                    "nobody signs in to the console by a passkey or an OpenID provider.",
                )

        try:
            server = ValkeyServer(
                ValkeyAddress.parse(settings.valkey),
                None if password is None else Secret(password),
                settings.valkey_ca,
                told,
                settings.valkey_timeout_ms / 1000,
            )
        except OSError as fault:
            why = "it holds no certificate in PEM" if isinstance(fault, SSLError) else fault.strerror
            raise UsageFault(f"valkey_ca {settings.valkey_ca}: it cannot be used: {why}") from None
        counters = ValkeyCounters(server, alone, settings.valkey_prefix)
        return cls(counters, ValkeyReplays(server, own, settings.valkey_prefix), alone, server)
