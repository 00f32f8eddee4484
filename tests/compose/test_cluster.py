"""One word for all nodes, and a sentence for each thing that is amiss."""

from __future__ import annotations

from mintmark.compose.cluster import SKEW, verdict
from mintmark.storage.nodes import SILENT


def row(process: str, state: str = "ok", **more: object) -> dict[str, object]:
    checks = {"database": [state, "" if state == "ok" else "It is odd."]}
    return {"process": process, "age": 1.0, "version": "1.0", "checks": checks} | more


def test_all_well_is_healthy() -> None:
    assert verdict([row("a"), row("b")], SKEW) == ("healthy", [])


def test_one_that_fails_beside_one_that_serves_is_degraded() -> None:
    assert verdict([row("a", "failed"), row("b")], 0.0) == ("degraded", ["a: database: It is odd."])


def test_a_warning_is_degraded() -> None:
    warned = row("a", checks={"database": ["ok", ""], "valkey": ["warning", "It is away."]})
    assert verdict([warned], 0.0) == ("degraded", ["a: valkey: It is away."])


def test_who_cannot_commit_issues_no_token() -> None:
    assert verdict([row("a", "warning")], 0.0)[0] == "down"
    assert verdict([row("a", "warning"), row("b")], 0.0)[0] == "degraded"


def test_nobody_who_serves_is_down() -> None:
    rows = [row("a", "failed"), row("b", draining=True), row("c", age=SILENT)]
    status, why = verdict(rows, 0.0)
    assert (status, len(why)) == ("down", 3)


def test_a_silent_process_is_missed_and_its_checks_are_not_believed() -> None:
    status, why = verdict([row("a"), row("b", "failed", age=SILENT + 1)], 0.0)
    assert (status, why) == ("degraded", ["b was not heard of for 21 seconds."])


def test_clocks_that_are_apart_and_versions_that_differ_are_said() -> None:
    status, why = verdict([row("a"), row("b", version="1.1")], SKEW + 1)
    assert (status, why) == (
        "degraded",
        ["Nodes run different versions: 1.0, 1.1.", "The clocks of two nodes are 3.0 seconds apart."],
    )


def test_a_row_that_says_nothing_of_itself_is_no_fault_of_the_one_who_tells() -> None:
    assert verdict([row("a"), {"process": "b", "age": 1.0}], 0.0)[0] == "healthy"
