"""`mintmark cluster`: whether all nodes together are healthy, or why not, as any one of them tells; and nodes that
died are forgotten.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mintmark.authorization_server.administration import Act
from mintmark.authorization_server.administration.act import audited
from mintmark.authorization_server.ports import Transaction
from mintmark.cli import frame, output
from mintmark.cli.answer import Answer, Fields, Table
from mintmark.cli.call import Call
from mintmark.cli.frame import framed, new_app
from mintmark.cli.plain import printable
from mintmark.cli.services import Administration, Failure, Services
from mintmark.cli.status import base_of


class _ShowsUnlessTold(TyperGroup):
    """`mintmark cluster NODE` is `mintmark cluster show NODE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


def app(services: Services) -> typer.Typer:
    """The commands of all nodes together."""
    group = new_app(
        "All nodes together: whether they are healthy, or why not (`mintmark cluster NODE`), and who is missed.",
        _ShowsUnlessTold,
    )

    @group.command("show")
    def show(
        node: Annotated[
            list[str],
            typer.Argument(
                help="Operators' listener of any node, as in 127.0.0.1:9100; of several, the first that answers tells."
            ),
        ],
        as_json: frame.AsJson = False,
    ) -> None:
        """Say whether all nodes together are healthy, or why not; exit code 1 when something is amiss."""
        told = _told([base_of(each) for each in node], services)
        if as_json:
            output.answer(Fields(told), as_json=True)
        else:
            _show(told, services.clock())
        if told["status"] != "healthy":
            raise Failure(f"The cluster is {told['status']}.")

    group.command("forget")(framed(services, forget))
    return group


def forget(
    call: Call,
    node: Annotated[
        str,
        typer.Argument(help="The node as `mintmark cluster` names it, HOST:PORT, or one process of it."),
    ],
) -> Answer:
    """Miss a node no longer that died and does not come back."""

    async def task(opened: Administration, act: Act) -> Sequence[str]:
        def note(tx: Transaction, lost: Sequence[str]) -> None:
            audited(tx, act, "cluster.forget", detail=", ".join(lost))

        lost, beating = await opened.store.forget_node(node, note)
        if beating:
            raise Failure(f"{', '.join(beating)} is heard of: stop it first, and it leaves by itself.")
        if not lost:
            raise Failure(f"Nobody misses {printable(node)}: see `mintmark cluster` for the names.")
        return lost

    return Fields({"forgotten": list(call.administer(task))})


def _told(bases: list[str], services: Services) -> Mapping[str, object]:
    fault = Failure("Nobody was asked.")
    alone: Mapping[str, object] | None = None
    for base in bases:
        try:
            status, said = services.ask(f"{base}/cluster")
            told = json.loads(said) if status == 200 else None
        except Failure as failure:
            fault = failure
        except ValueError:
            fault = Failure("What answers there is no operators' listener.")
        else:
            if isinstance(told, dict) and isinstance(told.get("nodes"), list) and "status" in told:
                if told["status"] != "unknown":
                    return told
                alone = alone or told  # it knows of no other node; perhaps the next one does
                continue
            fault = Failure("What answers there is no operators' listener that knows of a cluster.")
    if alone is not None:
        return alone
    raise fault


def _show(told: Mapping[str, object], now: float) -> None:
    nodes = told["nodes"]
    rows = (
        [row | {"valkey": _valkey(row)} for row in nodes if isinstance(row, dict)]
        if isinstance(nodes, list)
        else []
    )
    columns = (
        "process",
        "version",
        "workers",
        "age",
        "lag",
        "behind",
        "waiting",
        "valkey",
        "draining",
        "lost",
    )
    output.answer(Table(columns, rows), as_json=False)
    database, audit, keys = (_part(told, name) for name in ("database", "audit", "signing_keys"))
    output.say(f"database: {'there' if database.get('there') else 'away'}{_size(database)}")
    output.say(
        f"audit: from {_when(audit.get('oldest_at'))}, last commit {_when(audit.get('last_commit_at'))}"
        f"{_size(audit)}, {_verified(audit, now)}"
    )
    output.say(
        f"signing keys: the oldest signs since {_when(keys.get('oldest_signs_since'))}, "
        f"the next from {_when(keys.get('next_signs_at'))}"
    )
    skew = told.get("clock_skew")
    output.say(f"clock skew: {'unknown' if skew is None else f'{skew} s'}")
    output.say(f"status: {told['status']}")
    why = told.get("why")
    for sentence in why if isinstance(why, list) else ():
        output.say(f"  {sentence}")


def _part(told: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = told.get(name)
    return part if isinstance(part, dict) else {}


def _size(part: Mapping[str, object]) -> str:
    size = part.get("bytes")
    return f", {size / (1 << 20):.0f} MiB" if isinstance(size, int) else ""


def _valkey(row: Mapping[str, object]) -> str:
    check = _part(row, "checks").get("valkey")
    if not isinstance(check, list):
        return "none"
    return "there" if check[0] == "ok" else "away"


def _verified(audit: Mapping[str, object], now: float) -> str:
    at, failed_at = audit.get("verified_at"), audit.get("failed_at")
    if not audit:
        return "verified unknown"
    if not isinstance(at, int | float):
        return "never verified" if failed_at is None else f"not whole at {_when(failed_at)}"
    days = max(0.0, now - at) / 86400
    said = f"verified {_when(at)} ({days:.1f} days ago) up to event {audit.get('verified_up_to')}"
    if isinstance(failed_at, int | float) and failed_at >= at:
        said += f", not whole at {_when(failed_at)}"
    return said


def _when(at: object) -> str:
    if not isinstance(at, int | float):
        return "unknown"
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
