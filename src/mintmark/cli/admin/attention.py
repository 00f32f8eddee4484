"""`mintmark admin attention`: credentials that end soon, or that nothing uses."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration.operations import attention
from mintmark.cli.answer import Answer, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun

noun = Noun("attention", "Attention: credentials that end soon, or that nothing uses.")


@noun.command("list")
def listing(
    call: Call,
    environment: Annotated[
        str, typer.Option("--environment", help="Of this TENANT/ENVIRONMENT only.", show_default=False)
    ] = "",
) -> Answer:
    """List credentials that end within two weeks, and those that nothing has used for 90 days."""
    found = call.run(attention.listing, attention.Where(environment))
    columns = ("why", "kind", "environment", "name", "credential_id", "ends_at", "last_used_at")
    return Table(columns, found, "Nothing: no credential ends within two weeks, and none lies unused.")
