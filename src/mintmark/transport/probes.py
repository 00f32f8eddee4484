"""Probes of the way to a host: name, connection, TLS, its clock, a call. What they see is told as
`client.diagnosis` takes it.

Each has a time limit, sends no secret but the token of `call`, and trusts whom `HttpSender` trusts.
"""

from __future__ import annotations

import socket
import ssl
import threading
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from mintmark.client.diagnosis_steps import Called, Contact
from mintmark.client.means import SendFault
from mintmark.client.request_id import request_id_of
from mintmark.client.token import Token
from mintmark.transport.auth_httpx import with_cookie
from mintmark.transport.http_sender import HttpSender, proxy_for
from mintmark.wire.bearer import parse_challenge
from mintmark.wire.http import HttpRequest

_PORTS = {"https": 443, "http": 80}
#: Codes of OpenSSL's verification (X509_V_ERR_*).
_CERTIFICATE = {9: "not_yet_valid", 10: "expired", 18: "self_signed", 19: "self_signed", 62: "wrong_host"}


class Way(NamedTuple):
    """The way to an address: the host to connect to first, which is a proxy where the environment names one."""

    host: str
    port: int
    what: str
    tls: bool

    @property
    def shown(self) -> str:
        """For people."""
        return f"{self.host}:{self.port}"


def way_to(url: str, what: str) -> Way:
    """The way to the host of `url`, the ``token endpoint`` or ``API``. Raises ValueError."""
    through = proxy_for(url)
    parts = urlsplit(through if through is not None and "://" in through else url)
    port = parts.port or _PORTS.get(parts.scheme, 443)
    if not parts.hostname:
        raise ValueError("this is not an http or https address with a host")
    if through is not None:
        return Way(parts.hostname, port, f"proxy on the way to the {what}", False)
    return Way(parts.hostname, port, what, parts.scheme == "https")


def resolve(way: Way, limit: float) -> Contact:
    """Look the host's name up."""
    found: list[str] = []
    trouble = ["timeout"]

    def look_up() -> None:
        try:
            addresses = socket.getaddrinfo(way.host, way.port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(address[4][0]) for address in addresses))
            trouble[0] = ""
        except (OSError, UnicodeError):
            trouble[0] = "unknown"

    looking = threading.Thread(target=look_up, daemon=True)  # a resolver has its own, longer patience
    looking.start()
    looking.join(limit)
    return Contact(way.host, way.what, trouble[0], ", ".join(found[:4]))


def connect(way: Way, limit: float) -> Contact:
    """Open a connection and close it."""
    try:
        with socket.create_connection((way.host, way.port), limit) as connection:
            peer = connection.getpeername()
        return Contact(way.host, way.what, "", f"{peer[0]} port {peer[1]}")
    except TimeoutError:
        return Contact(way.host, way.what, "timeout", f"{limit:g} s")
    except ConnectionRefusedError:
        return Contact(way.shown, way.what, "refused")
    except OSError as fault:
        return Contact(way.host, way.what, "unreachable", fault.strerror or type(fault).__name__)


def handshake(way: Way, limit: float, context: ssl.SSLContext | None = None) -> Contact:
    """Speak TLS. `context`: whom to trust, for tests; None: whom httpx2 trusts."""
    if context is None:
        import httpx2

        context = httpx2.create_ssl_context()
    trouble, detail = "other", ""
    try:
        with (
            socket.create_connection((way.host, way.port), limit) as plain,
            context.wrap_socket(plain, server_hostname=way.host) as connection,
        ):
            return Contact(
                way.host, way.what, "", f"{connection.version()}, and the certificate is for {way.host}"
            )
    except TimeoutError:
        trouble, detail = "timeout", f"{limit:g} s"
    except ssl.SSLCertVerificationError as fault:
        trouble, detail = _CERTIFICATE.get(fault.verify_code, "untrusted"), fault.verify_message
    except ssl.SSLError as fault:
        trouble = "no_tls" if fault.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST") else "other"
        detail = (fault.reason or "").lower().replace("_", " ")
    except OSError as fault:
        detail = fault.strerror or "the connection broke"
    return Contact(way.host, way.what, trouble, detail)


def clock_at(url: str, limit: float) -> float | None:
    """What a host's Date header says (RFC 9110 §6.6.1), in seconds since the epoch, or None. Raises SendFault."""
    parts = urlsplit(url)
    answer = HttpSender(limit)(HttpRequest("HEAD", "/", url=f"{parts.scheme}://{parts.netloc}/"))
    for value in answer.values(b"date"):
        try:
            return parsedate_to_datetime(value.decode("ascii")).timestamp()
        except (ValueError, TypeError, OverflowError):
            continue
    return None


def call(url: str, method: str, token: Token, dead: frozenset[int], limit: float) -> Called | Contact:
    """Call an API with a token; the contact says what went wrong when there was no answer."""
    parts = urlsplit(url)
    shown = token.presentation
    headers = [(name.lower().encode(), value.encode()) for name, value in shown.headers]
    cookie = ""
    for name, value in shown.cookies:
        cookie = with_cookie(cookie, name, value)
    if cookie:
        headers.append((b"cookie", cookie.encode()))
    query = "&".join(part for part in (parts.query, urlencode(shown.query)) if part)
    bare = parts._replace(query="", fragment="").geturl()
    host = parts.hostname or ""
    try:
        answer = HttpSender(limit)(HttpRequest(method, parts.path, query.encode(), tuple(headers), url=bare))
    except SendFault as fault:
        late = "longer than" in fault.sentence
        return Contact(
            host, "API", "timeout" if late else "unreachable", f"{limit:g} s" if late else "no answer"
        )
    challenge = parse_challenge(answer.values(b"www-authenticate"))
    return Called(
        host,
        method,
        answer.status,
        challenge.error if challenge else "",
        challenge.scope if challenge else "",
        request_id_of(answer.values),
        dead,
    )
