"""`mintmark admin environment`: issuers with their hosts and limits."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from mintmark.authorization_server.administration.operations import environment as environments
from mintmark.authorization_server.administration.operations.inputs import OfEnvironment
from mintmark.cli import output
from mintmark.cli.admin.options import Environment, Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.typed import pairs, period
from mintmark.values.tenancy import HostRole

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
AddressRateLimit = Annotated[
    int | None,
    typer.Option(
        "--address-rate-limit",
        help="Token requests per address and minute; 0 for no limit.",
        show_default=False,
    ),
]
AddressRateWatched = Annotated[
    bool | None,
    typer.Option(
        "--address-rate-watched/--address-rate-enforced",
        help="Whether what goes beyond it is only noted, or refused.",
        show_default=False,
    ),
]
ReissueSeconds = Annotated[
    int | None,
    typer.Option(
        "--reissue-seconds",
        help="Give the same request the same JWT again while so many seconds of it are left; 0 for never.",
        show_default=False,
    ),
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
    address_rate_limit: AddressRateLimit = None,
    address_rate_watched: AddressRateWatched = None,
    reissue_seconds: ReissueSeconds = None,
    variable: Variables = None,
) -> Answer:
    """Create an environment of a tenant."""
    given = {
        "client_id_template": client_id_template,
        "live_secrets": live_secrets,
        "overlap": period(overlap, "--overlap"),
        "rate_limit": rate_limit,
        "address_rate_limit": address_rate_limit,
        "address_rate_watched": address_rate_watched,
        "reissue_seconds": reissue_seconds,
    }
    options = {field: value for field, value in given.items() if value is not None}
    wanted = environments.NewEnvironment(
        environment,
        issuer or "",
        mounts=pairs(mount or [], "--mount"),
        hosts=cast(dict[str, HostRole], pairs(host or [], "--host")),
        variables=pairs(variable or [], "--variable"),
        **options,  # type: ignore[arg-type]
    )
    return Fields(call.run(environments.create, wanted))


@noun.command("list")
def listing(
    call: Call,
    tenant: Annotated[
        str | None, typer.Argument(metavar="TENANT", help="Of this tenant only.", show_default=False)
    ] = None,
) -> Answer:
    """List environments."""
    found = call.run(environments.listing, environments.EnvironmentsOf(tenant or ""))
    return Table(("id", "issuer", "enabled", "mounts"), found)


@noun.command("show")
def show(call: Call, environment: Environment) -> Answer:
    """Show an environment."""
    return Fields(call.run(environments.show, OfEnvironment(environment)))


@noun.command("change")
def change(
    call: Call,
    environment: Environment,
    host: Hosts = None,
    client_id_template: Template = None,
    live_secrets: LiveSecrets = None,
    overlap: Overlap = None,
    rate_limit: RateLimit = None,
    address_rate_limit: AddressRateLimit = None,
    address_rate_watched: AddressRateWatched = None,
    reissue_seconds: ReissueSeconds = None,
    variable: Variables = None,
) -> Answer:
    """Change what is given; hosts and variables replace all there were."""
    given = environments.EnvironmentChange(
        environment,
        hosts=None if host is None else cast(dict[str, HostRole], pairs(host, "--host")),
        client_id_template=client_id_template,
        live_secrets=live_secrets,
        overlap=period(overlap, "--overlap"),
        rate_limit=rate_limit,
        address_rate_limit=address_rate_limit,
        address_rate_watched=address_rate_watched,
        reissue_seconds=reissue_seconds,
        variables=None if variable is None else pairs(variable, "--variable"),
    )
    return Fields(call.change(environments.change, given))


@noun.command("disable")
def disable(call: Call, environment: Environment) -> Answer:
    """Stop everything of an environment at once; nothing is deleted."""
    return Fields(call.run(environments.disable, OfEnvironment(environment)))


@noun.command("enable")
def enable(call: Call, environment: Environment) -> Answer:
    """Let a disabled environment work again."""
    return Fields(call.run(environments.enable, OfEnvironment(environment)))


@noun.command("delete")
def delete(call: Call, environment: Environment, yes: Yes = False) -> Answer:
    """Delete an environment with everything in it; the audit trail stays."""
    output.confirm(
        f"This deletes {environment} with its keys, clients and credentials; its programs stop working.",
        yes=yes,
    )
    call.run(environments.delete, OfEnvironment(environment))
    return Fields({"deleted": environment})
