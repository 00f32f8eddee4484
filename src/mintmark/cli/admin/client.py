"""`mintmark admin client`: OAuth applications and service accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from mintmark.authorization_server.administration import (
    Act,
    apis,
    client_secrets,
    clients,
    environments,
    imported_secrets,
)
from mintmark.authorization_server.administration.showing import row
from mintmark.authorization_server.ports import Transaction
from mintmark.cli import output, secret_input
from mintmark.cli.admin.options import SHOWN_ONCE, Allow, ClientId, Environment, Expires, Label, Protects, Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.services import Administration
from mintmark.cli.typed import instant, permissions
from mintmark.values.permission import EVERYTHING

noun = Noun("client", "Clients: OAuth applications and service accounts.")

Name = Annotated[str, typer.Option("--name", help="Name for people.", show_default=False)]
NeedsUser = Annotated[bool, typer.Option("--needs-user", help="A machine user must act beside it.")]
DailyLimit = Annotated[
    int | None, typer.Option("--daily-token-limit", help="Tokens per UTC day.", show_default=False)
]
RateLimit = Annotated[
    int | None, typer.Option("--rate-limit", help="Token requests per minute.", show_default=False)
]


@noun.command("create")
def create(
    call: Call,
    environment: Environment,
    name: Name,
    allow: Allow = None,
    protects: Protects = None,
    needs_user: NeedsUser = False,
    daily_token_limit: DailyLimit = None,
    rate_limit: RateLimit = None,
    label: Label = "",
    expires: Expires = None,
) -> Answer:
    """Create a client; its first secret is shown once."""
    wanted = permissions(allow or [], "--allow")
    expires_at = instant(expires, call.now, "--expires")
    made = call.write(
        lambda tx, act: clients.create(
            tx,
            act,
            environment=environment,
            name=name,
            allowed=all_of(tx, environment, wanted),
            needs_user=needs_user,
            daily_token_limit=daily_token_limit,
            rate_limit=rate_limit,
            label=label,
            expires_at=expires_at,
            protects=protects or (),
        )
    )
    return Fields(row(made), (SHOWN_ONCE,))


@noun.command("import")
def import_client(
    call: Call,
    environment: Environment,
    client_id: Annotated[
        str, typer.Option("--client-id", help="Its id on the other server.", show_default=False)
    ],
    name: Name,
    allow: Allow = None,
    protects: Protects = None,
    needs_user: NeedsUser = False,
    daily_token_limit: DailyLimit = None,
    rate_limit: RateLimit = None,
    label: Label = "imported",
    expires: Expires = None,
    secret_file: secret_input.SecretFile = None,
    secret_stdin: secret_input.SecretStdin = False,
    secret_env: secret_input.SecretEnvironment = None,
) -> Answer:
    """Import a client with the id and secret that its programs hold already."""
    wanted = permissions(allow or [], "--allow")
    expires_at = instant(expires, call.now, "--expires")
    secret = secret_input.read("secret", secret_file, secret_stdin, secret_env)

    async def task(opened: Administration, act: Act) -> tuple[clients.NewClient, tuple[str, ...]]:
        digest = imported_secrets.digest(act, secret)
        made = await opened.store.write(
            lambda tx: clients.import_client(
                tx,
                act,
                environment=environment,
                client_id=client_id,
                digest=digest,
                name=name,
                allowed=all_of(tx, environment, wanted),
                needs_user=needs_user,
                daily_token_limit=daily_token_limit,
                rate_limit=rate_limit,
                label=label,
                expires_at=expires_at,
                protects=protects or (),
            )
        )
        return made, await opened.store.read(lambda tx: not_admitted(tx, environment))

    made, notes = call.administer(task)
    return Fields(row(made), notes)


@noun.command("list")
def listing(call: Call, environment: Environment) -> Answer:
    """List the clients of an environment."""
    found = call.read(lambda tx, _: clients.listing(tx, environment))
    return Table(
        ("client_id", "name", "kind", "enabled", "allowed", "daily_token_limit"),
        [row(client) for client in found],
        f"{environment} has no clients yet: create one with `mintmark admin client create`.",
    )


@noun.command("show")
def show(call: Call, environment: Environment, client_id: ClientId) -> Answer:
    """Show a client and its secrets' states."""

    def work(tx: Transaction, now: int) -> dict[str, object]:
        client = clients.show(tx, environment, client_id)
        entries = client_secrets.listing(tx, environment, client_id, now)
        return {**row(client), "secrets": {entry.version.id: entry.state for entry in entries}}

    return Fields(call.read(work))


@noun.command("change")
def change(
    call: Call,
    environment: Environment,
    client_id: ClientId,
    name: Annotated[str | None, typer.Option("--name", help="Name for people.", show_default=False)] = None,
    allow: Allow = None,
    protects: Protects = None,
    needs_user: Annotated[
        bool | None,
        typer.Option(
            "--needs-user/--no-needs-user",
            help="Whether a machine user must act beside it.",
            show_default=False,
        ),
    ] = None,
    rate_limit: Annotated[
        int | None,
        typer.Option("--rate-limit", help="Token requests per minute; 0 lifts it.", show_default=False),
    ] = None,
) -> Answer:
    """Change what is given; --allow and --protects replace all there was."""
    wanted = None if allow is None else permissions(allow, "--allow")
    made = call.write(
        lambda tx, act: clients.change(
            tx,
            act,
            environment,
            client_id,
            name=name,
            allowed=None if wanted is None else all_of(tx, environment, wanted),
            needs_user=needs_user,
            rate_limit=rate_limit,
            protects=protects,
        )
    )
    return Fields(row(made))


@noun.command("disable")
def disable(call: Call, environment: Environment, client_id: ClientId) -> Answer:
    """Refuse a client at once; its secrets stay."""
    return Fields(row(call.write(lambda tx, act: clients.disable(tx, act, environment, client_id))))


@noun.command("enable")
def enable(call: Call, environment: Environment, client_id: ClientId) -> Answer:
    """Let a disabled client work again."""
    return Fields(row(call.write(lambda tx, act: clients.enable(tx, act, environment, client_id))))


@noun.command("delete")
def delete(call: Call, environment: Environment, client_id: ClientId, yes: Yes = False) -> Answer:
    """Delete a client with its secrets; its tokens are refused."""
    output.confirm(
        f"This deletes the client {client_id} of {environment}; programs that use it stop working.", yes=yes
    )
    call.write(lambda tx, act: clients.delete(tx, act, environment, client_id))
    return Fields({"deleted": client_id})


def all_of(
    tx: Transaction, environment: str, wanted: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """`wanted` with ``*`` replaced by all the scopes that the API has now."""
    return {
        audience: tuple(apis.show(tx, environment, audience).scopes)
        if EVERYTHING in scopes
        else tuple(scopes)
        for audience, scopes in wanted.items()
    }


def not_admitted(tx: Transaction, environment: str) -> tuple[str, ...]:
    """A note when no token endpoint of the environment would check an imported secret."""
    if any(mount.slow_secrets for mount in environments.show(tx, environment).mounts):
        return ()
    return (
        f"No token endpoint of {environment} admits imported secrets yet: "
        f"`mintmark admin mount change {environment} PATH --slow-secrets`.",
    )
