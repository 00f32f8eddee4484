"""Who calls: read from the verified claims of a token by its issuer's profile, or from what the issuer said of it.

Nothing here verifies a signature; it is the last step, at which tokens that are genuine but no access tokens fall.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from mintmark.resource_server.profile import Profile
from mintmark.values.errors import OAuthError, insufficient_scope, invalid_token
from mintmark.values.token import TokenFacts

_NO_CLAIMS: Final[Mapping[str, object]] = MappingProxyType({})


class Caller(NamedTuple):
    """Who calls, for whom, and what for. (A tuple, because one is made for each token that is seen first.)

    `audience`: the one of the guard's that the token names. `expires_at`: seconds since the epoch, or None
    for an API token without an end. `user_id`: who acted beside the client. `claims`: of a JWT, read-only;
    empty for other tokens.
    """

    client_id: str
    subject: str
    tenant: str
    scopes: frozenset[str]
    audience: str
    expires_at: float | None
    token_id: str
    user_id: str | None = None
    claims: Mapping[str, object] = _NO_CLAIMS

    def __repr__(self) -> str:
        shown = (
            f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True) if name != "claims"
        )
        return f"Caller({', '.join(shown)})"


def caller_of(claims: Mapping[str, object], profile: Profile, audiences: Collection[str]) -> Caller:
    """The caller in claims that `jose.access_token.verify` let pass. Raises OAuthError when `profile` says that
    this is no access token.
    """
    for name, value in profile.exact:
        if claims.get(name) != value:
            raise _no_access_token()
    if profile.refused and not profile.refused.isdisjoint(claims):
        raise _no_access_token()
    if profile.any_of and not any(name in claims for name in profile.any_of):
        raise _no_access_token()
    scopes: list[str] = []
    for name in profile.scope:
        if name in claims:
            scopes += _words(claims[name], name)
    client_id = _first(claims, profile.client_id)
    if not client_id:
        raise invalid_token("The token does not say which client it was issued to.", reason="missing_claim")
    named = claims[profile.audience]
    return Caller(
        client_id,
        _text(claims, "sub") or client_id,
        _first(claims, profile.tenant),
        frozenset(scopes),
        named if type(named) is str else _ours(named, audiences),
        claims["exp"],  # type: ignore[arg-type]  # `verify` has seen that it is a number
        _text(claims, "jti"),
        _first(claims, profile.user_id) or None,
        MappingProxyType(claims),
    )


def caller_of_facts(facts: TokenFacts | None, issuer: str, audiences: Collection[str], now: float) -> Caller:
    """The caller behind a token that was looked up, if it lives, is of this issuer and for this API. Raises
    OAuthError.
    """
    if facts is None:
        raise not_active()
    if facts.issuer != issuer:
        raise invalid_token("The token is from another issuer.", reason="wrong_issuer")
    if facts.audience not in audiences:
        raise invalid_token("The token is for another audience.", reason="wrong_audience")
    if facts.expires_at is not None and now >= facts.expires_at:
        raise invalid_token("The token has expired; obtain a new one.", reason="expired")
    return Caller(
        client_id=facts.client_id,
        subject=facts.subject,
        tenant=facts.tenant,
        scopes=frozenset(facts.scopes),
        audience=facts.audience,
        expires_at=facts.expires_at,
        token_id=facts.token_id,
        user_id=facts.user_id,
    )


def require(caller: Caller, *scopes: str) -> None:
    """Raises OAuthError ``insufficient_scope`` (403), naming the first of `scopes` that the caller lacks."""
    for scope in scopes:
        if scope not in caller.scopes:
            raise insufficient_scope(f"The access token lacks the scope {scope}.")


def not_active() -> OAuthError:
    """401: the issuer does not know the token, or has ended it."""
    return invalid_token("The token is not known here, or is no longer valid.", reason="not_active")


def _ours(named: object, audiences: Collection[str]) -> str:
    """The first of our audiences in a list that `verify` has seen to hold one."""
    listed = named if isinstance(named, list) else []
    return next(str(one) for one in listed if one in audiences)


def _no_access_token() -> OAuthError:
    return invalid_token(
        "The token is genuine but no access token; send the access token of the token response.",
        reason="wrong_type",
    )


def _words(value: object, name: str) -> list[str]:
    if type(value) is str:
        return value.split()
    if type(value) is list and all(type(one) is str for one in value):
        return value
    raise invalid_token(f"The token's claim {name} is neither text nor a list of texts.", reason="malformed")


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name, "")
    return value if type(value) is str else ""


def _first(claims: Mapping[str, object], names: tuple[str, ...]) -> str:
    for name in names:
        value = claims.get(name)
        if type(value) is str and value:
            return value
    return ""
