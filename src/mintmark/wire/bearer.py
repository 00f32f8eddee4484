"""Bearer tokens in the Authorization header, and the challenges that answer them (RFC 6750 §2.1 and §3).

A request without a token is told apart from one with a bad token: the first gets a challenge without an error
code. Challenges are written by resource servers and read by clients.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mintmark.values.errors import OAuthError, invalid_token

MAX_HEADER_BYTES = 8192 + 64
_B64TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(
    rb"(%b)[ \t]*=[ \t]*(?:(%b)|\"((?:[^\"\\]|\\.)*+)\")[ \t]*(?=,|\Z)" % (_TOKEN, _TOKEN), re.DOTALL
)
_SCHEME = re.compile(rb"(%b)(?: +(?=[^ ,])|[ \t]*(?=,|\Z))" % _TOKEN)
_TOKEN68 = re.compile(rb"[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|\Z)")
_SEPARATORS = re.compile(rb"[ \t,]*")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_TEXT = re.compile(r"[\x20-\x7e]*", re.ASCII)
#: The codes of RFC 6750 §3.1; any other refusal (nothing was sent, an outage) has no place in a challenge.
_CODES = frozenset({"invalid_request", "invalid_token", "insufficient_scope"})


def no_token(reason: str = "no_token") -> OAuthError:
    """401 where no Bearer authentication was attempted; its challenge names no error (RFC 6750 §3.1)."""
    return OAuthError(
        "unauthorized", 401, "Send an access token in the header Authorization: Bearer.", reason=reason
    )


def read_bearer(values: Sequence[bytes]) -> str:
    """The token in the values of a request's Authorization headers.

    The scheme's name is read in any case (RFC 9110 §11.1). Raises OAuthError: `no_token` when there is no
    header or another scheme, ``invalid_token`` (401, as Oleria's troubleshooting table has it) for a
    malformed or repeated one.
    """
    if not values:
        raise no_token()
    if len(values) > 1:
        raise invalid_token("The Authorization header is repeated; send one.", reason="malformed_header")
    value = values[0]
    if len(value) > MAX_HEADER_BYTES:
        raise invalid_token("The Authorization header is too long.", reason="malformed_header")
    scheme, _, rest = value.strip(b" \t").partition(b" ")
    if scheme.lower() != b"bearer":
        raise no_token("other_scheme")
    token = rest.lstrip(b" ")
    if _B64TOKEN.fullmatch(token) is None:
        raise invalid_token(
            "The Authorization header must be the word Bearer, a space and the token.",
            reason="malformed_header",
        )
    return token.decode("ascii")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a resource server answers beside 401 and 403. Empty text means that the parameter is absent.

    All of it is printable ASCII; raises ValueError otherwise.
    """

    realm: str = ""
    error: str = ""
    error_description: str = ""
    scope: str = ""
    resource_metadata: str = ""

    def __post_init__(self) -> None:
        for text in (self.realm, self.error, self.error_description, self.scope, self.resource_metadata):
            if _TEXT.fullmatch(text) is None:
                raise ValueError("a challenge holds printable ASCII only")


def challenge_for(error: OAuthError, realm: str, scope: str = "", resource_metadata: str = "") -> Challenge:
    """The challenge that goes with a refusal; `scope`: what the request needs, space-separated.

    `resource_metadata`: the address of the resource's metadata (RFC 9728 §5.1).
    """
    if error.code not in _CODES:
        return Challenge(realm=realm, scope=scope, resource_metadata=resource_metadata)
    return Challenge(realm, error.code, error.description, scope, resource_metadata)


def write_challenge(challenge: Challenge) -> bytes:
    """The value of WWW-Authenticate. Every parameter is quoted, as RFC 6750 §3 shows them."""
    parameters = (
        ("realm", challenge.realm),
        ("error", challenge.error),
        ("error_description", challenge.error_description),
        ("scope", challenge.scope),
        ("resource_metadata", challenge.resource_metadata),
    )
    written = (f'{name}="{_quotable(text)}"' for name, text in parameters if text)
    return f"Bearer {', '.join(written)}".rstrip().encode("ascii")


def _quotable(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def parse_challenge(values: Sequence[bytes]) -> Challenge | None:
    """The first Bearer challenge in the values of WWW-Authenticate, where others may stand beside it (RFC
    9110 §11.6.1).

    None when there is none, or when what comes before its end is malformed, too long, repeated or not
    printable ASCII.
    """
    for value in values:
        if len(value) <= MAX_HEADER_BYTES and b"bearer" in value.lower():
            found = _bearer_parameters(value)
            if found is not None:
                try:
                    return Challenge(
                        found.get("realm", ""),
                        found.get("error", ""),
                        found.get("error_description", ""),
                        found.get("scope", ""),
                        found.get("resource_metadata", ""),
                    )
                except ValueError:
                    continue
    return None


def _bearer_parameters(value: bytes) -> dict[str, str] | None:
    """The parameters that follow the word Bearer, up to the next scheme."""
    parameters: dict[str, str] | None = None
    at = _skip(value, 0)
    while at < len(value):
        parameter = _PARAMETER.match(value, at)
        if parameter is not None:
            at = parameter.end()
            if parameters is not None:
                name = parameter[1].decode("ascii").lower()
                if name in parameters:
                    return None
                quoted = parameter[3]
                text = (parameter[2] if quoted is None else quoted).decode("latin-1")
                parameters[name] = text if quoted is None else _QUOTED_PAIR.sub(r"\1", text)
        else:
            if parameters is not None:
                return parameters
            scheme = _SCHEME.match(value, at)
            if scheme is None:
                return None
            at = scheme.end()
            if scheme[1].lower() == b"bearer":
                parameters = {}
            elif _PARAMETER.match(value, at) is None and (token68 := _TOKEN68.match(value, at)) is not None:
                at = token68.end()
        at = _skip(value, at)
    return parameters


def _skip(value: bytes, at: int) -> int:
    separators = _SEPARATORS.match(value, at)
    return at if separators is None else separators.end()
