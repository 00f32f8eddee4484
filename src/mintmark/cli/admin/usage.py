"""`mintmark admin usage`: tokens issued and requests refused, over time."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration.operations import usage
from mintmark.cli.answer import Answer, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun

noun = Noun("usage", "Usage: tokens issued and requests refused, over time.")

Place = Annotated[str, typer.Argument(metavar="TENANT/ENVIRONMENT", help="The environment.")]
Days = Annotated[
    int, typer.Option("--days", help="Days back; one day is counted by the hour.", min=1, max=366)
]


@noun.command("show")
def show(call: Call, environment: Place, *, days: Days = 1) -> Answer:
    """Count tokens issued and requests refused, by client and reason."""
    span = usage.HOUR if days == 1 else usage.DAY
    return Table(
        ("at", "client_id", "outcome", "reason", "count"),
        call.run(usage.show, usage.UsageOf(environment, days * usage.DAY, span)),
        "Nothing was issued or refused in that time.",
    )
