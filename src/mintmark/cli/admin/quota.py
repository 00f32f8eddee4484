"""`mintmark admin quota`: tokens per day, of clients and tenants."""

from __future__ import annotations

from typing import Annotated

import typer

from mintmark.authorization_server.administration import quotas
from mintmark.authorization_server.administration.quotas import QuotaEntry
from mintmark.authorization_server.administration.showing import row
from mintmark.authorization_server.ports import Transaction
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
    return _changed(call, subject, client_id, limit)


@noun.command("clear")
def clear(call: Call, subject: Subject, client_id: ClientOption = None) -> Answer:
    """Lift the daily limit of a tenant, or of a client."""
    return _changed(call, subject, client_id, None)


@noun.command("show")
def show(call: Call, subject: Subject, client_id: ClientOption = None) -> Answer:
    """Show limit and use of today."""
    return Fields(row(call.read(lambda tx, now: _entry(tx, subject, client_id, now))))


def _changed(call: Call, subject: str, client_id: str | None, limit: int | None) -> Answer:
    def work(tx: Transaction, now: int) -> QuotaEntry:
        return _entry(tx, subject, client_id, now)

    if client_id is None:
        call.write(lambda tx, act: quotas.set_tenant(tx, act, subject, limit))
    else:
        call.write(lambda tx, act: quotas.set_client(tx, act, subject, client_id, limit))
    return Fields(row(call.read(work)))


def _entry(tx: Transaction, subject: str, client_id: str | None, now: int) -> QuotaEntry:
    if client_id is None:
        return quotas.show_tenant(tx, subject, now)
    return quotas.show_client(tx, subject, client_id, now)
