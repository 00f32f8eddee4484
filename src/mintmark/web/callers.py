"""Who sent a request and by which identifier it is spoken of: both depend on what a trusted proxy may say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mintmark.web.peer import TrustedProxies
from mintmark.web.request_id import HEADER, acceptable, new_request_id


class Caller(NamedTuple):
    """`peer`: the caller's address. `request_id`: stands on the answer, in log lines and in audit events."""

    peer: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Callers:
    """Identifies callers. `entropy`: n random bytes."""

    proxies: TrustedProxies
    entropy: Callable[[int], bytes]

    def identify(self, socket_peer: str, headers: Sequence[tuple[bytes, bytes]], now: float) -> Caller:
        """What the socket and, behind a declared proxy only, the headers say."""
        if not self.proxies or not self.proxies.trusts(socket_peer):
            return Caller(socket_peer, new_request_id(now, self.entropy))
        sent = [value for name, value in headers if name == HEADER]
        request_id = acceptable(sent[0]) if len(sent) == 1 else None
        return Caller(
            self.proxies.caller(socket_peer, headers), request_id or new_request_id(now, self.entropy)
        )
