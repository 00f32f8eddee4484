"""`mintmark admin legacy-token`: Basic token ids and secrets on API calls, imported only."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration import Act, imported_secrets, legacy_tokens
from mintmark.authorization_server.administration.showing import row
from mintmark.cli import output, secret_input
from mintmark.cli.admin.options import Audience, EndsAt, Environment, Expires, Label, Scopes, Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.services import Administration
from mintmark.cli.typed import instant
from mintmark.values.credential import LegacyToken

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

    async def task(opened: Administration, act: Act) -> LegacyToken:
        digest = imported_secrets.digest(act, secret)
        return await opened.store.write(
            lambda tx: legacy_tokens.import_token(
                tx,
                act,
                environment=environment,
                token_id=token_id,
                digest=digest,
                audience=audience,
                scopes=scope or (),
                label=label,
                expires_at=expires_at,
            )
        )

    return Fields(row(call.administer(task)))


@noun.command("list")
def listing(call: Call, environment: Environment) -> Answer:
    """List legacy tokens with state and last use."""
    found = call.read(lambda tx, now: legacy_tokens.listing(tx, environment, now))
    return Table(
        ("token_id", "label", "audience", "scopes", "state", "expires_at", "last_used_at", "last_used_from"),
        [row(entry) for entry in found],
    )


@noun.command("retire")
def retire(call: Call, environment: Environment, token_id: TokenId, at: EndsAt = None) -> Answer:
    """Let a legacy token end, now or at a time."""
    end = instant(at, call.now, "--at")
    made = call.write(
        lambda tx, act: legacy_tokens.retire(tx, act, environment=environment, token_id=token_id, at=end)
    )
    return Fields(row(made))


@noun.command("revoke")
def revoke(call: Call, environment: Environment, token_id: TokenId, yes: Yes = False) -> Answer:
    """End a legacy token now because it has leaked."""
    output.confirm(f"Programs that use the legacy token {token_id} stop working.", yes=yes)
    made = call.write(
        lambda tx, act: legacy_tokens.revoke(tx, act, environment=environment, token_id=token_id)
    )
    return Fields(row(made))
