"""The page of all nodes: one word, each reason, who is lost, what is unknown; for operators alone."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mintmark.authorization_server.administration.act import AdministrationFault
from mintmark.values.person import Person, Role
from mintmark.web.callers import Caller
from mintmark.web.console import pages
from mintmark.web.console.forms import Form
from mintmark.web.console.pages.cluster import show
from mintmark.web.console.rendering import Rendering
from mintmark.web.console.visit import Page, Visit
from mintmark.wire.http import HttpRequest

pages.register()
NOW = 1_800_000_000.0
NODE = {
    "process": "a:1/7",
    "age": 1.0,
    "lost": False,
    "version": "1.0",
    "behind": 0,
    "waiting": 2,
    "checks": {"database": ["ok", ""], "valkey": ["ok", ""]},
}
TOLD: dict[str, Any] = {
    "status": "healthy",
    "why": [],
    "nodes": [NODE],
    "database": {"name": "postgresql://db/x", "there": True, "bytes": 5 << 20},
    "audit": {
        "oldest_at": NOW - 9e6,
        "last_commit_at": NOW - 2,
        "bytes": 3 << 20,
        "verified_at": NOW - 3 * 86400,
        "verified_up_to": 12345,
        "failed_at": None,
    },
    "signing_keys": {"oldest_signs_since": NOW - 86400, "next_signs_at": None},
    "clock_skew": 0.1,
}


def seen(role: Role = "operator", **told: object) -> str:
    async def cluster() -> dict[str, Any]:
        return TOLD | told

    services = cast(Any, SimpleNamespace(cluster=cluster, environments=dict))
    person = Person("ada", "Ada", role, "" if role == "operator" else "acme")
    request = HttpRequest("GET", "/console/cluster")
    visit = Visit(services, request, Caller("", "r"), NOW, {}, Form(), person=person)
    answer = asyncio.run(show(visit))
    assert isinstance(answer, Page)
    text = Rendering("http://127.0.0.1:8080").render(visit, answer).decode()
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", text).split()))


def test_all_is_well() -> None:
    words = seen()
    assert "Cluster healthy" in words
    assert "What is amiss Nothing." in words
    assert "a:1/7 serving 1.0 just now 0 changes 2 there there" in words
    assert "Verified 3 days ago , up to event 12,345" in words
    assert "5 MiB" in words
    assert "Size 3 MiB" in words


def test_each_reason_stands_there_as_text_and_who_is_lost_is_said() -> None:
    lost = {"process": "b:1/7", "age": 7200.0, "lost": True}
    words = seen(status="degraded", why=["<b> is odd."], nodes=[NODE, lost], clock_skew=None)
    assert "Cluster degraded" in words
    assert "<b> is odd." in words
    assert "b:1/7 lost unknown 2 hours ago unknown unknown none none" in words
    assert "not compared yet" in words


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ({"draining": True}, "stopping"),
        ({"checks": {"database": ["failed", "x"]}}, "not ready"),
        ({"checks": {"valkey": ["warning", "x"]}}, "serving"),
    ],
)
def test_a_node_is_said_to_be_as_it_is(row: dict[str, object], state: str) -> None:
    words = seen(nodes=[NODE | row])
    assert f"a:1/7 {state} 1.0" in words
    assert ("amiss" in words.partition("a:1/7")[2]) is ("checks" in row)


def test_a_trail_that_was_not_whole_or_never_verified_is_said() -> None:
    assert "not whole 1 minute ago" in seen(audit=TOLD["audit"] | {"failed_at": NOW - 60})
    assert "not whole" not in seen(audit=TOLD["audit"] | {"failed_at": NOW - 9 * 86400})
    assert "Verified never" in seen(audit=TOLD["audit"] | {"verified_at": None, "verified_up_to": None})


def test_without_the_database_what_is_known_is_shown() -> None:
    told = TOLD | {"status": "unknown", "database": {"name": "x", "there": False}, "clock_skew": None}
    del told["audit"]
    words = seen(**{**told, "audit": {}})
    assert "Cluster unknown" in words
    assert "It is away" in words


@pytest.mark.parametrize("role", ["admin", "developer", "auditor"])
def test_only_operators_see_it(role: Role) -> None:
    with pytest.raises(AdministrationFault, match="Only operators"):
        seen(role)
