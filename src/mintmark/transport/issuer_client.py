"""Asks an issuer over httpx2, within bounds that no answer can stretch: HTTPS or loopback only, no redirect followed,
nothing decompressed, headers, size and total time limited.

One connection pool per object, opened at first use and anew in a forked child. The environment's proxy and
certificate settings hold.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING
from weakref import WeakSet

from mintmark.wire.http import HttpRequest, HttpResponse
from mintmark.wire.origin import is_safe, origin_of

if TYPE_CHECKING:
    import httpx2

MOST_HEADERS = 100
TIME_LIMIT = 5.0


class NoResponse(Exception):
    """There was no answer that may be used; one sentence without anything of the request."""


class IssuerClient:
    """`verify`: whom TLS trusts, as httpx2 takes it. `time_limit`: seconds for a whole answer."""

    def __init__(self, time_limit: float = TIME_LIMIT, verify: object = True) -> None:
        self._time_limit = time_limit
        self._verify = verify
        self._renew()
        _ALL.add(self)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._client: httpx2.Client | None = None

    def __call__(self, request: HttpRequest, limit: int, time_limit: float | None = None) -> HttpResponse:
        """The answer, whatever its status, with at most `limit` bytes. Raises NoResponse."""
        import httpx2  # here, because a guard that has not been asked anything need not load it

        seconds = time_limit or self._time_limit
        ends_by = time.monotonic() + seconds
        try:
            safe = is_safe(origin_of(request.url))
            client = self._open()
        except (ValueError, OSError) as fault:
            raise NoResponse(f"the issuer cannot be asked: {type(fault).__name__}") from None
        if not safe:
            raise NoResponse("the address is neither https nor on this machine")
        # Timeouts of sockets start anew with each byte; closing the pool ends a slow drip.
        watchdog = threading.Timer(seconds + 0.5, self.close)
        watchdog.daemon = True
        watchdog.start()
        try:
            url = httpx2.URL(request.url, query=request.query) if request.query else httpx2.URL(request.url)
            headers = [
                *request.headers,
                (b"accept-encoding", b"identity"),
                (b"user-agent", b"mintmark-guard"),
            ]
            with client.stream(
                request.method, url, headers=headers, content=request.body or None, timeout=seconds
            ) as answer:
                return _read(answer, limit, ends_by)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError, RuntimeError) as fault:
            raise NoResponse(f"the issuer could not be asked: {type(fault).__name__}") from None
        finally:
            watchdog.cancel()

    def _open(self) -> httpx2.Client:
        import httpx2

        with self._lock:
            if self._client is None:
                self._client = httpx2.Client(follow_redirects=False, verify=self._verify)  # type: ignore[arg-type]
            return self._client

    def close(self) -> None:
        """Close all connections; the next request opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()


def _read(answer: httpx2.Response, limit: int, ends_by: float) -> HttpResponse:
    headers = tuple((name.lower(), value) for name, value in answer.headers.raw)
    if len(headers) > MOST_HEADERS:
        raise NoResponse("the issuer's answer has too many headers")
    if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise NoResponse("the issuer's answer is compressed, though that was not asked for")
    body = bytearray()
    for chunk in answer.iter_raw():
        body += chunk
        if len(body) > limit:
            raise NoResponse(f"the issuer's answer is larger than {limit} bytes")
        if time.monotonic() >= ends_by:
            raise NoResponse("the issuer's answer took too long")
    return HttpResponse(answer.status_code, headers, bytes(body))


_ALL: WeakSet[IssuerClient] = WeakSet()


def _after_fork() -> None:
    for client in list(_ALL):
        client._renew()  # the parent's lock and sockets are not the child's


os.register_at_fork(after_in_child=_after_fork)
