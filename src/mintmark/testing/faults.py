"""What can go wrong at a fake vendor, switched on and off while it runs.

Each fault says where it happens (`at`: the token endpoint, or the API) and how often (`times`; None until `clear`).
A request meets those of its place in the order in which they were switched on, up to the first that answers it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from mintmark.dialect import Dialect, write_error
from mintmark.values.errors import OAuthError, quota_exceeded, rate_limited, temporarily_unavailable
from mintmark.wire.http import HttpResponse
from mintmark.wire.jsonobject import write_json

Place = Literal["token", "api"]


class ConnectionDropped(Exception):
    """The connection ends here, without an answer."""


@dataclass(slots=True)
class _Fault:
    """`happen` returns the answer, or None if it only `delays` it."""

    at: Place
    left: int | None
    happen: Callable[[], HttpResponse | None]
    delays: bool = False


class Faults:
    """The switches. `closing`: set when the vendor ends, so that nothing waits any longer."""

    def __init__(self, dialect: Dialect, closing: threading.Event) -> None:
        self._dialect, self._closing = dialect, closing
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Everything works again."""
        with self._lock:
            self._faults.clear()

    def rate_limited(self, retry_after: int = 1, *, times: int | None = None, at: Place = "token") -> None:
        """429 with Retry-After in seconds."""
        self._refuse(rate_limited(retry_after, reason="fault"), times, at)

    def quota_used_up(self, retry_after: int = 3600, *, times: int | None = None) -> None:
        """429 at the token endpoint: the day's allowance is gone. `FakeVendor.quota` counts instead."""
        self._refuse(quota_exceeded(retry_after, reason="fault"), times, "token")

    def unavailable(self, retry_after: int = 1, *, times: int | None = None, at: Place = "token") -> None:
        """503 with Retry-After in seconds."""
        self._refuse(temporarily_unavailable(retry_after, reason="fault"), times, at)

    def forbidden(self, *, times: int | None = None) -> None:
        """403 at the API, ``insufficient_scope`` (RFC 6750 §3.1): a new token would not help."""
        challenge = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
        self.answer(403, {"error": "insufficient_scope"}, challenge, times=times, at="api")

    def html(self, *, times: int | None = None, at: Place = "token") -> None:
        """A page with status 200, as a captive portal or a proxy answers."""
        page = b"<!doctype html><title>Sign in</title><p>Please sign in to this network."
        self.answer(200, page, {"Content-Type": "text/html; charset=utf-8"}, times=times, at=at)

    def redirect(self, location: str, *, times: int | None = None, at: Place = "token") -> None:
        """307 to `location`, which keeps method and body."""
        self.answer(307, b"", {"Location": location}, times=times, at=at)

    def slow(self, seconds: float, *, times: int | None = None, at: Place = "token") -> None:
        """The answer comes so many seconds late, of real time."""

        def wait() -> None:
            self._closing.wait(seconds)

        self._add(wait, times, at, delays=True)

    def hang(self, *, times: int | None = None, at: Place = "token") -> None:
        """There is no answer until the vendor ends; then the connection closes."""

        def wait() -> HttpResponse | None:
            self._closing.wait()
            raise ConnectionDropped

        self._add(wait, times, at)

    def dropped(self, *, times: int | None = None, at: Place = "token") -> None:
        """The connection closes without an answer."""

        def drop() -> HttpResponse | None:
            raise ConnectionDropped

        self._add(drop, times, at)

    def answer(
        self,
        status: int,
        body: object = b"",
        headers: Mapping[str, str] | None = None,
        *,
        times: int | None = None,
        at: Place = "token",
    ) -> None:
        """Any answer at all: bytes as they are, anything else as JSON."""
        named = {name.lower(): value for name, value in (headers or {}).items()}
        raw = body if isinstance(body, bytes) else write_json(body)
        if not isinstance(body, bytes):
            named.setdefault("content-type", "application/json")
        made = HttpResponse(status, tuple((n.encode(), v.encode()) for n, v in named.items()), raw)
        self._add(lambda: made, times, at)

    def happen(self, at: Place) -> HttpResponse | None:
        """What answers a request at `at` instead of the vendor, or None. Raises ConnectionDropped."""
        for fault in self._due(at):
            answer = fault.happen()
            if answer is not None:
                return answer
        return None

    def _due(self, at: Place) -> list[_Fault]:
        """The faults of this request: what only delays, and the first that answers; each is counted down."""
        due: list[_Fault] = []
        with self._lock:
            for fault in [one for one in self._faults if one.at == at]:
                due.append(fault)
                if fault.left is not None:
                    fault.left -= 1
                    if not fault.left:
                        self._faults.remove(fault)
                if not fault.delays:
                    break
        return due

    def _refuse(self, error: OAuthError, times: int | None, at: Place) -> None:
        if at == "token":
            made = write_error(self._dialect, error, "fake vendor")
            self._add(lambda: made, times, at)
        else:
            wait = {"Retry-After": str(error.retry_after)}
            self.answer(error.status, {"error": error.code}, wait, times=times, at=at)

    def _add(
        self,
        happen: Callable[[], HttpResponse | None],
        times: int | None,
        at: Place,
        *,
        delays: bool = False,
    ) -> None:
        if times is not None and times < 1:
            raise ValueError("'times' must be positive, or None for until clear()")
        if at not in ("token", "api"):
            raise ValueError("'at' must be token or api")
        with self._lock:
            self._faults.append(_Fault(at, times, happen, delays))
