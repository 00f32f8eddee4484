"""All nodes that serve from one database: each says how it is every few seconds, and any of them tells of all.

The whole is `healthy`, or `degraded` (tokens are issued, and there is something to see to), or `down` (nobody issues
any); each thing that is amiss is a sentence.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.compose.health import PATIENCE
from mintmark.compose.heartbeat import Heartbeat, Row
from mintmark.storage import nodes
from mintmark.storage.database import Database
from mintmark.storage.directory import CachedDirectory
from mintmark.storage.trail_checked import Checked

#: Seconds between the clocks of two nodes, beyond which an operator is told; a client assertion lives a minute.
SKEW = 2.0
#: Seconds without a beat of one's own after which others, that are silent after longer, may be well: two failed.
_MUTE = 2.5 * nodes.BEAT


@dataclass(frozen=True, slots=True)
class Cluster:
    """`heartbeat`: of the process that tells. `clock`: seconds since the epoch."""

    database: Database
    directory: CachedDirectory
    heartbeat: Heartbeat
    clock: Callable[[], float] = time.time

    async def view(self) -> Mapping[str, object]:
        """How all of it is now: `status`, `why`, `nodes`, `database`, `audit`, `signing_keys`, `clock_skew`.

        It takes little more than `health.PATIENCE`, whatever stands still.
        """
        me = self.heartbeat.process.id
        said, heard = await asyncio.gather(self.heartbeat.said(), self._heard())
        own = {"process": me, "age": 0.0} | said
        told: Row = {"database": {"name": self.database.name, "there": heard is not None}}
        rows, beaten = [own], Row()
        if heard is not None:
            others = [_row(beat) for beat in heard.beats]
            beaten = next((row for row in others if row["process"] == me), beaten)
            rows = [beaten | own, *(row for row in others if row["process"] != me)]
            told["database"] = {"name": self.database.name, "there": True, "bytes": heard.bytes}
            told["audit"] = {
                "oldest_at": heard.audit_from,
                "last_commit_at": heard.committed_at,
                "bytes": heard.audit_bytes,
                "verified_at": heard.checked.whole_at,
                "verified_up_to": heard.checked.up_to,
                "failed_at": heard.checked.broken_at,
            }
            for row in rows:
                row["behind"] = max(0, heard.position - _number(row, "position", heard.position))
        skew = apart(rows)
        deaf = ""
        if heard is None:
            deaf = f"{me} does not reach the database and cannot tell of the others."
        elif (fault := self.heartbeat.fault) and _number(beaten, "age", math.inf) > _MUTE:
            deaf = (
                f"{me} cannot say in the database how it is, so others that are silent may be well. {fault}"
            )
        status, why = verdict(rows, skew, deaf, "" if heard is None else _trail(heard.checked))
        if heard is None:
            status = "unknown"
        rows.sort(key=lambda row: str(row["process"]))
        for row in rows:
            row["lost"] = not _fresh(row)
        return {
            "status": status,
            "why": why,
            "nodes": rows,
            **told,
            "signing_keys": self._signing_keys(),
            "clock_skew": None if skew is None else round(skew, 3),
        }

    async def _heard(self) -> nodes.Heard | None:
        """What the database has; None when it does not answer."""
        try:
            return await asyncio.wait_for(
                self.database.read(lambda connection: nodes.heard(connection, self.database)), PATIENCE
            )
        except (StorageUnavailable, TimeoutError):
            return None

    def _signing_keys(self) -> Row:
        """Since when the oldest signer signs, and when the next one will, in seconds since the epoch."""
        now = self.clock()
        since: list[int] = []
        coming: list[int] = []
        for view in self.directory.environments().values():
            keys = view.keyring.keys  # the newest first
            signing = {
                life.record.algorithm: life.record.signs_at for life in reversed(keys) if life.signs(now)
            }
            since.extend(signing.values())
            coming.extend(life.record.signs_at for life in keys if life.record.signs_at > now)
        return {"oldest_signs_since": min(since, default=None), "next_signs_at": min(coming, default=None)}


def verdict(
    rows: Sequence[Mapping[str, object]], skew: float | None, deaf: str = "", trail: str = ""
) -> tuple[str, list[str]]:
    """One word for the whole, and a sentence for each thing that is amiss.

    `rows`: as `Cluster.view` has them. `skew`: seconds by which the clocks that are furthest apart are apart at least.
    `deaf`: the sentence why the silence of others says nothing of them, where it does not. `trail`: the one that says
    what is amiss with the audit trail.
    """
    why = [deaf] if deaf else _missing(rows)
    serving = False
    fresh = [row for row in rows if _fresh(row)]
    for row in fresh:
        name = row["process"]
        if row.get("draining"):
            why.append(f"{name} is about to stop.")
            continue
        checks = row.get("checks")
        amiss = [
            (state, f"{name}: {check}: {reason}")
            for check, (state, reason) in (checks.items() if isinstance(checks, dict) else ())
            if state != "ok"
        ]
        commits = not isinstance(checks, dict) or checks.get("database", ["ok"])[0] == "ok"
        serving = serving or (commits and all(state != "failed" for state, _ in amiss))
        why.extend(sentence for _, sentence in amiss)
    versions = sorted({str(row["version"]) for row in fresh if "version" in row})
    if len(versions) > 1:
        why.append(f"Nodes run different versions: {', '.join(versions)}.")
    if skew is not None and skew > SKEW:
        why.append(f"The clocks of two nodes are {skew:.1f} seconds apart.")
    if trail:
        why.append(trail)
    if not serving:
        return "down", why
    return ("degraded" if why else "healthy"), why


def apart(rows: Sequence[Mapping[str, object]]) -> float | None:
    """Seconds by which the clocks of nodes that beat are apart at least, however long the database took to answer;
    None: too few have compared theirs.
    """
    fresh = [row for row in rows if _fresh(row)]
    known = [
        (_number(row, "skew", 0.0), _number(row, "skew_within", 0.0))
        for row in fresh
        if isinstance(row.get("skew"), int | float)
    ]
    if len(known) < min(2, len(fresh)):
        return None
    return max(
        0.0, max(skew - within for skew, within in known) - min(skew + within for skew, within in known)
    )


def _trail(checked: Checked) -> str:
    if not checked.failed:
        return ""
    at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(checked.broken_at))
    return f"The audit trail was not whole when it was verified at {at}: {checked.fault}"


def _missing(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """A sentence for each node of which nothing is heard, or that runs fewer workers than it should."""
    by_node: dict[str, list[Mapping[str, object]]] = {}
    for row in rows:
        by_node.setdefault(str(row["process"]).rpartition("/")[0] or str(row["process"]), []).append(row)
    found = []
    for name, processes in by_node.items():
        running = [row for row in processes if _fresh(row)]
        wanted = max(_number(row, "workers", 0) for row in running or processes)
        age = min(_number(row, "age", math.inf) for row in processes)
        if not running:
            found.append(
                f"{name} was not heard of for {age:.0f} seconds; if it is gone for good: "
                f"`mintmark cluster forget {name}`."
            )
        elif len(running) < wanted:
            found.append(f"{name} runs {len(running)} of {wanted:.0f} workers.")
    return found


def _row(beat: nodes.Beat) -> Row:
    try:
        told = json.loads(beat.told)
    except ValueError:
        told = {}
    return {"process": beat.id, "age": round(beat.age, 1)} | (told if isinstance(told, dict) else {})


def _fresh(row: Mapping[str, object]) -> bool:
    return _number(row, "age", math.inf) < nodes.SILENT


def _number(row: Mapping[str, object], name: str, otherwise: float) -> float:
    value = row.get(name)
    return value if isinstance(value, int | float) else otherwise
