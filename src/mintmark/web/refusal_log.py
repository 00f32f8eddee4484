"""Log lines for refusals and faults: each bears the request id, none a query string, header or body.

Issued tokens are not logged (the audit trail holds them). A flood of refusals becomes so many lines a second and
one line that counts the rest, so that it cannot fill a disk.
"""

from __future__ import annotations

import json
from typing import Protocol

from mintmark.web.callers import Caller
from mintmark.wire.http import HttpResponse

LINES_PER_SECOND = 20


class Log(Protocol):
    """Structured logging: an event's name and fields."""

    def info(self, event: str, **fields: object) -> None:
        """Something happened as it should."""
        ...

    def warning(self, event: str, **fields: object) -> None:
        """Something is wrong and the server copes."""
        ...

    def error(self, event: str, **fields: object) -> None:
        """Something is broken."""
        ...


class RefusalLog:
    """Writes answers from 400 on: so many refusals a second, and as many faults."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._second = 0
        self._written = [0, 0]
        self._suppressed = 0

    def note(
        self,
        now: float,
        caller: Caller,
        method: str,
        path: str,
        response: HttpResponse,
        *,
        fault: bool = False,
    ) -> None:
        """One line, or one more that is only counted. `path`: without its query. `fault`: with the exception
        that is being handled.
        """
        if int(now) != self._second:
            if self._suppressed:
                self._log.warning("refusals_not_logged", count=self._suppressed)
            self._second, self._written, self._suppressed = int(now), [0, 0], 0
        inside = response.status >= 500
        if self._written[inside] >= LINES_PER_SECOND:
            self._suppressed += 1
            return
        self._written[inside] += 1
        fields: dict[str, object] = {
            "request_id": caller.request_id,
            "peer": caller.peer,
            "method": method,
            "path": path[:200],
            "status": response.status,
            "error": _code(response),
        }
        if fault:
            self._log.error("fault", exc_info=True, **fields)
        elif inside:
            self._log.error("refused", **fields)
        else:
            self._log.info("refused", **fields)


def _code(response: HttpResponse) -> str:
    """The error code of an answer of RFC 6749 shape, else nothing; never its description."""
    try:
        value = json.loads(response.body)
    except ValueError:
        return ""
    code = value.get("error") if isinstance(value, dict) else None
    return code if isinstance(code, str) else ""
