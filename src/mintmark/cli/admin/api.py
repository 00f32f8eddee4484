"""`mintmark admin api`: the resource servers that tokens are for."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from mintmark.authorization_server.administration.operations import api as apis
from mintmark.authorization_server.administration.operations.inputs import OfApi, OfEnvironment
from mintmark.cli import output
from mintmark.cli.admin.options import Environment, Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.typed import described, pairs, period
from mintmark.values.tenancy import Algorithm, TokenFormat

noun = Noun("api", "APIs: the resource servers that tokens are for.")

Audience = Annotated[str, typer.Argument(metavar="AUDIENCE", help="What its tokens carry as aud.")]
Name = Annotated[str | None, typer.Option("--name", help="Name for people.", show_default=False)]
ScopeWords = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        help='Scope token and what it allows, as "orders:read Reading orders"; repeat.',
        show_default=False,
    ),
]
Lifetime = Annotated[
    str | None, typer.Option("--lifetime", help="Of its tokens, such as 1h; at most 31d.", show_default=False)
]
Format = Annotated[str | None, typer.Option("--format", help="jwt or opaque.", show_default=False)]
Type = Annotated[str | None, typer.Option("--typ", help="The JWS typ: at+jwt or JWT.", show_default=False)]
AlgorithmOption = Annotated[
    str | None, typer.Option("--algorithm", help="ES256, RS256 or EdDSA.", show_default=False)
]
RequiredScope = Annotated[
    str | None,
    typer.Option("--required-scope", help="The one scope that a request must name.", show_default=False),
]
Claims = Annotated[
    list[str] | None,
    typer.Option("--claim", help="Constant claim as NAME=VALUE; may be repeated.", show_default=False),
]
StatusList = Annotated[
    bool | None,
    typer.Option(
        "--status-list/--no-status-list",
        help="Whether its JWTs say where their status is published.",
        show_default=False,
    ),
]


@noun.command("create")
def create(
    call: Call,
    environment: Environment,
    audience: Audience,
    name: Name = None,
    scope: ScopeWords = None,
    lifetime: Lifetime = None,
    token_format: Format = None,
    typ: Type = None,
    algorithm: AlgorithmOption = None,
    required_scope: RequiredScope = None,
    claim: Claims = None,
    status_list: StatusList = None,
) -> Answer:
    """Create an API."""
    scopes, claims = described(scope or [], "--scope"), pairs(claim or [], "--claim")
    seconds = period(lifetime, "--lifetime")
    given = apis.NewApi(
        environment,
        audience,
        name=name or "",
        scopes=scopes,
        token_lifetime=3600 if seconds is None else seconds,
        token_format=cast(TokenFormat, token_format or "jwt"),
        token_type_header=typ or "at+jwt",
        algorithm=cast(Algorithm, algorithm or "ES256"),
        required_scope=required_scope,
        claims=claims,
        status_list=bool(status_list),
    )
    return Fields(call.run(apis.create, given))


@noun.command("list")
def listing(call: Call, environment: Environment) -> Answer:
    """List the APIs of an environment."""
    found = call.run(apis.listing, OfEnvironment(environment))
    return Table(
        ("audience", "name", "enabled", "algorithm", "token_lifetime", "token_format"),
        found,
    )


@noun.command("show")
def show(call: Call, environment: Environment, audience: Audience) -> Answer:
    """Show an API."""
    return Fields(call.run(apis.show, OfApi(environment, audience)))


@noun.command("change")
def change(
    call: Call,
    environment: Environment,
    audience: Audience,
    name: Name = None,
    scope: ScopeWords = None,
    lifetime: Lifetime = None,
    token_format: Format = None,
    typ: Type = None,
    algorithm: AlgorithmOption = None,
    required_scope: RequiredScope = None,
    claim: Claims = None,
    status_list: StatusList = None,
) -> Answer:
    """Change what is given; scopes and claims replace all there were."""
    scopes = None if scope is None else described(scope, "--scope")
    claims = None if claim is None else pairs(claim, "--claim")
    given = apis.ApiChange(
        environment,
        audience,
        name=name,
        scopes=scopes,
        token_lifetime=period(lifetime, "--lifetime"),
        token_format=cast(TokenFormat | None, token_format),
        token_type_header=typ,
        algorithm=cast(Algorithm | None, algorithm),
        required_scope=required_scope,
        claims=claims,
        status_list=status_list,
    )
    return Fields(call.change(apis.change, given))


@noun.command("enable")
def enable(call: Call, environment: Environment, audience: Audience) -> Answer:
    """Let the tenant have the API."""
    return Fields(call.run(apis.enable, OfApi(environment, audience)))


@noun.command("disable")
def disable(call: Call, environment: Environment, audience: Audience) -> Answer:
    """Issue no more tokens for the API and refuse those that exist."""
    return Fields(call.run(apis.disable, OfApi(environment, audience)))


@noun.command("delete")
def delete(call: Call, environment: Environment, audience: Audience, yes: Yes = False) -> Answer:
    """Delete an API that nothing uses any more."""
    output.confirm(f"This deletes the API {audience} of {environment}.", yes=yes)
    call.run(apis.delete, OfApi(environment, audience))
    return Fields({"deleted": audience})
