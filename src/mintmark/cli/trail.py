"""`mintmark audit`: is the audit trail whole, and how much of it is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from mintmark.authorization_server.administration import Act
from mintmark.authorization_server.administration.act import audited
from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.cli import output
from mintmark.cli.admin.options import Yes
from mintmark.cli.answer import Answer, Fields
from mintmark.cli.call import Call
from mintmark.cli.frame import Noun
from mintmark.cli.services import Administration, Failure, UsageFault
from mintmark.crypto.audit_chain import Link, Report

noun = Noun("audit", "The audit trail as a whole: check that nothing is missing or changed, and trim it.")

Heads = Annotated[
    Path | None,
    typer.Option(
        "--heads",
        help="File with the newest links as the last check found them: they must still be there. Written anew.",
        show_default=False,
    ),
]
DAY = 86400


@noun.command("verify")
def verify(call: Call, heads: Heads = None) -> Answer:
    """Hold every event against the chain of links; exit code 1 when something is missing or was changed."""
    known = {} if heads is None else _read(heads)

    async def task(opened: Administration, act: Act) -> Report:
        report = await opened.store.check_trail(known)
        try:
            await opened.store.note_check(report, act.now)
        except StorageUnavailable as fault:
            output.say_aside(f"That it was checked could not be noted. {fault}")
        return report

    report = call.administer(task)
    if report.faults:
        raise Failure("The audit trail is not whole. " + " ".join(report.faults))
    if heads is not None:
        with output.PrivateFile(heads) as file:
            file.write(_written(report.heads))
            file.keep()
    return Fields({"events": report.events, "links": report.links, "begins": report.begins, "faults": 0})


@noun.command("trim")
def trim(
    call: Call,
    keep_days: Annotated[
        int, typer.Option("--keep-days", min=2, help="Days of events that stay.", show_default=False)
    ],
    keep_events: Annotated[
        int | None,
        typer.Option("--keep-events", min=1, help="Newest events that stay at most.", show_default=False),
    ] = None,
    yes: Yes = False,
) -> Answer:
    """Remove old events for good; those of today and yesterday stay."""
    output.confirm(f"This removes audit events older than {keep_days} days for good.", yes=yes)

    async def task(opened: Administration, act: Act) -> int:
        removed = await opened.store.trim_trail(act.now - keep_days * DAY, keep_events, act.now)
        await opened.store.write(lambda tx: audited(tx, act, "audit.trim", detail=f"{removed} events"))
        return removed

    return Fields({"removed": call.administer(task)})


def _read(path: Path) -> dict[str, tuple[int, str]]:
    """What an earlier check wrote; nothing when there is no such file yet."""
    try:
        found = json.loads(path.read_text("utf-8"))
        return {str(lane): (int(seq), str(mac)) for lane, (seq, mac) in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as fault:
        reason = getattr(fault, "strerror", None) or "it is not a file that this command has written"
        raise UsageFault(f"--heads {path}: {reason}.") from None


def _written(heads: Mapping[str, Link]) -> str:
    return json.dumps({lane: [link.seq, link.mac] for lane, link in heads.items()}, indent=1) + "\n"
