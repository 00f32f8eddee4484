"""`mintmark admin legacy-token`: Basic token ids and secrets on API calls, imported only."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration.operations import token as tokens
from mintmark.authorization_server.administration.operations.inputs import OfEnvironment
from mintmark.cli import output, secret_input
from mintmark.cli.admin.options import Audience, EndsAt, Environment, Expires, Label, Scopes, Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.typed import instant

noun = Noun("legacy-token", "Legacy tokens: Basic on API calls; they are imported, never created.")
TokenId = Annotated[str, typer.Argument(metavar="TOKEN_ID", help="The token's id, as its programs send it.")]


@noun.command("import")
def import_token(
    call: Call,
    environment: Environment,
    token_id: TokenId,
    audience: Audience,
    scope: Scopes = None,
    label: Label = "",
    expires: Expires = None,
    secret_file: secret_input.SecretFile = None,
    secret_stdin: secret_input.SecretStdin = False,
    secret_env: secret_input.SecretEnvironment = None,
) -> Answer:
    """Import a legacy token with the id and secret that its programs hold already."""
    expires_at = instant(expires, call.now, "--expires")
    secret = secret_input.read("secret", secret_file, secret_stdin, secret_env)
    given = tokens.LegacyTokenToImport(
        environment, token_id, secret, audience, tuple(scope or ()), label, expires_at
    )
    return Fields(call.run(tokens.import_legacy, given))


@noun.command("list")
def listing(call: Call, environment: Environment) -> Answer:
    """List legacy tokens with state and last use."""
    found = call.run(tokens.list_legacy, OfEnvironment(environment))
    return Table(
        ("token_id", "label", "audience", "scopes", "state", "expires_at", "last_used_at", "last_used_from"),
        found,
    )


@noun.command("retire")
def retire(call: Call, environment: Environment, token_id: TokenId, at: EndsAt = None) -> Answer:
    """Let a legacy token end, now or at a time."""
    end = instant(at, call.now, "--at")
    return Fields(call.run(tokens.retire_legacy, tokens.LegacyTokenEnd(environment, token_id, end)))


@noun.command("revoke")
def revoke(call: Call, environment: Environment, token_id: TokenId, yes: Yes = False) -> Answer:
    """End a legacy token now because it has leaked."""
    output.confirm(f"Programs that use the legacy token {token_id} stop working.", yes=yes)
    return Fields(call.run(tokens.revoke_legacy, tokens.OfToken(environment, token_id)))
