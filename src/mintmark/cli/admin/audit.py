"""`mintmark admin audit`: what happened, why a request was refused, and what to do about it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from mintmark.authorization_server.administration.operations import audit
from mintmark.cli import output, parquet
from mintmark.cli.answer import Answer, Nothing, Row, Table, Written
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.services import Failure, UsageFault
from mintmark.cli.typed import past

noun = Noun("audit", "The audit trail: follow it, search it, resolve a request id, export it.")

COLUMNS = ("at", "kind", "outcome", "environment", "client_id", "reason", "detail", "actor", "request_id")
#: Seconds between two looks while following.
INTERVAL = 1.0
#: Events that are read at once.
PAGE = 1000

Environment = Annotated[
    str, typer.Option("--environment", help="Of this TENANT/ENVIRONMENT only.", show_default=False)
]
Since = Annotated[
    str | None,
    typer.Option("--since", help="From a date or time on, or within a period.", show_default=False),
]
Until = Annotated[str | None, typer.Option("--until", help="Before a date or time.", show_default=False)]
Lines = Annotated[int, typer.Option("--lines", "-n", min=1, max=10000, help="How many events.")]


@noun.command("tail")
def tail(
    call: Call,
    lines: Lines = 20,
    environment: Environment = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on showing new events until stopped.")
    ] = False,
) -> Answer:
    """Show the newest events, oldest first."""
    found = call.run(audit.search, audit.Search(environment, limit=lines))[::-1]
    if not follow:
        return Table(COLUMNS, found, "No event matches.", notes=_remedies(found))
    last = 0
    while True:
        for event in found:
            _line(call, event)
            last = int(str(event["id"]))
        time.sleep(INTERVAL)
        found = call.run(audit.export, audit.Export(environment, after=last, limit=PAGE))


@noun.command("search")
def search(
    call: Call,
    environment: Environment = "",
    request_id: Annotated[
        str, typer.Option("--request-id", help="X-Request-Id of an answer.", show_default=False)
    ] = "",
    client: Annotated[str, typer.Option("--client", help="Client id.", show_default=False)] = "",
    credential: Annotated[
        str, typer.Option("--credential", help="Id of a secret, token or key.", show_default=False)
    ] = "",
    kind: Annotated[
        str, typer.Option("--kind", help="Such as token or admin.client.create.", show_default=False)
    ] = "",
    outcome: Annotated[
        str, typer.Option("--outcome", help="issued, refused or done.", show_default=False)
    ] = "",
    reason: Annotated[str, typer.Option("--reason", help="Reason of a refusal.", show_default=False)] = "",
    dialect: Annotated[str, typer.Option("--dialect", help="Name of a dialect.", show_default=False)] = "",
    mount: Annotated[str, typer.Option("--mount", help="Path of a mount.", show_default=False)] = "",
    jti: Annotated[str, typer.Option("--jti", help="The jti of a token.", show_default=False)] = "",
    since: Since = None,
    until: Until = None,
    lines: Lines = 100,
) -> Answer:
    """Search the audit trail, newest first; refusals come with their remedy."""
    given = audit.Search(
        environment,
        kind=kind,
        outcome=outcome,
        request_id=request_id,
        client_id=client,
        credential_id=credential,
        dialect=dialect,
        mount=mount,
        reason=reason,
        jti=jti,
        since=past(since, call.now, "--since"),
        until=past(until, call.now, "--until"),
        limit=lines,
    )
    found = call.run(audit.search, given)
    return Table(COLUMNS, found, "No event matches.", notes=_remedies(found))


@noun.command("show")
def show(
    call: Call,
    request_id: Annotated[str, typer.Argument(metavar="REQUEST_ID", help="X-Request-Id of an answer.")],
) -> Answer:
    """Resolve a request id: which check failed, and what to do."""
    rows = call.run(audit.search, audit.Search(request_id=request_id))[::-1]
    if not rows:
        raise Failure(
            f"No event has the request id '{request_id}': check it against the X-Request-Id of the answer; "
            "in a flood of "
            "refusals several requests share one event."
        )
    notes = tuple(str(row["remedy"]) for row in rows if row["remedy"])
    return Table(
        ("at", "kind", "outcome", "reason", "detail", "environment", "client_id", "peer"), rows, notes=notes
    )


@noun.command("export")
def export(
    call: Call,
    environment: Environment = "",
    file: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write [stdout].", show_default=False)
    ] = None,
    form: Annotated[str, typer.Option("--format", help="jsonl or parquet.")] = "jsonl",
) -> Answer:
    """Write all events as JSON lines or Parquet, oldest first."""
    if form not in ("jsonl", "parquet"):
        raise UsageFault("--format must be jsonl or parquet.")
    pages = _pages(call, environment)
    if form == "parquet":
        if file is None:
            raise UsageFault("Parquet is no text: name a file with --output.")
        parquet.write(file, pages)
        return Written(file)
    with contextlib.ExitStack() as stack:
        target = None if file is None else stack.enter_context(output.PrivateFile(file))
        for page in pages:
            for event in page:
                if target is None:
                    output.json_line(event)
                else:
                    target.append(output.json_text(event) + "\n")
        if target is not None:
            target.keep()
    return Nothing() if file is None else Written(file)


def _pages(call: Call, environment: str) -> Iterator[Sequence[Row]]:
    """The whole trail, oldest first."""
    last = 0
    while found := call.run(audit.export, audit.Export(environment, after=last, limit=PAGE)):
        yield found
        last = int(str(found[-1]["id"]))


def _remedies(rows: Sequence[Row]) -> tuple[str, ...]:
    reasons = {str(row["reason"]): str(row["remedy"]) for row in rows if row["remedy"]}
    return tuple(f"{reason}: {remedy}" for reason, remedy in reasons.items())


def _line(call: Call, row: Row) -> None:
    if call.as_json:
        output.json_line(row)
    else:
        output.say("  ".join(str(row[column]) for column in COLUMNS if row[column]))
