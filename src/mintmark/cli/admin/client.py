"""`mintmark admin client`: OAuth applications and service accounts."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration import AdministrationFault
from mintmark.authorization_server.administration.operations import client as clients
from mintmark.authorization_server.administration.operations import mount as mounts
from mintmark.authorization_server.administration.operations.inputs import OfClient, OfEnvironment
from mintmark.cli import output, secret_input
from mintmark.cli.admin import client_file
from mintmark.cli.admin.options import SHOWN_ONCE, Allow, ClientId, Environment, Expires, Label, Protects, Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.typed import instant, permissions

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
    given = clients.ClientToMake(
        environment,
        name,
        allowed=wanted,
        protects=tuple(protects or ()),
        needs_user=needs_user,
        daily_token_limit=daily_token_limit,
        rate_limit=rate_limit,
        label=label,
        expires_at=expires_at,
    )
    return Fields(call.run(clients.create, given), (SHOWN_ONCE,))


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
    given = clients.ClientToImport(
        environment,
        client_id,
        secret,
        name,
        allowed=wanted,
        protects=tuple(protects or ()),
        needs_user=needs_user,
        daily_token_limit=daily_token_limit,
        rate_limit=rate_limit,
        label=label,
        expires_at=expires_at,
    )
    return Fields(call.run(clients.import_client, given), not_admitted(call, environment))


noun.command("import-file")(client_file.import_file)


@noun.command("list")
def listing(call: Call, environment: Environment) -> Answer:
    """List the clients of an environment."""
    found = call.run(clients.listing, OfEnvironment(environment))
    return Table(
        ("client_id", "name", "kind", "enabled", "allowed", "daily_token_limit"),
        found,
        f"{environment} has no clients yet: create one with `mintmark admin client create`.",
    )


@noun.command("show")
def show(call: Call, environment: Environment, client_id: ClientId) -> Answer:
    """Show a client and its secrets' states."""

    return Fields(call.run(clients.show, OfClient(environment, client_id)))


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
    given = clients.ClientChange(
        environment,
        client_id,
        name=name,
        allowed=wanted,
        protects=None if protects is None else tuple(protects),
        needs_user=needs_user,
        rate_limit=rate_limit,
    )
    return Fields(call.change(clients.change, given))


@noun.command("disable")
def disable(call: Call, environment: Environment, client_id: ClientId) -> Answer:
    """Refuse a client at once; its secrets stay."""
    return Fields(call.run(clients.disable, OfClient(environment, client_id)))


@noun.command("enable")
def enable(call: Call, environment: Environment, client_id: ClientId) -> Answer:
    """Let a disabled client work again."""
    return Fields(call.run(clients.enable, OfClient(environment, client_id)))


@noun.command("delete")
def delete(call: Call, environment: Environment, client_id: ClientId, yes: Yes = False) -> Answer:
    """Delete a client with its secrets; its tokens are refused."""
    output.confirm(
        f"This deletes the client {client_id} of {environment}; programs that use it stop working.", yes=yes
    )
    call.run(clients.delete, OfClient(environment, client_id))
    return Fields({"deleted": client_id})


def not_admitted(call: Call, environment: str) -> tuple[str, ...]:
    """A note when no token endpoint of the environment would check an imported secret."""
    try:
        listed = call.run(mounts.listing, mounts.MountsOf(environment))
    except AdministrationFault:
        return ()  # who may import need not be allowed to look
    if any(mount["slow_secrets"] for mount in listed):
        return ()
    return (
        f"No token endpoint of {environment} admits imported secrets yet: "
        f"`mintmark admin mount change {environment} PATH --slow-secrets`.",
    )
