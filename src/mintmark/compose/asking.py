"""One GET to a node's listener for operators: no proxy, no redirect, a bounded answer within a few seconds."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from mintmark.cli.faults import Failure

#: Seconds; more than twice what a node takes to say how it is, whatever it waits for (`health.PATIENCE`).
PATIENCE = 5.0
LARGEST = 16 << 20


def ask(url: str) -> tuple[int, bytes]:
    """Status and body. Raises Failure, one sentence, when nobody answers."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request("GET", parts.path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read(LARGEST)
    except (OSError, http.client.HTTPException) as fault:
        reason = getattr(fault, "strerror", None) or type(fault).__name__
        raise Failure(f"Nobody answers: {reason}.") from None
    finally:
        connection.close()
