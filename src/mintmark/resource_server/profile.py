"""Profiles: what an issuer's access tokens look like beyond issuer and audience, as data.

`RFC9068` is the standard; the others are what this server issues for the vendors whose names they bear. Every
one of them demands claims that no ID token, logout token or client assertion carries together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Profile:
    """`types`: admitted JWS ``typ`` in lower case, without ``application/``. `required`: claims beside iss,
    aud, exp.

    `basic`: whether legacy tokens are admitted by Basic (Fyma). `max_lifetime`: the most seconds from ``iat``
    to ``exp``, or None.
    """

    name: str
    types: frozenset[str]
    required: tuple[str, ...]
    basic: bool = False
    max_lifetime: int | None = None


#: RFC 9068 §2.2.
_STANDARD: Final = ("sub", "client_id", "iat", "jti")
#: What every token of this server says besides. Not `scope`: a client may have been granted none.
_OURS: Final = (*_STANDARD, "nbf", "mm_tenant", "mm_cred")
_AT_JWT: Final = frozenset({"at+jwt"})

RFC9068: Final = Profile("rfc9068", _AT_JWT, _STANDARD)
OMNILAB: Final = Profile("omnilab", _AT_JWT, _OURS)
OLERIA: Final = Profile("oleria", _AT_JWT, _OURS)
#: "You can use them via basic auth by entering token ID as a username and token secret as a password."
FYMA: Final = Profile("fyma", _AT_JWT, _OURS, basic=True)
OMNEO: Final = Profile("omneo", _AT_JWT, _OURS)
#: The Authentication page of Omnissa Intelligence shows the header {"alg":"RS256","typ":"JWT"}.
OMNISSA: Final = Profile("omnissa", frozenset({"jwt"}), _OURS)

PROFILES: Final[Mapping[str, Profile]] = {
    profile.name: profile for profile in (RFC9068, OMNILAB, OLERIA, FYMA, OMNEO, OMNISSA)
}
