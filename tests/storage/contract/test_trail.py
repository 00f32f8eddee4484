"""The audit trail is whole as long as only the program writes it, and a check finds what anybody else did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from mintmark.crypto.audit_chain import Report
from mintmark.storage.database import Database
from mintmark.storage.ledger import SqlLedger
from mintmark.storage.retention import Keep
from mintmark.storage.store import SqlStore, Tended
from mintmark.storage.tables import audit_event, audit_link
from tests.storage.samples import NOW, event, fill, issuance

DAY = 86400


@pytest.fixture
def databases(open_database: Callable[[], Database]) -> Iterator[list[Database]]:
    return [open_database() for _ in range(2)]


def write_some(databases: list[Database], at: float = NOW) -> None:
    """Tokens and refusals through two ledgers at once, and acts of administration in between."""

    async def run() -> None:
        store = SqlStore(databases[0])
        position = await store.read(lambda tx: tx.position()) or await store.write(fill)
        ledgers = [SqlLedger(database, lambda: at, note_delay=0.01) for database in databases]
        for ledger in ledgers:
            for number in range(9):
                ledger.note(event(at=at, outcome="refused", reason="secret_wrong", peer=f"10.0.0.{number}"))
        await asyncio.gather(
            *(
                ledger.commit(issuance(position, event=event(at=at, jti=f"{at}{i}")))
                for i in range(40)
                for ledger in ledgers
            ),
            *(store.write(lambda tx: tx.audit(event(at=at, kind="admin.test"))) for _ in range(5)),
        )
        for ledger in ledgers:
            await ledger.close()

    asyncio.run(run())


def checked(database: Database, **known: tuple[int, str]) -> Report:
    return asyncio.run(SqlStore(database).check_trail(known))


def harm(database: Database, statement: sa.Executable) -> None:
    database.writing(lambda connection: connection.execute(statement))


def test_a_trail_written_by_two_ledgers_and_administration_is_whole(databases: list[Database]) -> None:
    write_some(databases)
    report = checked(databases[1])
    assert report.faults == []
    assert report.events == 2 * 9 + 2 * 40 + 5
    assert report.begins == 1


def test_a_failed_unit_of_work_leaves_no_link(databases: list[Database]) -> None:
    write_some(databases)
    before = checked(databases[0])

    def fails(tx: object) -> None:
        tx.audit(event())  # type: ignore[attr-defined]
        raise KeyError("no")

    with pytest.raises(KeyError):
        asyncio.run(SqlStore(databases[0]).write(fails))
    assert checked(databases[0]) == before


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (audit_event.update().where(audit_event.c.id == 7).values(reason="other"), "changed"),
        (audit_event.update().where(audit_event.c.id == 7).values(at=NOW - 1), "changed"),
        (audit_event.delete().where(audit_event.c.id == 7), "missing: 7"),
        (audit_event.insert().values(id=9999, **event()._asdict()), "No link vouches for these events: 9999"),
        (audit_link.delete().where(audit_link.c.seq == 2), "Links 2 to 2"),
        (audit_link.update().where(audit_link.c.seq == 2).values(at=1.0), "Link 2 was changed"),
    ],
)
def test_what_anybody_else_did_is_found(
    databases: list[Database], statement: sa.Executable, sentence: str
) -> None:
    write_some(databases)
    harm(databases[0], statement)
    assert sentence in " ".join(checked(databases[1]).faults)


def test_an_end_cut_off_is_found_with_the_heads_of_the_last_check(databases: list[Database]) -> None:
    write_some(databases)
    (lane, head), *_ = checked(databases[0]).heads.items()
    harm(databases[0], audit_event.delete().where(audit_event.c.id >= head.first_id))
    harm(databases[0], audit_link.delete().where(audit_link.c.lane == lane, audit_link.c.seq == head.seq))
    known = {lane: (head.seq, head.mac)}
    report = asyncio.run(SqlStore(databases[0]).check_trail(known))
    assert "ends before it now" in report.faults[0]


def test_another_key_makes_every_link_a_fault(databases: list[Database]) -> None:
    write_some(databases)
    databases[1].audit_key = bytes(32)
    assert checked(databases[1]).faults


def test_no_event_is_written_without_the_key(databases: list[Database]) -> None:
    databases[0].audit_key = b""
    with pytest.raises(RuntimeError, match="without the key"):
        asyncio.run(SqlStore(databases[0]).write(lambda tx: tx.audit(event())))


def trim(database: Database, older_than: float, most: int | None = None, now: float = NOW) -> int:
    return asyncio.run(SqlStore(database).trim_trail(older_than, most, now))


def test_trimmed_events_are_no_fault_and_the_rest_still_is_vouched_for(databases: list[Database]) -> None:
    write_some(databases, NOW - 9 * DAY)
    old = checked(databases[0]).events
    write_some(databases, NOW)
    total = checked(databases[0]).events
    assert trim(databases[0], NOW - 8 * DAY) == old
    report = checked(databases[0])
    assert report.faults == []
    assert report.events == total - old
    harm(databases[0], audit_event.delete().where(audit_event.c.id == report.heads[""].first_id))
    assert "missing" in " ".join(checked(databases[0]).faults)


def test_what_was_written_yesterday_or_today_stays(databases: list[Database]) -> None:
    midnight = NOW // DAY * DAY
    write_some(databases, midnight - DAY)
    total = checked(databases[0]).events
    assert trim(databases[0], midnight + DAY, 1, midnight) == 0
    assert trim(databases[0], midnight + DAY, 1, midnight + DAY - 1) == 0
    assert trim(databases[0], midnight + DAY, 1, midnight + DAY) == total


def test_the_newest_events_stay_up_to_a_number(databases: list[Database]) -> None:
    write_some(databases, NOW - 9 * DAY)
    total = checked(databases[0]).events
    trim(databases[0], 0.0, 20)
    assert 20 <= checked(databases[0]).events < total
    assert checked(databases[0]).faults == []


def test_a_cut_that_the_installation_did_not_make_is_a_fault(databases: list[Database]) -> None:
    write_some(databases, NOW - 9 * DAY)
    trim(databases[0], NOW - 8 * DAY)
    harm(databases[0], sa.text("UPDATE audit_cut SET first_kept = first_kept + 1"))
    assert "not made by this installation" in checked(databases[0]).faults[0]


def test_events_after_a_trim_follow_on(databases: list[Database]) -> None:
    write_some(databases, NOW - 9 * DAY)
    trim(databases[0], NOW - 8 * DAY)
    write_some(databases, NOW)
    assert checked(databases[0]).faults == []


def tend(database: Database, keep: Keep) -> Tended:
    return asyncio.run(SqlStore(database).tend_trail(keep, NOW))


def make_room(database: Database, at: float) -> None:
    asyncio.run(SqlStore(database).make_room(at))


def test_what_the_settings_let_go_goes_by_itself(databases: list[Database]) -> None:
    write_some(databases, NOW - 9 * DAY)
    old = checked(databases[0]).events
    make_room(databases[0], NOW - 9 * DAY)
    write_some(databases, NOW)
    assert tend(databases[0], Keep()).removed == 0
    tended = tend(databases[1], Keep(since=NOW - 7 * DAY))
    assert (tended.removed, tended.by_bytes, tended.waits) == (old, False, False)
    assert checked(databases[0]).faults == []


def test_events_beyond_the_limit_in_bytes_go_the_oldest_first(databases: list[Database]) -> None:
    for day in (9, 0):
        write_some(databases, NOW - day * DAY)
        make_room(databases[0], NOW - day * DAY)
    before, total = tend(databases[0], Keep()), checked(databases[0]).events
    assert before.bytes > 0
    tended = tend(databases[0], Keep(since=NOW - 99 * DAY, most_bytes=before.bytes // 2))
    assert tended.by_bytes
    assert 0 < tended.removed < total
    assert tended.bytes < before.bytes
    report = checked(databases[1])
    assert (report.faults, report.events) == ([], total - tended.removed)
    assert tend(databases[1], Keep(most_bytes=before.bytes)).removed == 0


def test_what_was_written_yesterday_or_today_stays_however_many_bytes_it_takes(
    databases: list[Database],
) -> None:
    write_some(databases, NOW - DAY)
    make_room(databases[0], NOW)
    tended = tend(databases[0], Keep(most_bytes=1))
    assert (tended.removed, tended.by_bytes) == (0, False)
    assert tended.bytes > 1
