"""`mintmark admin secret`: the secret versions of a client, and rotating them."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration.operations import secret as secrets
from mintmark.authorization_server.administration.operations.inputs import OfClient
from mintmark.cli import output, secret_input
from mintmark.cli.admin.client import not_admitted
from mintmark.cli.admin.options import SHOWN_ONCE, ClientId, EndsAt, Environment, Expires, Label, Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.typed import instant, period

noun = Noun("secret", "Secrets of a client: add, see when each was last used, retire, revoke.")
SecretId = Annotated[str, typer.Argument(metavar="SECRET_ID", help="The id of the secret, as listed.")]


@noun.command("add")
def add(
    call: Call,
    environment: Environment,
    client_id: ClientId,
    label: Label = "",
    expires: Expires = None,
    overlap: Annotated[
        str | None,
        typer.Option(
            "--overlap", help="How long the others live on [as the environment says].", show_default=False
        ),
    ] = None,
    keep_others: Annotated[bool, typer.Option("--keep-others", help="Give the others no end.")] = False,
) -> Answer:
    """Add a secret; it is shown once, and the others end after the overlap."""
    expires_at, seconds = instant(expires, call.now, "--expires"), period(overlap, "--overlap")
    given = secrets.SecretToAdd(environment, client_id, label, expires_at, seconds, keep_others)
    return Fields(call.run(secrets.add, given), (SHOWN_ONCE,))


@noun.command("import")
def import_secret(
    call: Call,
    environment: Environment,
    client_id: ClientId,
    label: Label = "imported",
    expires: Expires = None,
    secret_file: secret_input.SecretFile = None,
    secret_stdin: secret_input.SecretStdin = False,
    secret_env: secret_input.SecretEnvironment = None,
) -> Answer:
    """Import a secret from another server beside those that live (two at most)."""
    expires_at = instant(expires, call.now, "--expires")
    secret = secret_input.read("secret", secret_file, secret_stdin, secret_env)
    given = secrets.SecretToImport(environment, client_id, secret, label, expires_at)
    return Fields(call.run(secrets.import_secret, given), not_admitted(call, environment))


@noun.command("list")
def listing(call: Call, environment: Environment, client_id: ClientId) -> Answer:
    """List a client's secrets with state and last use."""
    found = call.run(secrets.listing, OfClient(environment, client_id))
    return Table(
        (
            "secret_id",
            "label",
            "state",
            "created_at",
            "retires_at",
            "expires_at",
            "last_used_at",
            "last_used_from",
        ),
        found,
    )


@noun.command("retire")
def retire(
    call: Call, environment: Environment, client_id: ClientId, secret_id: SecretId, at: EndsAt = None
) -> Answer:
    """End a secret as planned, now or at a time; tokens it obtained live on."""
    end = instant(at, call.now, "--at")
    return Fields(call.run(secrets.retire, secrets.SecretEnd(environment, client_id, secret_id, end)))


@noun.command("revoke")
def revoke(
    call: Call, environment: Environment, client_id: ClientId, secret_id: SecretId, yes: Yes = False
) -> Answer:
    """End a secret now because it has leaked; tokens it obtained are refused too."""
    output.confirm(
        f"Programs that use the secret {secret_id} of {client_id}, and its tokens, stop working.", yes=yes
    )
    return Fields(call.run(secrets.revoke, secrets.OfSecret(environment, client_id, secret_id)))
