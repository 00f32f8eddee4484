"""Signing in through the company's own OpenID provider: the authorization code flow with PKCE (OpenID Connect Core
§3.1, RFC 7636), written down here without any network.

What has to be remembered between going there and coming back is in a ticket, which the browser keeps in a cookie.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlencode

from mintmark.jose import base64url
from mintmark.jose.access_token import Expectation, verify
from mintmark.jose.jwk import KeyFault
from mintmark.jose.jws import TokenFault
from mintmark.jose.key_set import parse_key_set
from mintmark.values.openid import OpenIdFault as OpenIdFault
from mintmark.values.openid import Provider as Provider
from mintmark.values.secret import Secret

LEEWAY = 60
SCOPE = "openid email"


class OpenIdProvider(Protocol):
    """The provider over the network, as `transport.openid_provider` implements it. Both raise OpenIdFault."""

    client_id: str
    title: str

    def provider(self) -> Provider:
        """Its metadata and keys, fetched afresh when they are old."""
        ...

    def exchange(self, provider: Provider, code: Secret, verifier: Secret, redirect_uri: str) -> Secret:
        """The ID token for a code (OpenID Connect Core §3.1.3)."""
        ...


def challenge(verifier: str) -> str:
    """S256 of a code verifier (RFC 7636 §4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def authorization_url(provider: Provider, client_id: str, redirect_uri: str, state: Mapping[str, str]) -> str:
    """Where the browser goes. `state`: ``state``, ``nonce`` and ``verifier``."""
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "state": state["state"],
        "nonce": state["nonce"],
        "code_challenge": challenge(state["verifier"]),
        "code_challenge_method": "S256",
    }
    separator = "&" if "?" in provider.authorization_endpoint else "?"
    return f"{provider.authorization_endpoint}{separator}{urlencode(asked)}"


def names_in(provider: Provider, id_token: Secret, client_id: str, nonce: str, now: float) -> list[str]:
    """By which names the provider knows who signed in: `sub`, and an address that it has verified.

    The checks of OpenID Connect Core §3.1.3.7 for a code flow. Raises OpenIdFault.
    """
    expectation = Expectation(
        provider.issuer,
        frozenset({client_id}),
        frozenset({"", "jwt"}),
        ("sub", "iat", "nonce"),
        LEEWAY,
        ignored=frozenset({"x5t", "x5t#S256"}),
    )
    try:
        claims = verify(id_token.reveal(), parse_key_set(provider.keys), expectation, now)
    except TokenFault as fault:
        raise OpenIdFault(f"The OpenID provider's answer is not acceptable: {fault.sentence}") from None
    except KeyFault:
        raise OpenIdFault("The OpenID provider's keys cannot be read.") from None
    if claims["nonce"] != nonce or claims.get("azp", client_id) != client_id:
        raise OpenIdFault("The OpenID provider's answer is not for this sign-in: begin again.")
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and "azp" not in claims:
        raise OpenIdFault("The OpenID provider's answer does not say for whom it is.")
    names = [claims["sub"]]
    if claims.get("email_verified") is True:
        names.append(claims.get("email"))
    return [name for name in names if isinstance(name, str) and name]


def same(presented: str, expected: str) -> bool:
    """Whether the provider sent back the state that it was given; constant in time."""
    return hmac.compare_digest(presented.encode(), expected.encode())


def random_text(random: bytes) -> str:
    """43 characters for a state, a nonce or a verifier, from 32 random bytes."""
    return base64url.encode(random).decode("ascii")
