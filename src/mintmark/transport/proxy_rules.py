"""Who may use the forwarding proxy, and which headers pass through it. Pure functions over an ASGI scope.

A browser must never get at it: a foreign Host (DNS rebinding), any Origin and requests of other sites are refused, and
on a TCP port a local key is asked for, which pages do not know (RFC 9110 §7.2, Fetch metadata `Sec-Fetch-Site`).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from mintmark.values.secret import Secret

KEY_HEADER = b"mintmark-proxy-key"
Header = tuple[bytes, bytes]
#: RFC 9110 §7.6.1, and what is between the program and us alone.
_OWN = frozenset(
    {
        *(
            b"connection",
            b"keep-alive",
            b"proxy-connection",
            b"te",
            b"trailer",
            b"transfer-encoding",
            b"upgrade",
        ),
        *(b"proxy-authenticate", b"proxy-authorization", b"proxy-authentication-info", b"http2-settings"),
    }
)
_OF_THE_PROGRAM = frozenset({b"authorization", b"host", b"expect", b"origin", KEY_HEADER})
_DOTS = re.compile(rb"(?:^|/)(?:\.|%2e){1,2}(?=/|$)", re.IGNORECASE)


class Refusal(NamedTuple):
    """A request is not forwarded. `sentence`: for the program that made it."""

    status: int
    code: str
    sentence: str
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """How the proxy is reached. `hosts`: admitted Host headers, in small letters. `key`: the local key, or None."""

    hosts: frozenset[bytes]
    key: Secret | None = None


def refusal(scope: dict[str, Any], door: Door) -> Refusal | None:
    """Why a request is not forwarded, or None."""
    headers: list[Header] = scope["headers"]
    path: bytes = scope["raw_path"]
    if scope["method"] in ("CONNECT", "TRACE"):
        return Refusal(405, "method_not_allowed", "This proxy forwards to one API; it opens no tunnels.")
    if not path.startswith(b"/"):
        return Refusal(
            400, "invalid_request", "Send the path alone, not a whole address: there is one API behind."
        )
    if _DOTS.search(path) is not None or b"\\" in path:
        return Refusal(400, "invalid_request", "The path holds dot segments.")
    hosts = values(headers, b"host")
    if len(hosts) != 1 or hosts[0].lower() not in door.hosts:
        return Refusal(421, "misdirected_request", "The Host header must be that of this proxy.")
    if values(headers, b"origin"):
        return Refusal(403, "forbidden", "Browsers may not use this proxy.")
    if any(site not in (b"none", b"same-origin") for site in values(headers, b"sec-fetch-site")):
        return Refusal(403, "forbidden", "Other sites may not use this proxy.")
    if door.key is not None:
        keys = values(headers, KEY_HEADER)
        if len(keys) != 1 or not hmac.compare_digest(keys[0], door.key.reveal().encode("ascii")):
            return Refusal(401, "unauthorized", "The header Mintmark-Proxy-Key must hold the local key.")
    return None


def to_upstream(headers: Iterable[Header], host: bytes, borne: Iterable[Header]) -> list[Header]:
    """The headers of a forwarded request. `borne`: those that carry the token; the program's own are taken away."""
    borne = list(borne)
    dropped = _OWN | _OF_THE_PROGRAM | {name.lower() for name, _ in borne} - {b"cookie"}
    return [(b"host", host), *_passed(headers, dropped), *borne]


def to_program(headers: Iterable[Header]) -> list[Header]:
    """The headers of an answer."""
    return list(_passed(headers, _OWN))


def values(headers: Iterable[Header], name: bytes) -> list[bytes]:
    """Every value of a header; names are compared in small letters."""
    return [value for key, value in headers if key.lower() == name]


def _passed(headers: Iterable[Header], dropped: frozenset[bytes] | set[bytes]) -> list[Header]:
    headers = list(headers)
    named = {
        option.strip().lower() for value in values(headers, b"connection") for option in value.split(b",")
    }
    return [
        (name, value) for name, value in headers if name.lower() not in dropped and name.lower() not in named
    ]
