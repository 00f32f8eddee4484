"""`mintmark admin service-account`: clients that are handed over as a JSON credentials file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from mintmark.authorization_server.administration.operation import Operation
from mintmark.authorization_server.administration.operations import client as clients
from mintmark.authorization_server.administration.operations import secret as secrets
from mintmark.authorization_server.administration.operations import service_account as accounts
from mintmark.authorization_server.administration.operations.inputs import OfClient
from mintmark.cli import output
from mintmark.cli.admin.options import Allow, ClientId, Environment, Expires, Label
from mintmark.cli.answer import Answer, Nothing, Row, Written
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.services import UsageFault
from mintmark.cli.typed import instant, period, permissions
from mintmark.values.secret import Secret

noun = Noun("service-account", "Service accounts: clients handed over as a JSON credentials file.")

Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="File to write, readable by its owner only [stdout].", show_default=False
    ),
]
MountPath = Annotated[
    str | None,
    typer.Option("--mount", help="Token endpoint it is for, where there are several.", show_default=False),
]
TokenEndpoint = Annotated[
    str | None, typer.Option("--token-endpoint", help="Its URL as customers reach it.", show_default=False)
]


@noun.command("create")
def create(
    call: Call,
    environment: Environment,
    name: Annotated[
        str, typer.Option("--name", help="Name for people, also in the file.", show_default=False)
    ],
    allow: Allow = None,
    expires: Expires = None,
    mount: MountPath = None,
    token_endpoint: TokenEndpoint = None,
    file: Output = None,
) -> Answer:
    """Create a service account and write its credentials file, once."""
    given = accounts.ServiceAccountToMake(
        environment,
        name,
        permissions(allow or [], "--allow"),
        instant(expires, call.now, "--expires"),
        mount,
        token_endpoint,
    )

    def undo(made: Row) -> None:
        call.run(clients.delete, OfClient(environment, str(made["client_id"])))

    return _hand_over(call, accounts.create, given, undo, file)


@noun.command("new-secret")
def new_secret(
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
    mount: MountPath = None,
    token_endpoint: TokenEndpoint = None,
    file: Output = None,
) -> Answer:
    """Generate a new secret for a service account and write its credentials file, once."""
    given = accounts.ServiceAccountSecret(
        environment,
        client_id,
        label,
        instant(expires, call.now, "--expires"),
        period(overlap, "--overlap"),
        mount,
        token_endpoint,
    )

    def undo(made: Row) -> None:
        call.run(secrets.revoke, secrets.OfSecret(environment, client_id, str(made["secret_id"])))

    return _hand_over(call, accounts.new_secret, given, undo, file)


def _hand_over(
    call: Call,
    operation: Operation[Any, Any],
    given: object,
    undo: Callable[[Row], None],
    path: Path | None,
) -> Answer:
    """Make it and write the file; what was made is undone when the file cannot be written."""
    if path is None:
        output.say(_text(call.run(operation, given)).rstrip("\n"))
        return Nothing()
    with output.PrivateFile(path) as file:
        made = call.run(operation, given)
        try:
            file.write(_text(made))
            file.keep()
        except UsageFault:
            undo(made)
            raise
    return Written(path, ("The file holds the secret, which is kept nowhere else: store it securely.",))


def _text(made: Row) -> str:
    held = made["credentials_file"]
    return held.reveal() if isinstance(held, Secret) else str(held)
