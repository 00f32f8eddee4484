"""`mintmark admin api-token`: opaque Bearer tokens with chosen scopes."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration.operations import token as tokens
from mintmark.authorization_server.administration.operations.inputs import OfEnvironment
from mintmark.cli import output
from mintmark.cli.admin.options import Audience, Environment, Expires, Label, Scopes, Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.typed import instant

noun = Noun("api-token", "API tokens: opaque Bearer tokens with chosen scopes, shown once.")


@noun.command("create")
def create(
    call: Call,
    environment: Environment,
    audience: Audience,
    scope: Scopes = None,
    label: Label = "",
    machine_user: Annotated[
        str | None, typer.Option("--machine-user", help="User name for which it acts.", show_default=False)
    ] = None,
    expires: Expires = None,
) -> Answer:
    """Create an API token; it is shown once."""
    expires_at = instant(expires, call.now, "--expires")
    given = tokens.ApiTokenToMake(environment, audience, tuple(scope or ()), label, machine_user, expires_at)
    return Fields(call.run(tokens.create, given), ("The token is shown this once: keep it now.",))


@noun.command("list")
def listing(call: Call, environment: Environment) -> Answer:
    """List API tokens with mask, state and last use."""
    found = call.run(tokens.listing, OfEnvironment(environment))
    return Table(
        ("token_id", "mask", "label", "scopes", "state", "expires_at", "last_used_at", "last_used_from"),
        found,
    )


@noun.command("revoke")
def revoke(
    call: Call,
    environment: Environment,
    token_id: Annotated[str, typer.Argument(metavar="TOKEN_ID", help="The id of the token, as listed.")],
    yes: Yes = False,
) -> Answer:
    """End an API token now."""
    output.confirm(f"Programs that use the API token {token_id} stop working.", yes=yes)
    return Fields(call.run(tokens.revoke, tokens.OfToken(environment, token_id)))
