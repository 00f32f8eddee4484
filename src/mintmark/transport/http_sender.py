"""Sends one token request with httpx2 and brings back its answer, within bounds that no answer can stretch.

No redirect is followed, nothing is decompressed, size and total time are limited. Each call opens its own connection
and closes it: exchanges are rare, and nothing is shared with a forked child. The environment's proxy and certificate
settings hold.
"""

from __future__ import annotations

import threading
import time
from ssl import SSLContext
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from mintmark.client.means import SendFault
from mintmark.wire.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    import httpx2

LARGEST_ANSWER = 1 << 20
MOST_HEADERS = 100
TIME_LIMIT = 15.0
_AGENT = b"mintmark"


class HttpSender:
    """Call it with a request. `verify`: whom TLS trusts; True means the usual authorities."""

    def __init__(self, time_limit: float = TIME_LIMIT, verify: bool | SSLContext = True) -> None:
        self._time_limit = time_limit
        self._verify = verify

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer, whatever its status. Raises SendFault, whose sentence holds nothing of the request."""
        import httpx2  # here, because a program that never fetches a token itself need not load it

        limit = self._time_limit
        ends_by = time.monotonic() + limit
        unusable = False
        try:
            # The transport alone: a client above it would log the address, whose query may hold a secret.
            transport = httpx2.HTTPTransport(verify=self._verify, proxy=proxy_for(request.url))
            # Timeouts of sockets start anew with each byte; closing the connection ends a slow drip.
            watchdog = threading.Timer(limit + 0.5, transport.close)
            watchdog.daemon = True
            watchdog.start()
            try:
                answer = transport.handle_request(
                    httpx2.Request(
                        request.method,
                        httpx2.URL(request.url, query=request.query or None),
                        headers=[
                            *request.headers,
                            (b"accept-encoding", b"identity"),
                            (b"user-agent", _AGENT),
                        ],
                        content=request.body,
                        extensions={"timeout": httpx2.Timeout(limit).as_dict()},
                    )
                )
                return self._read(answer, ends_by)
            finally:
                watchdog.cancel()
                transport.close()
        except SendFault:
            raise
        except httpx2.TimeoutException as fault:
            kind = "connection to" if isinstance(fault, httpx2.ConnectTimeout) else "answer of"
            sentence = f"the {kind} the token endpoint took longer than {limit:g} s"
        except httpx2.ConnectError as fault:
            sentence = _connection(fault)
        except httpx2.RemoteProtocolError:
            sentence, unusable = "the token endpoint's answer is not HTTP, or it broke off", True
        except httpx2.ProxyError:
            sentence = "the proxy did not let the token request through"
        except httpx2.HTTPError:
            sentence = "the connection to the token endpoint broke"
        except (httpx2.InvalidURL, ValueError, OSError, RuntimeError) as fault:
            sentence = f"the token request could not be sent: {type(fault).__name__}"
        if time.monotonic() >= ends_by:
            sentence, unusable = f"the answer of the token endpoint took longer than {limit:g} s", False
        raise SendFault(sentence, unusable=unusable)

    def _read(self, answer: httpx2.Response, ends_by: float) -> HttpResponse:
        headers = tuple((name.lower(), value) for name, value in answer.headers.raw)
        if len(headers) > MOST_HEADERS:
            raise SendFault("the token endpoint's answer has too many headers", unusable=True)
        if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise SendFault(
                "the token endpoint's answer is compressed, though that was not asked for", unusable=True
            )
        body = bytearray()
        for chunk in answer.iter_raw():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise SendFault("the token endpoint's answer is larger than 1 MiB", unusable=True)
            if time.monotonic() >= ends_by:
                raise SendFault(f"the answer of the token endpoint took longer than {self._time_limit:g} s")
        return HttpResponse(answer.status_code, headers, bytes(body))


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names (``HTTPS_PROXY``, ``NO_PROXY`` ...). What goes without TLS stays on this
    machine, and so by no proxy.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get("https") or proxies.get("all")


def _connection(fault: Exception) -> str:
    said = str(fault).lower()
    if "certificate" in said or "ssl" in said or "tls" in said:
        return "the token endpoint's TLS certificate is not trusted, or TLS failed"
    if (
        "name or service" in said
        or "getaddrinfo" in said
        or "nodename" in said
        or "temporary failure" in said
    ):
        return "the token endpoint's host name is not known"
    if "refused" in said:
        return "the token endpoint's host refused the connection"
    return "the token endpoint could not be reached"
