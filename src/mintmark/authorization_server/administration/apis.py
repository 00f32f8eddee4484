"""APIs: the resource servers of an environment that tokens are for.

An API that signs its tokens needs a signing key of its algorithm; the first one is made with the API.
Deleting one is refused while anything is still allowed it: a later API with the same audience must not
inherit rights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import get_args

from mintmark.authorization_server.administration import checked, lookup, signing_keys
from mintmark.authorization_server.administration.act import (
    Act,
    AdministrationFault,
    audited,
    conflict,
    insert,
)
from mintmark.authorization_server.ports import Transaction
from mintmark.jose.jwk import PrivateKey
from mintmark.values.client import Client
from mintmark.values.credential import ApiToken, LegacyToken, MachineUser, SignatureKey
from mintmark.values.revocation import LONGEST_LISTED_LIFETIME, LONGEST_TOKEN_LIFETIME
from mintmark.values.tenancy import Algorithm, Api, TokenFormat

LONGEST_LIFETIME = LONGEST_TOKEN_LIFETIME
TYPES = ("at+jwt", "JWT")
#: Claims that every token carries by its own rule; an API's constants may not stand in for them.
RESERVED_CLAIMS = frozenset(
    {"iss", "sub", "aud", "client_id", "iat", "nbf", "exp", "jti", "scope", "cnf", "act"}
)


def create(
    tx: Transaction,
    act: Act,
    *,
    environment: str,
    audience: str,
    name: str,
    scopes: Mapping[str, str] | None = None,
    token_lifetime: int = 3600,
    token_format: TokenFormat = "jwt",
    token_type_header: str = "at+jwt",
    algorithm: Algorithm = "ES256",
    required_scope: str | None = None,
    claims: Mapping[str, str] | None = None,
    status_list: bool = False,
    key: PrivateKey | None = None,
) -> Api:
    """A new API. `scopes`: token -> what it allows, in words. `token_lifetime`: seconds, 1 to 31 days.

    `key`: a fresh signing key to use if the environment has none of that algorithm; without it one is
    generated inside the transaction (RSA takes a moment). Raises AdministrationFault.
    """
    lookup.environment(tx, environment)
    api = _checked(
        Api(
            environment=environment,
            audience=checked.audience(audience),
            name=checked.name(name, "name"),
            scopes=dict(scopes or {}),
            token_lifetime=token_lifetime,
            token_format=token_format,
            token_type_header=token_type_header,
            algorithm=algorithm,
            required_scope=required_scope,
            claims=dict(claims or {}),
            status_list=status_list,
        )
    )
    insert(tx, act, api)
    _ensure_keys(tx, act, api, key)
    audited(tx, act, "api.create", environment=environment, audience=audience, scope=" ".join(api.scopes))
    return api


def listing(tx: Transaction, environment: str) -> list[Api]:
    """The APIs of an environment, by audience."""
    return tx.find(Api, environment=lookup.environment(tx, environment).id)


def show(tx: Transaction, environment: str, audience: str) -> Api:
    """One API. Raises AdministrationFault (not_found)."""
    return lookup.api(tx, lookup.environment(tx, environment).id, audience)


def change(
    tx: Transaction,
    act: Act,
    environment: str,
    audience: str,
    *,
    name: str | None = None,
    scopes: Mapping[str, str] | None = None,
    token_lifetime: int | None = None,
    token_format: TokenFormat | None = None,
    token_type_header: str | None = None,
    algorithm: Algorithm | None = None,
    required_scope: str | None = None,
    claims: Mapping[str, str] | None = None,
    status_list: bool | None = None,
    key: PrivateKey | None = None,
) -> Api:
    """Change what is given; None leaves it, and an empty `required_scope` lifts it. `scopes` replaces them
    all.

    A scope that is gone is granted to nobody any more; tokens already issued keep theirs until they expire.
    """
    before = show(tx, environment, audience)
    given: dict[str, object] = {
        "name": name if name is None else checked.name(name, "name"),
        "scopes": scopes if scopes is None else dict(scopes),
        "token_lifetime": token_lifetime,
        "token_format": token_format,
        "token_type_header": token_type_header,
        "algorithm": algorithm,
        "claims": claims if claims is None else dict(claims),
        "status_list": status_list,
    }
    changes = {field: value for field, value in given.items() if value is not None}
    if required_scope is not None:
        changes["required_scope"] = required_scope or None
    api = _checked(replace(before, **changes))  # type: ignore[arg-type]
    tx.put(api, now=act.now)
    _ensure_keys(tx, act, api, key)
    audited(
        tx, act, "api.change", environment=environment, audience=audience, detail=", ".join(sorted(changes))
    )
    return api


def enable(tx: Transaction, act: Act, environment: str, audience: str) -> Api:
    """Let this tenant have the API."""
    return _switch(tx, act, environment, audience, enabled=True)


def disable(tx: Transaction, act: Act, environment: str, audience: str) -> Api:
    """Issue no more tokens for the API and refuse those that exist."""
    return _switch(tx, act, environment, audience, enabled=False)


def _switch(tx: Transaction, act: Act, environment: str, audience: str, *, enabled: bool) -> Api:
    api = replace(show(tx, environment, audience), enabled=enabled)
    tx.put(api, now=act.now)
    kind = f"api.{'enable' if enabled else 'disable'}"
    audited(tx, act, kind, environment=environment, audience=audience)
    return api


def delete(tx: Transaction, act: Act, environment: str, audience: str) -> None:
    """Delete an API that nothing is allowed any more. Raises AdministrationFault (conflict) naming who is."""
    api = show(tx, environment, audience)
    users = list(_users(tx, act, api))
    if users:
        more = f" and {len(users) - 3} more" if len(users) > 3 else ""
        raise conflict(
            f"The API {audience} is still in use by {', '.join(users[:3])}{more}: take it from them first, "
            "or disable it."
        )
    tx.remove(api, now=act.now)
    audited(tx, act, "api.delete", environment=environment, audience=audience)


def _users(tx: Transaction, act: Act, api: Api) -> Iterable[str]:
    for client in tx.find(Client, environment=api.environment):
        if api.audience in client.allowed or api.audience in client.protects:
            yield f"client {client.client_id}"
    for user in tx.find(MachineUser, environment=api.environment):
        if user.proxy_audience == api.audience:
            yield f"machine user {user.username}"
    for key in tx.find(SignatureKey, environment=api.environment, audience=api.audience):
        if key.state(act.now) in ("active", "retiring"):
            yield f"signature key {key.id}"
    for token in tx.find(ApiToken, environment=api.environment, audience=api.audience):
        if token.state(act.now) == "active":
            yield f"API token {token.id}"
    for legacy in tx.find(LegacyToken, environment=api.environment, audience=api.audience):
        if legacy.state(act.now) == "active":
            yield f"legacy token {legacy.id}"


def _checked(api: Api) -> Api:
    checked.scope_grammar(api.scopes, f"the API {api.audience}")
    for token, meaning in api.scopes.items():
        if meaning:
            checked.name(meaning, f"meaning of the scope {token}")
    checked.number(api.token_lifetime, "token lifetime in seconds", most=LONGEST_LIFETIME)
    if api.token_format not in get_args(TokenFormat):
        raise AdministrationFault("The token format must be jwt or opaque.")
    if api.token_type_header not in TYPES:
        raise AdministrationFault("The token type header must be at+jwt (RFC 9068) or JWT.")
    if api.algorithm not in get_args(Algorithm):
        raise AdministrationFault("The algorithm must be ES256, RS256 or EdDSA.")
    if api.required_scope is not None and api.required_scope not in api.scopes:
        raise AdministrationFault("The required scope must be one of the scopes of the API.")
    checked.constants(api.claims, "claim")
    for claim in api.claims:
        if claim in RESERVED_CLAIMS or claim.startswith("mm_"):
            raise AdministrationFault(
                f"The claim {claim} is set by the server and cannot be a constant of an API."
            )
    if api.status_list:
        _check_status_list(api)
    return api


def _check_status_list(api: Api) -> None:
    if api.token_format != "jwt":
        raise AdministrationFault("Opaque tokens have no status list: whoever checks them asks the issuer.")
    if api.token_lifetime > LONGEST_LISTED_LIFETIME:
        raise AdministrationFault(
            "Tokens on a status list live for one day at most: lower the token lifetime to 86400 seconds."
        )
    if "status" in api.claims:
        raise AdministrationFault("The claim status is set by the server for tokens on a status list.")


def _ensure_keys(tx: Transaction, act: Act, api: Api, key: PrivateKey | None) -> None:
    if api.token_format == "jwt":
        signing_keys.ensure(tx, act, environment=api.environment, algorithm=api.algorithm, key=key)
        signing_keys.keep_published(tx, act, environment=api.environment, lifetime=api.token_lifetime)
