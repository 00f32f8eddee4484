"""`mintmark admin access-request`: who asked for credentials."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration.operations import access_request as access_requests
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun

noun = Noun("access-request", "Access requests: asked, approved, refused.")
RequestId = Annotated[str, typer.Argument(metavar="REQUEST", help="The id of the access request, as listed.")]


@noun.command("ask")
def ask(
    call: Call,
    name: Annotated[str, typer.Option("--name", help="Who asks.", show_default=False)],
    organization: Annotated[
        str, typer.Option("--organization", help="For which organization.", show_default=False)
    ],
    use_case: Annotated[str, typer.Option("--use-case", help="What for, in words.", show_default=False)],
    contact: Annotated[str, typer.Option("--contact", help="How to reach them.", show_default=False)],
) -> Answer:
    """Note a request that came by mail or telephone."""
    return Fields(call.run(access_requests.ask, access_requests.Asked(name, organization, use_case, contact)))


@noun.command("list")
def listing(
    call: Call,
    state: Annotated[
        str, typer.Option("--state", help="asked, approved or refused [all].", show_default=False)
    ] = "",
) -> Answer:
    """List access requests, oldest first."""
    found = call.run(access_requests.listing, access_requests.RequestsIn(state))
    return Table(("id", "state", "name", "organization", "contact", "created_at"), found)


@noun.command("show")
def show(call: Call, request: RequestId) -> Answer:
    """Show an access request."""
    return Fields(call.run(access_requests.show, access_requests.OfRequest(request)))


@noun.command("approve")
def approve(call: Call, request: RequestId) -> Answer:
    """Approve an access request; make the client for it with the other commands."""
    return Fields(call.run(access_requests.approve, access_requests.OfRequest(request)))


@noun.command("grant")
def grant(
    call: Call,
    request: RequestId,
    tenant: Annotated[
        str, typer.Option("--tenant", help="Handle of the tenant, new or there already.", show_default=False)
    ],
    copy_from: Annotated[
        str,
        typer.Option(
            "--copy-from",
            help="TENANT/ENVIRONMENT whose endpoints, limits and APIs a new one gets.",
            show_default=False,
        ),
    ],
    name: Annotated[str, typer.Option("--name", help="Name of the client.", show_default=False)],
    daily_token_limit: Annotated[
        int | None,
        typer.Option("--daily-token-limit", help="Tokens a day of the client.", show_default=False),
    ] = None,
    environment: Annotated[
        str, typer.Option("--environment", help="Name of the tenant's environment.")
    ] = "production",
) -> Answer:
    """Approve an access request and make tenant, environment, client and quota; the secret is shown once."""
    given = access_requests.Granted(request, tenant, copy_from, name, daily_token_limit, environment)
    return Fields(call.run(access_requests.grant, given))


@noun.command("refuse")
def refuse(
    call: Call,
    request: RequestId,
    reason: Annotated[str, typer.Option("--reason", help="For the person who asked.", show_default=False)],
) -> Answer:
    """Refuse an access request with a reason."""
    return Fields(call.run(access_requests.refuse, access_requests.Refusal(request, reason)))
