"""One word for all nodes, and a sentence for each thing that is amiss; as any of them sees it from one database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa

from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.compose import asking, health
from mintmark.compose.cluster import SKEW, Cluster, apart, verdict
from mintmark.compose.heartbeat import Heartbeat, Process
from mintmark.crypto.audit_chain import Link, Report
from mintmark.storage import nodes, trail_checked
from mintmark.storage.database import Database
from mintmark.storage.engines.sqlite import open_sqlite
from mintmark.storage.nodes import BEAT, SILENT
from mintmark.storage.tables import node
from mintmark.web.operations import Check
from tests.databases import with_tables
from tests.web.world import Lines


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


def test_a_silent_node_is_missed_with_what_to_do_and_its_checks_are_not_believed() -> None:
    status, why = verdict([row("a:1/7"), row("b:1/7", "failed", age=SILENT + 1)], 0.0)
    assert status == "degraded"
    assert why == [
        "b:1 was not heard of for 21 seconds; if it is gone for good: `mintmark cluster forget b:1`."
    ]


def test_a_node_that_runs_fewer_workers_than_it_should_is_degraded() -> None:
    assert verdict([row("a:1/7", workers=2)], 0.0) == ("degraded", ["a:1 runs 1 of 2 workers."])
    assert verdict([row("a:1/7", workers=2), row("a:1/8", workers=2)], 0.0)[0] == "healthy"


def test_a_worker_whose_place_another_has_taken_is_not_missed() -> None:
    rows = [row("a:1/7", workers=2, age=99.0), row("a:1/8", workers=2), row("a:1/9", workers=2)]
    assert verdict(rows, 0.0) == ("healthy", [])


def test_who_cannot_hear_says_so_instead_of_missing_the_others() -> None:
    status, why = verdict([row("a:1/7", workers=2), row("b:1/7", age=99.0)], None, "a cannot hear.")
    assert (status, why) == ("degraded", ["a cannot hear."])


def test_clocks_that_are_apart_and_versions_that_differ_are_said() -> None:
    status, why = verdict([row("a"), row("b", version="1.1")], SKEW + 1)
    assert (status, why) == (
        "degraded",
        ["Nodes run different versions: 1.0, 1.1.", "The clocks of two nodes are 3.0 seconds apart."],
    )


def test_a_row_that_says_nothing_of_itself_is_no_fault_of_the_one_who_tells() -> None:
    assert verdict([row("a"), {"process": "b", "age": 1.0}], 0.0)[0] == "healthy"


def test_clocks_are_as_far_apart_as_is_certain_and_unknown_is_not_zero() -> None:
    slow = row("a", skew=4.0, skew_within=3.5)
    assert apart([slow, row("b", skew=0.0, skew_within=0.1)]) == pytest.approx(0.4)
    assert apart([row("a", skew=9.0, skew_within=0.1), row("b", skew=0.0, skew_within=0.1)]) == pytest.approx(
        8.8
    )
    assert apart([row("a", skew=9.0), row("b")]) is None
    assert apart([row("a", skew=9.0), row("b", age=SILENT)]) == 0.0
    assert apart([row("a")]) is None


def test_who_asks_has_more_patience_than_a_node_needs() -> None:
    assert asking.PATIENCE > 2 * health.PATIENCE


class Node:
    """A process on a database that they share, with a clock of its own."""

    def __init__(self, database: Database, name: str, *, workers: int = 1, ahead: float = 0.0) -> None:
        self.database = database
        self.checks: Sequence[Check] = (Check("serving"), Check("database"))
        self.lines = Lines()
        following = SimpleNamespace(lag=0.0)
        self.directory = cast(
            Any, SimpleNamespace(position=0, following=following, environments=dict[str, Any])
        )
        self.heartbeat = Heartbeat(
            database,
            self.directory,
            cast(Any, SimpleNamespace(checks=self._checks, draining=False)),
            Process(f"{name}:1", 7, workers),
            lambda: 3,
            self.lines,
            lambda: database.reading(database.now) + ahead,
        )

    async def _checks(self) -> Sequence[Check]:
        return self.checks

    def beat(self) -> None:
        asyncio.run(self.heartbeat.beat())

    def view(self) -> Mapping[str, Any]:
        return asyncio.run(Cluster(self.database, self.directory, self.heartbeat).view())


@pytest.fixture
def database(tmp_path: Path) -> Any:
    opened = open_sqlite(with_tables(tmp_path / "mintmark.db"), bytes(32), busy_timeout=0.2)
    yield opened
    opened.close()


def later(database: Database, seconds: float) -> None:
    """So much time has passed since each of them beat."""
    database.writing(lambda connection: connection.execute(node.update().values(seen=node.c.seen - seconds)))


def test_any_node_tells_of_all_of_them(database: Database) -> None:
    first, second = Node(database, "a"), Node(database, "b")
    first.beat()
    second.beat()
    for told in (first.view(), second.view()):
        assert (told["status"], told["why"], told["clock_skew"]) == ("healthy", [], 0.0)
        assert [each["process"] for each in told["nodes"]] == ["a:1/7", "b:1/7"]
        assert [(each["lost"], each["waiting"], each["behind"]) for each in told["nodes"]] == [
            (False, 3, 0)
        ] * 2
        assert told["database"]["there"]
        assert json.dumps(told)


def test_a_node_that_died_is_missed_until_an_operator_forgets_it(database: Database) -> None:
    first, second = Node(database, "a"), Node(database, "b")
    second.beat()
    later(database, 3600.0)
    first.beat()
    told = first.view()
    assert told["status"] == "degraded"
    assert told["why"][0].startswith("b:1 was not heard of for 36")
    assert [each["lost"] for each in told["nodes"]] == [False, True]
    assert database.writing(lambda c: nodes.forget(c, database, "b:1")) == (["b:1/7"], ())
    assert first.view()["status"] == "healthy"


def test_a_node_that_stops_in_good_order_is_not_missed(database: Database) -> None:
    first, second = Node(database, "a"), Node(database, "b")
    first.beat()
    second.beat()
    asyncio.run(second.heartbeat.leave())
    told = first.view()
    assert (told["status"], len(told["nodes"])) == ("healthy", 1)


def test_workers_versions_and_clocks_are_compared(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Node(database, "a", workers=2), Node(database, "b", ahead=-30.0)
    first.beat()
    monkeypatch.setattr("mintmark.compose.heartbeat.__version__", "9.9")
    second.beat()
    status, why = (told := second.view())["status"], told["why"]
    assert status == "degraded"
    assert why[0] == "a:1 runs 1 of 2 workers."
    assert why[1].startswith("Nodes run different versions: ")
    assert why[2] == f"The clocks of two nodes are {told['clock_skew']:.1f} seconds apart."
    assert SKEW < told["clock_skew"] <= 30.0


def test_without_the_database_a_node_tells_of_itself_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Node(database, "a", workers=2)
    first.beat()
    Node(database, "b").beat()

    async def away(_work: object) -> None:
        raise StorageUnavailable("The database cannot be used: it is away.")

    monkeypatch.setattr(database, "read", away)
    told = first.view()
    assert told["status"] == "unknown"
    assert told["why"] == ["a:1/7 does not reach the database and cannot tell of the others."]
    assert told["database"]["there"] is False
    assert [each["process"] for each in told["nodes"]] == ["a:1/7"]


def test_where_beats_cannot_be_written_nobody_is_missed_for_it(database: Database) -> None:
    first = Node(database, "a")
    first.beat()
    Node(database, "b").beat()
    later(database, SILENT + BEAT)
    with database.write_engine.connect() as turn, turn.begin():
        first.beat()
        first.beat()
        told = first.view()
    assert told["status"] == "degraded"
    assert len(told["why"]) == 1
    assert (
        "others that are silent may be well. The database cannot be used: database is locked."
        in told["why"][0]
    )
    first.beat()
    assert first.view()["why"][0].startswith("b:1 was not heard of")
    assert [(level, event) for level, event, _ in first.lines.written] == [
        ("error", "beat_failed"),
        ("warning", "beats_again"),
    ]


def test_one_beat_that_fails_is_no_reason(database: Database) -> None:
    first = Node(database, "a")
    first.beat()
    with database.write_engine.connect() as turn, turn.begin():
        first.beat()
    assert first.heartbeat.fault != ""
    assert first.view()["status"] == "healthy"


def test_a_fault_of_a_beat_is_told_and_the_next_one_is_tried(database: Database) -> None:
    first = Node(database, "a")
    fine = first.checks
    first.checks = cast(Any, [None])
    first.beat()
    assert first.heartbeat.fault == "It failed inside: AttributeError."
    assert first.lines.written[0][:2] == ("error", "beat_failed")
    first.checks = fine
    first.beat()
    assert first.heartbeat.fault == ""
    assert first.view()["status"] == "healthy"


def test_when_the_trail_was_verified_is_told_and_a_failure_is_a_reason(database: Database) -> None:
    first = Node(database, "a")
    first.beat()
    link = Link("", 1, 3, 4, 1.0, "", "", "")
    assert first.view()["audit"]["verified_at"] is None

    def checked(at: float, *faults: str) -> None:
        report = Report(4, 1, 3, {"": link}, faults)
        database.writing(lambda connection: trail_checked.note(connection, report, at))

    checked(100.0)
    told = first.view()
    assert (told["status"], told["audit"]["verified_at"], told["audit"]["verified_up_to"]) == (
        "healthy",
        100.0,
        6,
    )
    checked(200.0, "The event 4 is missing.", "More.")
    told = first.view()
    assert told["status"] == "degraded"
    assert told["why"] == [
        "The audit trail was not whole when it was verified at 1970-01-01 00:03 UTC: The event 4 is missing."
    ]
    first.beat()
    assert (first.heartbeat.checked.whole_at, first.heartbeat.checked.failed) == (100.0, True)
    checked(300.0)
    assert first.view()["status"] == "healthy"
    first.beat()
    assert not first.heartbeat.checked.failed


def test_a_row_that_nobody_understands_is_shown_and_harms_nobody(database: Database) -> None:
    first = Node(database, "a")
    first.beat()

    def written(connection: sa.Connection) -> None:
        for number, said in enumerate(("", "[]", "null", '{"workers": "x", "checks": 3, "skew": true}')):
            nodes.beat(connection, database, f"b:1/{number}", said)

    database.writing(written)
    assert len(first.view()["nodes"]) == 5
