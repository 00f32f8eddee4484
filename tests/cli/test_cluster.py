"""`mintmark cluster`: one word for all nodes, why, and nodes that died are forgotten."""

from __future__ import annotations

import json
import sqlite3
import time

import pytest

from tests.cli.conftest import NOW, Terminal

NODE = "127.0.0.1:9100"
TOLD = {
    "status": "healthy",
    "why": [],
    "nodes": [
        {"process": "a:1/7", "version": "1.0", "workers": 1, "age": 0.0, "checks": {"valkey": ["ok", ""]}}
    ],
    "database": {"name": "x", "there": True, "bytes": 3 << 20},
    "audit": {
        "oldest_at": 0,
        "last_commit_at": None,
        "bytes": 2 << 20,
        "verified_at": NOW - 2 * 86400,
        "verified_up_to": 7,
    },
    "signing_keys": {"oldest_signs_since": None, "next_signs_at": None},
    "clock_skew": None,
}


def lost(terminal: Terminal, process: str, ago: float) -> None:
    database = sqlite3.connect(terminal.folder / "mintmark.db")
    database.execute("INSERT INTO node (id, seen, told) VALUES (?, ?, '{}')", (process, time.time() - ago))
    database.commit()
    database.close()


@pytest.mark.parametrize("words", [("cluster",), ("cluster", "show")])
def test_health_and_its_reasons_are_shown(mintmark: Terminal, words: tuple[str, ...]) -> None:
    mintmark.answers = {f"http://{NODE}/cluster": TOLD}
    ran = mintmark(*words, NODE)
    assert (ran.code, ran.err) == (0, "")
    assert "a:1/7" in ran.out
    assert "clock skew: unknown" in ran.out
    assert "last commit unknown, 2 MiB, verified" in ran.out
    assert "(2.0 days ago) up to event 7" in ran.out
    assert "status: healthy" in ran.out
    mintmark.answers = {f"http://{NODE}/cluster": TOLD | {"status": "degraded", "why": ["It is odd."]}}
    for audit, said in (
        ({}, "verified unknown"),
        ({"verified_at": None, "failed_at": None}, "never verified"),
        ({"failed_at": NOW}, "last commit unknown, not whole at "),
        ({"verified_at": NOW - 86400, "verified_up_to": 7, "failed_at": NOW}, "event 7, not whole at "),
        (
            {"verified_at": NOW, "verified_up_to": 9, "failed_at": NOW - 86400},
            "(0.0 days ago) up to event 9\n",
        ),
    ):
        mintmark.answers = {f"http://{NODE}/cluster": TOLD | {"audit": audit}}
        assert said in mintmark(*words, NODE).out
    mintmark.answers = {f"http://{NODE}/cluster": TOLD | {"status": "degraded", "why": ["It is odd."]}}
    ran = mintmark(*words, "--json", NODE)
    assert (ran.code, json.loads(ran.out)["why"]) == (1, ["It is odd."])
    assert ran.err == "mintmark: The cluster is degraded.\n"


def test_a_node_that_died_is_forgotten_with_an_event_and_no_other(acme: Terminal) -> None:
    lost(acme, "a:1/7", 60)
    lost(acme, "a:1/8", 60)
    lost(acme, "b:1/7", 0)
    assert "is heard of" in acme.refused("cluster", "forget", "b:1", code=1)
    assert "Nobody misses c:1" in acme.refused("cluster", "forget", "c:1", code=1)
    assert acme("cluster", "forget", "a:1", "--json").json == {"forgotten": ["a:1/7", "a:1/8"]}
    newest = acme.admin("audit", "tail", "-n", "1", "--json").json[0]
    assert (newest["kind"], newest["detail"]) == ("admin.cluster.forget", "a:1/7, a:1/8")
    assert "Nobody misses a:1" in acme.refused("cluster", "forget", "a:1", code=1)
