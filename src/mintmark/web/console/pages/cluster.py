"""Watch → Cluster: whether all nodes together are healthy, or why not, as the node that answers tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mintmark.authorization_server.administration.act import forbidden
from mintmark.authorization_server.administration.showing import at
from mintmark.web.console.router import page
from mintmark.web.console.visit import Answer, Page, Visit

#: How bad each word for the whole is.
COLOURS = {"healthy": "good", "degraded": "warn", "down": "bad", "unknown": "bad"}


@page("GET", "/cluster")
async def show(visit: Visit) -> Answer:
    """All of it."""
    if not visit.principal.is_operator:
        raise forbidden("Only operators see how the servers are.")
    told = await visit.services.cluster()
    audit, keys = told.get("audit", {}), told["signing_keys"]
    values = {
        "status": told["status"],
        "colour": COLOURS.get(told["status"], "bad"),
        "why": told["why"],
        "nodes": [_node(row, visit.now) for row in told["nodes"]],
        "database": told["database"],
        "skew": told["clock_skew"],
        "audit": {
            **{
                name: at(audit.get(name))
                for name in ("oldest_at", "last_commit_at", "verified_at", "failed_at")
            },
            "up_to": audit.get("verified_up_to"),
            "bytes": audit.get("bytes"),
            "failed": audit.get("failed_at") is not None
            and audit["failed_at"] >= (audit.get("verified_at") or 0),
        },
        "keys": {name: at(keys[name]) for name in ("oldest_signs_since", "next_signs_at")},
    }
    return Page("cluster.html", values)


def _node(row: Mapping[str, Any], now: float) -> Mapping[str, Any]:
    checks = {name: state for name, (state, _) in row.get("checks", {}).items()}
    if row["lost"]:
        state, colour = "lost", "bad"
    elif row.get("draining"):
        state, colour = "stopping", "warn"
    elif "failed" in checks.values():
        state, colour = "not ready", "bad"
    else:
        state, colour = "serving", "warn" if "warning" in checks.values() else "good"
    return {
        "process": row["process"],
        "version": row.get("version", ""),
        "heard_at": at(now - row["age"]),
        "lag": row.get("lag"),
        "behind": row.get("behind"),
        "waiting": row.get("waiting"),
        "database": _there(checks.get("database")),
        "valkey": _there(checks.get("valkey")),
        "state": state,
        "colour": colour,
    }


def _there(state: str | None) -> str:
    if state is None:
        return "none"
    return "there" if state == "ok" else "amiss"
