"""Profiles: what an issuer's access tokens look like beyond issuer and audience, as data.

`RFC9068` is the standard; some are what this server issues for the vendors whose names they bear; the rest are
other issuers that do otherwise. Where an issuer gives its access tokens no type of their own, the profile names the
claims by which they are told from ID tokens, logout tokens and whatever else the same key signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from mintmark.jose.access_token import Expectation

#: Claims of other tokens: ID tokens (OpenID Connect Core §2, §3.3.2.11), security events and logout tokens (RFC 8417,
#: Back-Channel Logout §2.4), DPoP proofs (RFC 9449 §4.2), introspection answers (RFC 9701 §5), status lists.
FOREIGN: Final = frozenset(
    {"nonce", "at_hash", "c_hash", "s_hash", "events", "htm", "htu", "token_introspection", "status_list"}
)


@dataclass(frozen=True, slots=True)
class Profile:
    """`types`: admitted JWS ``typ`` in lower case, without ``application/``. `required`: claims beside iss,
    aud, exp.

    `basic`: whether legacy tokens are admitted by Basic (Fyma). `max_lifetime`: the most seconds from ``iat``
    to ``exp``, or None. `audience`: the claim that says whom the token is for. `client_id`, `tenant`,
    `user_id`: claims that may say so, the first that is present counts. `scope`: claims whose permissions are
    added up, each a text or a list of texts. `any_of`: claims of which one must be present. `exact`: claims
    with the one value that they must have. `refused`: claims that no access token carries. `parameters`: header
    parameters that are ignored beside alg, typ, kid and cty. `key_origins`: where the keys may stand beside the
    issuer's own origin.
    """

    name: str
    types: frozenset[str]
    required: tuple[str, ...]
    basic: bool = False
    max_lifetime: int | None = None
    audience: str = "aud"
    client_id: tuple[str, ...] = ("client_id",)
    scope: tuple[str, ...] = ("scope",)
    any_of: tuple[str, ...] = ()
    tenant: tuple[str, ...] = ("mm_tenant",)
    user_id: tuple[str, ...] = ("mm_user",)
    exact: tuple[tuple[str, str], ...] = ()
    refused: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    key_origins: tuple[str, ...] = ()

    def expectation(self, issuer: str, audiences: Iterable[str]) -> Expectation:
        """What a token of `issuer` for `audiences` must be. Raises ValueError when one of them is empty."""
        return Expectation(
            issuer,
            frozenset(audiences),
            self.types,
            self.required,
            max_lifetime=self.max_lifetime,
            audience_claim=self.audience,
            ignored=self.parameters,
        )


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

#: Auth0, "Access Token Profiles": its own profile; APIs set to the RFC 9068 profile are `rfc9068`. What a program
#: obtained says so (gty) even when it has no permission; an ID token says none of this.
AUTH0: Final = Profile(
    "auth0",
    frozenset({"jwt"}),
    ("sub", "iat", "azp"),
    client_id=("azp",),
    scope=("scope", "permissions"),
    any_of=("scope", "permissions", "gty"),
    refused=FOREIGN,
    tenant=("org_id",),
    user_id=(),
)
#: Keycloak says in a claim what the header leaves open: Bearer, ID, Refresh, Logout.
KEYCLOAK: Final = Profile(
    "keycloak",
    frozenset({"jwt"}),
    ("iat", "jti", "azp"),
    client_id=("azp", "client_id"),
    exact=(("typ", "Bearer"),),
    tenant=(),
    user_id=(),
)
#: Microsoft Entra ID, "Access token claims reference": v1.0 says `appid`, v2.0 `azp`; applications have `roles`,
#: users `scp`, and both say how the client proved itself (azpacr, appidacr), as no ID token does. The header of
#: v1.0 names the certificate (x5t) beside the key; its keys stand on another host.
ENTRA: Final = Profile(
    "entra",
    frozenset({"jwt"}),
    ("sub", "iat", "tid"),
    client_id=("azp", "appid"),
    scope=("scp", "roles"),
    any_of=("azpacr", "appidacr", "scp"),
    tenant=("tid",),
    user_id=(),
    refused=FOREIGN,
    parameters=frozenset({"x5t"}),
    key_origins=("https://login.microsoftonline.com:443",),
)
#: Amazon Cognito, "Understanding the access token": no typ and no aud; the audience is the app client's id.
COGNITO: Final = Profile(
    "cognito",
    frozenset({""}),
    ("sub", "iat", "jti", "client_id"),
    audience="client_id",
    exact=(("token_use", "access"),),
    refused=FOREIGN,
    tenant=(),
    user_id=(),
)
#: Any other OpenID provider whose access tokens are JWTs. That they name permissions tells them from ID tokens.
OIDC: Final = Profile(
    "oidc",
    frozenset({"at+jwt", "jwt", ""}),
    ("sub", "iat"),
    client_id=("client_id", "azp", "cid", "appid"),
    scope=("scope", "scp", "permissions"),
    any_of=("scope", "scp", "permissions"),
    tenant=(),
    user_id=(),
    refused=FOREIGN,
)

#: What this server issues.
OURS: Final[dict[str, Profile]] = {
    profile.name: profile for profile in (RFC9068, OMNILAB, OLERIA, FYMA, OMNEO, OMNISSA)
}
PROFILES: Final[Mapping[str, Profile]] = OURS | {
    profile.name: profile for profile in (AUTH0, KEYCLOAK, ENTRA, COGNITO, OIDC)
}
