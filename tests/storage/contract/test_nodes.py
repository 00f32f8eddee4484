"""Who serves: heard of while it tells, gone when it stops, forgotten in the end, never part of a backup."""

from __future__ import annotations

import asyncio

from mintmark.storage import nodes, portable
from mintmark.storage.database import Database
from mintmark.storage.tables import audit_check, node


def beat(database: Database, process: str, told: str) -> None:
    asyncio.run(database.write_aside(lambda c: nodes.beat(c, database, process, told)))


def heard(database: Database) -> dict[str, str]:
    return {each.id: each.told for each in database.reading(lambda c: nodes.heard(c, database)).beats}


def test_a_process_is_heard_of_until_it_leaves(database: Database) -> None:
    beat(database, "a", "1")
    beat(database, "b", "1")
    beat(database, "a", "2")
    assert heard(database) == {"a": "2", "b": "1"}
    asyncio.run(database.write_aside(lambda c: nodes.leave(c, "a")))
    assert heard(database) == {"b": "1"}


def later(database: Database, seconds: float) -> None:
    database.writing(lambda c: c.execute(node.update().values(seen=node.c.seen - seconds)))


def test_who_is_lost_is_listed_for_a_day(database: Database) -> None:
    beat(database, "gone:1/7", "1")
    later(database, nodes.KEPT - 60)
    beat(database, "here:1/7", "1")
    assert set(heard(database)) == {"gone:1/7", "here:1/7"}
    later(database, 61)
    assert set(heard(database)) == {"here:1/7"}
    beat(database, "here:1/7", "1")
    assert database.reading(lambda c: portable.count(c, node)) == 1


def test_a_node_that_runs_again_takes_the_place_of_its_lost_processes_alone(database: Database) -> None:
    for process in ("a:1/7", "a:1/8", "a:11/7", "A:1/7", "a:1", "a_1/7"):
        beat(database, process, "1")
    later(database, nodes.SILENT + 1)
    beat(database, "a:1/9", "1")
    assert set(heard(database)) == {"a:1/9", "a:11/7", "A:1/7", "a:1", "a_1/7"}


def test_a_lost_node_or_process_is_forgotten_and_one_that_beats_is_not(database: Database) -> None:
    def forget(name: str) -> tuple[list[str], list[str]]:
        went, beating = database.writing(lambda c: nodes.forget(c, database, name))
        return list(went), list(beating)

    for process in ("a:1/7", "a:1/8", "b:1/7"):
        beat(database, process, "1")
    later(database, nodes.SILENT + 1)
    database.writing(
        lambda c: c.execute(node.update().values(seen=database.now(c)).where(node.c.id == "a:1/8"))
    )
    assert forget("a:1") == ([], ["a:1/8"])
    assert forget("a:1/8") == ([], ["a:1/8"])
    assert forget("a:1/7") == (["a:1/7"], [])
    assert forget("b:1") == (["b:1/7"], [])
    assert forget("b:1") == ([], [])
    assert set(heard(database)) == {"a:1/8"}


def test_a_beat_waits_for_nobody_who_writes_tokens_where_nodes_share_a_server(database: Database) -> None:
    if database.mark == "?":
        return  # SQLite has one writer at a time.
    with database.write_engine.connect() as turn, turn.begin():
        beat(database, "a", "1")
        assert heard(database) == {"a": "1"}


def test_the_database_says_its_size_and_who_serves_is_no_part_of_it(database: Database) -> None:
    assert database.reading(database.size) > 0
    assert not {node, audit_check} & set(portable.tables())
