"""`mintmark admin service-account`: clients that are handed over as a JSON credentials file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from mintmark.authorization_server.administration import Act, client_secrets, clients, service_accounts
from mintmark.authorization_server.administration.service_accounts import ServiceAccountFile
from mintmark.authorization_server.ports import Transaction
from mintmark.cli import output
from mintmark.cli.admin.client import all_of
from mintmark.cli.admin.options import Allow, ClientId, Environment, Expires, Label
from mintmark.cli.answer import Answer, Nothing, Written
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.services import Administration, UsageFault
from mintmark.cli.typed import instant, period, permissions
from mintmark.dialect.keyfile import write_keyfile
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
    wanted = permissions(allow or [], "--allow")
    expires_at = instant(expires, call.now, "--expires")

    def work(tx: Transaction, act: Act) -> tuple[str, Secret | None]:
        made = clients.create(
            tx,
            act,
            environment=environment,
            name=name,
            allowed=all_of(tx, environment, wanted),
            kind="service_account",
            expires_at=expires_at,
        )
        return made.client.client_id, made.secret

    return _hand_over(call, environment, work, mount, token_endpoint, file)


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
    expires_at, seconds = instant(expires, call.now, "--expires"), period(overlap, "--overlap")

    def work(tx: Transaction, act: Act) -> tuple[str, Secret | None]:
        made = client_secrets.add(
            tx,
            act,
            environment=environment,
            client_id=client_id,
            label=label,
            expires_at=expires_at,
            overlap=seconds,
        )
        return client_id, made.secret

    return _hand_over(call, environment, work, mount, token_endpoint, file)


def _hand_over(
    call: Call,
    environment: str,
    make: Callable[[Transaction, Act], tuple[str, Secret | None]],
    mount: str | None,
    token_endpoint: str | None,
    path: Path | None,
) -> Answer:
    """Run `make` and write the file; a file that cannot be written undoes what was made."""
    with contextlib.ExitStack() as stack:
        file = None if path is None else stack.enter_context(output.PrivateFile(path))

        async def task(opened: Administration, act: Act) -> str:
            def work(tx: Transaction) -> str:
                client_id, secret = make(tx, act)
                values = service_accounts.credentials_file(
                    tx,
                    environment=environment,
                    client_id=client_id,
                    secret=secret or Secret(""),
                    public_url=opened.public_url,
                    mount_path=mount,
                    token_endpoint=token_endpoint,
                )
                text = _text(opened, values)
                if file is not None:
                    file.write(text)
                return text

            return await opened.store.write(work)

        text = call.administer(task)
        if file is None or path is None:
            output.say(text.rstrip("\n"))
            return Nothing()
        file.keep()
        return Written(path, ("The file holds the secret, which is kept nowhere else: store it securely.",))


def _text(opened: Administration, values: ServiceAccountFile) -> str:
    try:
        return write_keyfile(
            opened.dialects.get(values.dialect),
            {
                "name": values.name,
                "token_url": values.token_endpoint,
                "client_id": values.client_id,
                "client_secret": values.client_secret,
                "audience": " ".join(values.audiences),
            },
        )
    except ValueError as fault:
        raise UsageFault(
            f"No credentials file can be made: {fault} (--allow names the APIs, --mount the token endpoint)."
        ) from None
