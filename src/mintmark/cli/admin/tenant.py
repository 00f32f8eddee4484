"""`mintmark admin tenant`: the customers."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration.operations import tenant as tenants
from mintmark.authorization_server.administration.operations.inputs import Nothing, OfTenant
from mintmark.cli import output
from mintmark.cli.admin.options import Yes
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun

noun = Noun("tenant", "Tenants: the customers.")
RateLimit = Annotated[
    int | None,
    typer.Option(
        "--rate-limit",
        help="Token requests per minute over all environments; 0 for no limit.",
        show_default=False,
    ),
]
RateWatched = Annotated[
    bool | None,
    typer.Option(
        "--rate-watched/--rate-enforced",
        help="Whether what goes beyond it is only noted, or refused.",
        show_default=False,
    ),
]
Handle = Annotated[str, typer.Argument(metavar="HANDLE", help="The tenant's handle, part of its URLs.")]


@noun.command("create")
def create(
    call: Call,
    handle: Handle,
    name: Annotated[
        str | None, typer.Option("--name", help="Name for people [the handle].", show_default=False)
    ] = None,
    daily_token_limit: Annotated[
        int | None,
        typer.Option("--daily-token-limit", help="Tokens a day over all environments.", show_default=False),
    ] = None,
    rate_limit: RateLimit = None,
    rate_watched: RateWatched = None,
) -> Answer:
    """Create a tenant."""
    wanted = tenants.NewTenant(
        handle, name or "", daily_token_limit, rate_limit or 0, rate_watched=bool(rate_watched)
    )
    return Fields(call.run(tenants.create, wanted))


@noun.command("list")
def listing(call: Call) -> Answer:
    """List the tenants."""
    found = call.run(tenants.listing, Nothing())
    return Table(
        ("handle", "name", "enabled", "daily_token_limit", "created_at"),
        found,
        "There are no tenants yet: create one with `mintmark admin tenant create HANDLE`.",
    )


@noun.command("show")
def show(call: Call, handle: Handle) -> Answer:
    """Show a tenant."""
    return Fields(call.run(tenants.show, OfTenant(handle)))


@noun.command("change")
def change(
    call: Call,
    handle: Handle,
    name: Annotated[str | None, typer.Option("--name", help="The new name.", show_default=False)] = None,
    rate_limit: RateLimit = None,
    rate_watched: RateWatched = None,
) -> Answer:
    """Change what is given; the handle stays."""
    given = tenants.TenantChange(handle, name, rate_limit, rate_watched)
    return Fields(call.change(tenants.change, given))


@noun.command("disable")
def disable(call: Call, handle: Handle) -> Answer:
    """Stop everything of a tenant at once; nothing is deleted."""
    return Fields(call.run(tenants.disable, OfTenant(handle)))


@noun.command("enable")
def enable(call: Call, handle: Handle) -> Answer:
    """Let a disabled tenant work again."""
    return Fields(call.run(tenants.enable, OfTenant(handle)))


@noun.command("delete")
def delete(call: Call, handle: Handle, yes: Yes = False) -> Answer:
    """Delete a tenant with all its environments and credentials; the audit trail stays."""
    output.confirm(
        f"This deletes the tenant {handle} with every environment, client and credential; its programs stop "
        "working.",
        yes=yes,
    )
    call.run(tenants.delete, OfTenant(handle))
    return Fields({"deleted": handle})
