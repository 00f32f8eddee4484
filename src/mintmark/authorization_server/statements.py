"""What an issuer signs beside access tokens: every statement has a `typ` of its own, so none passes for another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mintmark.authorization_server.ports import EnvironmentView
from mintmark.jose.access_token import build
from mintmark.jose.jwk import PrivateKey
from mintmark.values.errors import temporarily_unavailable
from mintmark.values.tenancy import Algorithm

#: Which of the issuer's keys signs statements: of the first algorithm that it has.
ALGORITHMS: Final[tuple[Algorithm, ...]] = ("ES256", "EdDSA", "RS256")


def statement_key(view: EnvironmentView, now: float) -> PrivateKey:
    """The key that signs statements at `now`. Raises OAuthError 503 when the issuer has none."""
    for algorithm in ALGORITHMS:
        try:
            return view.keyring.signer(algorithm, now)
        except LookupError:
            continue
    raise temporarily_unavailable(60, reason="no_signing_key")


def signed(view: EnvironmentView, claims: Mapping[str, object], typ: str, now: float) -> str:
    """`claims` as a compact JWS of type `typ`. Raises OAuthError 503 when the issuer has no key."""
    return build(claims, statement_key(view, now), typ)
