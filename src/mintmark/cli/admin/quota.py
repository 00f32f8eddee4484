"""`mintmark admin quota`: tokens per day, of clients and tenants."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration.operations import quota as quotas
from mintmark.authorization_server.administration.operations.inputs import OfClient, OfTenant
from mintmark.cli.answer import Answer, Fields
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun

noun = Noun("quota", "Quotas: how many tokens a client or a tenant may be issued per UTC day.")

Subject = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="A tenant; for a client its TENANT/ENVIRONMENT.")
]
ClientOption = Annotated[
    str | None, typer.Argument(metavar="CLIENT_ID", help="The client's id.", show_default=False)
]
Limit = Annotated[int, typer.Option("--limit", help="Tokens per UTC day.", show_default=False)]


@noun.command("set")
def set_limit(call: Call, subject: Subject, client_id: ClientOption = None, *, limit: Limit) -> Answer:
    """Set the daily limit of a tenant, or of a client."""
    if client_id is None:
        return Fields(call.run(quotas.set_tenant, quotas.TenantLimit(subject, limit)))
    return Fields(call.run(quotas.set_client, quotas.ClientLimit(subject, client_id, limit)))


@noun.command("clear")
def clear(call: Call, subject: Subject, client_id: ClientOption = None) -> Answer:
    """Lift the daily limit of a tenant, or of a client."""
    if client_id is None:
        return Fields(call.run(quotas.clear_tenant, OfTenant(subject)))
    return Fields(call.run(quotas.clear_client, OfClient(subject, client_id)))


@noun.command("show")
def show(call: Call, subject: Subject, client_id: ClientOption = None) -> Answer:
    """Show limit and use of today."""
    if client_id is None:
        return Fields(call.run(quotas.show_tenant, OfTenant(subject)))
    return Fields(call.run(quotas.show_client, OfClient(subject, client_id)))
