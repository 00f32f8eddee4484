"""Operations on APIs: the resource servers that tokens are for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from mintmark.authorization_server.administration import apis
from mintmark.authorization_server.administration.operation import Call, operation
from mintmark.authorization_server.administration.operations.inputs import (
    Audience,
    EnvironmentId,
    Name,
    OfApi,
    OfEnvironment,
)
from mintmark.authorization_server.ports import Transaction
from mintmark.values.tenancy import Algorithm, Api, TokenFormat

ScopeWords = Annotated[Mapping[str, str], "Scope tokens, and what each allows in words."]
Lifetime = Annotated[int, "Seconds that its tokens live; at most 31 days."]
Format = Annotated[TokenFormat, "jwt or opaque."]
TypeHeader = Annotated[str, "The JWS typ: at+jwt or JWT."]
AlgorithmName = Annotated[Algorithm, "ES256, RS256 or EdDSA."]
RequiredScope = Annotated[str | None, "The one scope that a request must name."]
StatusList = Annotated[bool, "Whether its JWTs say where their status is published (Token Status List)."]
Claims = Annotated[Mapping[str, str], "Constant claims of its tokens."]


@dataclass(frozen=True, slots=True)
class NewApi:
    """An API to be made."""

    environment: EnvironmentId
    audience: Annotated[str, "What its tokens carry as aud."]
    name: Annotated[str, "Name for people; empty: the audience."] = ""
    scopes: ScopeWords = field(default_factory=dict)
    token_lifetime: Lifetime = 3600
    token_format: Format = "jwt"
    token_type_header: TypeHeader = "at+jwt"
    algorithm: AlgorithmName = "ES256"
    required_scope: RequiredScope = None
    claims: Claims = field(default_factory=dict)
    status_list: StatusList = False


@dataclass(frozen=True, slots=True)
class ApiChange:
    """What is given is changed; scopes and claims replace all there were."""

    environment: EnvironmentId
    audience: Audience
    name: Name | None = None
    scopes: ScopeWords | None = None
    token_lifetime: Lifetime | None = None
    token_format: Format | None = None
    token_type_header: TypeHeader | None = None
    algorithm: AlgorithmName | None = None
    required_scope: Annotated[str | None, "The one scope that a request must name; empty lifts it."] = None
    claims: Claims | None = None
    status_list: StatusList | None = None


@operation("api.create", "environment", writes=True)
def create(tx: Transaction, call: Call, given: NewApi) -> Api:
    """Create an API."""
    return apis.create(
        tx,
        call.act,
        environment=given.environment,
        audience=given.audience,
        name=given.name or given.audience,
        scopes=given.scopes,
        token_lifetime=given.token_lifetime,
        token_format=given.token_format,
        token_type_header=given.token_type_header,
        algorithm=given.algorithm,
        required_scope=given.required_scope,
        claims=given.claims,
        status_list=given.status_list,
    )


@operation("api.list", "environment")
def listing(tx: Transaction, call: Call, given: OfEnvironment) -> list[Api]:
    """List the APIs of an environment."""
    return apis.listing(tx, given.environment)


@operation("api.show", "environment")
def show(tx: Transaction, call: Call, given: OfApi) -> Api:
    """Show an API."""
    return apis.show(tx, given.environment, given.audience)


@operation("api.change", "environment", writes=True)
def change(tx: Transaction, call: Call, given: ApiChange) -> Api:
    """Change what is given; scopes and claims replace all there were."""
    return apis.change(
        tx,
        call.act,
        given.environment,
        given.audience,
        name=given.name,
        scopes=given.scopes,
        token_lifetime=given.token_lifetime,
        token_format=given.token_format,
        token_type_header=given.token_type_header,
        algorithm=given.algorithm,
        required_scope=given.required_scope,
        claims=given.claims,
        status_list=given.status_list,
    )


@operation("api.enable", "environment", writes=True)
def enable(tx: Transaction, call: Call, given: OfApi) -> Api:
    """Let the tenant have the API."""
    return apis.enable(tx, call.act, given.environment, given.audience)


@operation("api.disable", "environment", writes=True)
def disable(tx: Transaction, call: Call, given: OfApi) -> Api:
    """Issue no more tokens for the API and refuse those that exist."""
    return apis.disable(tx, call.act, given.environment, given.audience)


@operation("api.delete", "environment", writes=True)
def delete(tx: Transaction, call: Call, given: OfApi) -> None:
    """Delete an API that nothing uses any more."""
    apis.delete(tx, call.act, given.environment, given.audience)
