"""What people type, checked: each function gives the value back or raises AdministrationFault with one
sentence.

No sentence repeats more of the input than its name, so that a secret typed in the wrong place is not shown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import urlsplit

from mintmark.authorization_server.administration.act import AdministrationFault
from mintmark.values.permission import is_scope_token
from mintmark.values.tenancy import HANDLE

LONGEST_NAME = 200
LONGEST_IDENTIFIER = 255
MOST = 1_000_000_000
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PRINTABLE = re.compile(r"[\x20-\x7e]+", re.ASCII)
_HOST = re.compile(
    r"(?=.{1,253}(?::|$))[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?"
)
_PATH = re.compile(r"(/[A-Za-z0-9_~:-][A-Za-z0-9._~:-]*)+", re.ASCII)


def handle(text: str, what: str) -> str:
    """A tenant's handle or an environment's name: a DNS label."""
    if HANDLE.fullmatch(text) is None:
        raise AdministrationFault(
            f"The {what} must be 2 to 40 lower-case letters, digits and hyphens, beginning with a letter "
            "and not ending with a hyphen."
        )
    return text


def name(text: str, what: str) -> str:
    """A name or label for people: 1 to 200 printable characters, without spaces at its ends."""
    if not text.isprintable() or text != text.strip() or not 0 < len(text) <= LONGEST_NAME:
        raise AdministrationFault(
            f"The {what} must be 1 to {LONGEST_NAME} printable characters without spaces at its ends."
        )
    return text


def label(text: str) -> str:
    """A label of a credential; it may be empty."""
    return name(text, "label") if text else text


def identifier(text: str, what: str) -> str:
    """An identifier from elsewhere: 1 to 255 printable ASCII characters (RFC 6749 appendix A.1)."""
    if _PRINTABLE.fullmatch(text) is None or len(text) > LONGEST_IDENTIFIER:
        raise AdministrationFault(f"The {what} must be 1 to {LONGEST_IDENTIFIER} printable ASCII characters.")
    return text


def audience(text: str) -> str:
    """The audience of an API: an identifier without a space, so that it can stand in a list."""
    if " " in identifier(text, "audience"):
        raise AdministrationFault("The audience must not hold a space.")
    return text


def number(value: int, what: str, least: int = 1, most: int = MOST) -> int:
    """A whole number within bounds, both included."""
    if not least <= value <= most:
        raise AdministrationFault(f"The {what} must be a whole number from {least} to {most}.")
    return value


def limit(value: int | None, what: str) -> int | None:
    """A limit, or None for no limit."""
    return None if value is None else number(value, what)


def later(at: int | None, now: int, what: str) -> int | None:
    """An instant after `now` (seconds since the epoch), or None."""
    if at is not None and at <= now:
        raise AdministrationFault(f"The {what} must lie in the future.")
    return at


def scope_tokens(tokens: Iterable[str], known: Collection[str], audience: str) -> tuple[str, ...]:
    """Distinct scope tokens, each of them one that the API `audience` knows."""
    distinct = tuple(dict.fromkeys(tokens))
    for token in distinct:
        if token not in known:
            shown = f"'{token}'" if is_scope_token(token) and len(token) <= LONGEST_NAME else "one of them"
            raise AdministrationFault(
                f"The API {audience} has no such scope ({shown}); it has: {' '.join(known) or 'none'}."
            )
    return distinct


def scope_grammar(tokens: Iterable[str], where: str) -> tuple[str, ...]:
    """Distinct scope tokens of the grammar of RFC 6749 §3.3."""
    distinct = tuple(dict.fromkeys(tokens))
    if not all(is_scope_token(token) and len(token) <= LONGEST_NAME for token in distinct):
        raise AdministrationFault(
            f"Each scope of {where} must be 1 to {LONGEST_NAME} printable ASCII characters without space, "
            "double quote and backslash (RFC 6749 section 3.3)."
        )
    return distinct


def url(text: str, what: str) -> str:
    """An https URL, or http on loopback, without query, fragment, user information or a slash at its end."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    loopback = host in LOOPBACK or host.endswith(".localhost")
    if (
        _PRINTABLE.fullmatch(text) is None
        or " " in text
        or not host
        or not (parts.scheme == "https" or (parts.scheme == "http" and loopback))
        or parts.query
        or parts.fragment
        or "?" in text
        or "#" in text
        or "@" in parts.netloc
        or text.endswith("/")
    ):
        raise AdministrationFault(
            f"The {what} must be an https URL (http only on loopback) without query, fragment, user name or "
            "a slash at its end."
        )
    return text


def origin(text: str) -> str:
    """A web origin: scheme, host and port alone (RFC 6454)."""
    url(text, "origin")
    if urlsplit(text).path:
        raise AdministrationFault("An origin must be a scheme, a host and a port, without a path.")
    return text


def host(text: str) -> str:
    """A host name in lower case, with a port where it is not the scheme's."""
    if _HOST.fullmatch(text) is None:
        raise AdministrationFault("A host alias must be a host name in lower case, with a port where needed.")
    return text


def path(text: str) -> str:
    """The path of a mount: segments of letters, digits and ``-._~:`` after single slashes."""
    if _PATH.fullmatch(text) is None or len(text) > LONGEST_NAME:
        raise AdministrationFault(
            "The path of a mount must begin with a slash and be segments of letters, digits and -._~: that "
            "do not begin with a dot, without a slash at its end."
        )
    return text


def constants(values: Mapping[str, str], what: str) -> dict[str, str]:
    """Names with constant texts, both printable."""
    for key, value in values.items():
        identifier(key, f"name of a {what}")
        if not value.isprintable() or len(value) > 1000:
            raise AdministrationFault(f"The {what} {key} must be at most 1000 printable characters.")
    return dict(values)
