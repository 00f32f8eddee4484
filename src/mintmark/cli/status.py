"""`mintmark status`: whether every node is healthy, or why not, in one table."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Annotated

import typer

from mintmark.cli import frame, output
from mintmark.cli.answer import Table
from mintmark.cli.plain import printable
from mintmark.cli.services import Failure, Services, UsageFault

_NODE = re.compile(r"(?:https?://)?(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+):\d{1,5}/?", re.ASCII)
_SAMPLE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)", re.ASCII)
_OUTCOME = re.compile(r'outcome="(\w+)"', re.ASCII)
Ask = Callable[[str], tuple[int, bytes]]


def register(app: typer.Typer, services: Services) -> None:
    """Add the command to the outermost group."""

    @app.command("status")
    def status(
        node: Annotated[
            list[str],
            typer.Argument(help="Operators' listener of a node, as in 127.0.0.1:9100; several may be named."),
        ],
        as_json: frame.AsJson = False,
    ) -> None:
        """Ask nodes whether they are healthy, or why not; exit code 1 when one is not ready."""
        bases = [base_of(each) for each in node]
        rows = [_row(each, base, services.ask) for each, base in zip(node, bases, strict=True)]
        shown = Table(("node", "status", "issued", "refused", "waiting", "commit_ms", "look_at"), rows)
        output.answer(shown, as_json=as_json)
        unready = [str(row["node"]) for row in rows if row["status"] != "ready"]
        if unready:
            raise Failure(f"Not ready: {', '.join(unready)}.")


def base_of(node: str) -> str:
    """The URL of an operators' listener, without a slash at its end. Raises UsageFault when it is none."""
    if _NODE.fullmatch(node) is None:
        raise UsageFault(f"{printable(node)!r} is no address and port, as in 127.0.0.1:9100.")
    return (node if "://" in node else f"http://{node}").rstrip("/")


def _row(node: str, base: str, ask: Ask) -> dict[str, object]:
    try:
        _, said = ask(f"{base}/readyz")
        _, counted = ask(f"{base}/metrics")
        told = json.loads(said)
        checks = {str(name): check for name, check in told["checks"].items()}
        row: dict[str, object] = {"node": node, "status": str(told["status"])}
        amiss = [
            f"{name}: {check.get('reason') or check['state']}"
            for name, check in checks.items()
            if check["state"] != "ok"
        ]
        row |= _numbers(counted.decode("utf-8"))
        return row | {"look_at": " ".join(amiss)}
    except Failure as fault:
        return {"node": node, "status": "no answer", "look_at": str(fault)}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {"node": node, "status": "unknown", "look_at": "What answers there is no operators' listener."}


def _numbers(text: str) -> dict[str, object]:
    """What a person looks at first, from the exposition text. `commit_ms`: the mean since the start."""
    issued = refused = waiting = 0
    groups, seconds = 0.0, 0.0
    for line in text.splitlines():
        match = _SAMPLE.fullmatch(line)
        if match is None:
            continue
        name, labels, value = match[1], match[2] or "", float(match[3])
        outcome = _OUTCOME.search(labels)
        if name == "mintmark_tokens_total" and outcome is not None and outcome[1] == "issued":
            issued += int(value)
        elif name == "mintmark_refusals_total":
            refused += int(value)
        elif name == "mintmark_ledger_waiting":
            waiting = int(value)
        elif name == "mintmark_commit_seconds_count":
            groups = value
        elif name == "mintmark_commit_seconds_sum":
            seconds = value
    mean = round(1000 * seconds / groups, 2) if groups else None
    return {"issued": issued, "refused": refused, "waiting": waiting, "commit_ms": mean}
