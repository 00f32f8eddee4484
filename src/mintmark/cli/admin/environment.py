"""`mintmark admin environment`: issuers with their hosts and limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, cast

import typer

from mintmark.authorization_server.administration import Act, environments
from mintmark.authorization_server.administration.showing import row
from mintmark.cli import output
from mintmark.cli.admin.options import Environment, Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.services import Administration
from mintmark.cli.typed import pairs, period
from mintmark.values import tenancy
from mintmark.values.tenancy import HostAlias, HostRole, Mount

noun = Noun("environment", "Environments: one issuer each, with hosts, mounts and limits.")

Hosts = Annotated[
    list[str] | None,
    typer.Option(
        "--host", help="Host alias as HOST=ROLE (api, auth, manager); may be repeated.", show_default=False
    ),
]
Template = Annotated[
    str | None,
    typer.Option(
        "--client-id-template", help="Of new client ids, with {id} and {tenant}.", show_default=False
    ),
]
LiveSecrets = Annotated[
    int | None, typer.Option("--live-secrets", help="Secrets a client may have at once.", show_default=False)
]
Overlap = Annotated[
    str | None, typer.Option("--overlap", help="Period that an old secret lives on.", show_default=False)
]
RateLimit = Annotated[
    int | None, typer.Option("--rate-limit", help="Token requests per client and minute.", show_default=False)
]
Variables = Annotated[
    list[str] | None,
    typer.Option(
        "--variable", help="Constant of its answers as NAME=VALUE; may be repeated.", show_default=False
    ),
]


@noun.command("create")
def create(
    call: Call,
    environment: Environment,
    issuer: Annotated[
        str | None,
        typer.Option("--issuer", help="Its issuer, for ever [from the public URL].", show_default=False),
    ] = None,
    mount: Annotated[
        list[str] | None,
        typer.Option("--mount", help="Token endpoint as PATH=DIALECT; may be repeated.", show_default=False),
    ] = None,
    host: Hosts = None,
    client_id_template: Template = None,
    live_secrets: LiveSecrets = None,
    overlap: Overlap = None,
    rate_limit: RateLimit = None,
    variable: Variables = None,
) -> Answer:
    """Create an environment of a tenant."""
    tenant, _, name = environment.partition("/")
    mounts = [Mount(path, dialect) for path, dialect in pairs(mount or [], "--mount").items()]
    given = {
        "client_id_template": client_id_template,
        "live_secrets": live_secrets,
        "overlap": period(overlap, "--overlap"),
        "rate_limit": rate_limit,
    }
    options = {field: value for field, value in given.items() if value is not None}
    hosts = _hosts(host)
    variables = pairs(variable or [], "--variable")

    async def task(opened: Administration, act: Act) -> tenancy.Environment:
        return await opened.store.write(
            lambda tx: environments.create(
                tx,
                act,
                tenant=tenant,
                name=name,
                issuer=issuer or f"{opened.public_url}/t/{tenant}/{name}",
                dialects=opened.dialects,
                mounts=mounts,
                hosts=hosts,
                variables=variables,
                **options,  # type: ignore[arg-type]
            )
        )

    return Fields(row(call.administer(task)))


@noun.command("list")
def listing(
    call: Call,
    tenant: Annotated[
        str | None, typer.Argument(metavar="TENANT", help="Of this tenant only.", show_default=False)
    ] = None,
) -> Answer:
    """List environments."""
    found = call.read(lambda tx, _: environments.listing(tx, tenant))
    return Table(("id", "issuer", "enabled", "mounts"), [row(environment) for environment in found])


@noun.command("show")
def show(call: Call, environment: Environment) -> Answer:
    """Show an environment."""
    return Fields(row(call.read(lambda tx, _: environments.show(tx, environment))))


@noun.command("change")
def change(
    call: Call,
    environment: Environment,
    host: Hosts = None,
    client_id_template: Template = None,
    live_secrets: LiveSecrets = None,
    overlap: Overlap = None,
    rate_limit: RateLimit = None,
    variable: Variables = None,
) -> Answer:
    """Change what is given; hosts and variables replace all there were."""
    hosts = None if host is None else _hosts(host)
    variables = None if variable is None else pairs(variable, "--variable")
    seconds = period(overlap, "--overlap")

    async def task(opened: Administration, act: Act) -> tenancy.Environment:
        return await opened.store.write(
            lambda tx: environments.change(
                tx,
                act,
                environment,
                dialects=opened.dialects,
                hosts=hosts,
                client_id_template=client_id_template,
                live_secrets=live_secrets,
                overlap=seconds,
                rate_limit=rate_limit,
                variables=variables,
            )
        )

    return Fields(row(call.administer(task)))


@noun.command("disable")
def disable(call: Call, environment: Environment) -> Answer:
    """Stop everything of an environment at once; nothing is deleted."""
    return Fields(row(call.write(lambda tx, act: environments.disable(tx, act, environment))))


@noun.command("enable")
def enable(call: Call, environment: Environment) -> Answer:
    """Let a disabled environment work again."""
    return Fields(row(call.write(lambda tx, act: environments.enable(tx, act, environment))))


@noun.command("delete")
def delete(call: Call, environment: Environment, yes: Yes = False) -> Answer:
    """Delete an environment with everything in it; the audit trail stays."""
    output.confirm(
        f"This deletes {environment} with its keys, clients and credentials; its programs stop working.",
        yes=yes,
    )
    call.write(lambda tx, act: environments.delete(tx, act, environment))
    return Fields({"deleted": environment})


def _hosts(texts: Sequence[str] | None) -> list[HostAlias]:
    return [HostAlias(host, cast(HostRole, role)) for host, role in pairs(texts or [], "--host").items()]
