"""`mintmark admin token`: one access token, whoever it was issued to."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration.operations import token as tokens
from mintmark.cli import secret_input
from mintmark.cli.admin.options import Environment
from mintmark.cli.answer import Answer, Fields
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.services import UsageFault

noun = Noun("token", "Access tokens: ended one at a time.")


@noun.command("revoke")
def revoke(
    call: Call,
    environment: Environment,
    token_id: Annotated[
        str | None,
        typer.Option("--id", help="The token's id (jti), as the audit trail has it.", show_default=False),
    ] = None,
    token_file: secret_input.TokenFile = None,
    token_stdin: secret_input.TokenStdin = False,
    token_env: secret_input.TokenEnvironment = None,
) -> Answer:
    """End one token now; guards that follow the revocation feed refuse it within a second."""
    if token_id is not None:
        if token_file is not None or token_stdin or token_env is not None:
            raise UsageFault("Name the token by its --id or give its text, not both.")
        given = tokens.TokenToRevoke(environment, token_id)
    else:
        token = secret_input.read("token", token_file, token_stdin, token_env, twice=False)
        given = tokens.TokenToRevoke(environment, token=token)
    return Fields(call.run(tokens.revoke_access, given))
