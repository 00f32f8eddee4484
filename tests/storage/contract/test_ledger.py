"""The ledger: nothing is issued that was judged by something that changed, counted exactly, all or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mintmark.authorization_server.ports import (
    Allowance,
    AuditQuery,
    Committed,
    Issuance,
    Ledger,
    OverQuota,
    Stale,
    StorageUnavailable,
)
from mintmark.storage.batch import Batch
from mintmark.storage.database import Database
from mintmark.storage.ledger import SqlLedger
from mintmark.storage.refusals import Refusals
from mintmark.storage.store import SqlStore
from mintmark.values.audit_event import AuditEvent
from mintmark.values.credential import ApiToken
from tests.storage.samples import (
    API,
    API_TOKEN,
    CLIENT,
    DAY,
    ENVIRONMENT,
    HOME,
    NOW,
    SECRET,
    SIGNATURE_KEY,
    SIGNING_KEY,
    TENANT,
    USER,
    A,
    event,
    fill,
    issuance,
)

EVERYTHING = AuditQuery(limit=10_000)


def with_ledger(database: Database, story: Callable[[SqlStore, SqlLedger, int], Any], **options: Any) -> Any:
    """Run `story(store, ledger, position)` on the filled database."""

    async def run() -> Any:
        store = SqlStore(database)
        ledger = SqlLedger(database, lambda: NOW, **options)
        try:
            return await story(store, ledger, await store.write(fill))
        finally:
            await ledger.close()

    return asyncio.run(run())


def events(store: SqlStore, **filters: Any) -> Any:
    return store.events(replace(EVERYTHING, **filters))


def test_a_committed_token_is_counted_and_audited(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        allowances = (Allowance(A, 5), Allowance("tenant:acme", None))
        token = issuance(position, *allowances, event=event(credential_id="v00001", jti="j", peer="::1"))
        assert await ledger.commit(token) == Committed((1, 0))
        assert await ledger.commit(token) == Committed((2, 0))
        assert [found for _, found in await events(store)] == [token.event, token.event]
        used = await store.read(lambda t: (t.used(A, DAY), t.used("tenant:acme", DAY), t.used(A, 1)))
        assert used == (2, 2, 0)
        await ledger.flush()  # type: ignore[attr-defined]
        assert await store.read(lambda t: t.last_use(HOME, "v00001")) == (NOW, "::1")
        assert await store.read(lambda t: t.last_use(HOME, "v00002")) is None

    with_ledger(database, story)


@pytest.mark.parametrize("change", ["put", "remove"])
@pytest.mark.parametrize(
    "record",
    [TENANT, ENVIRONMENT, API, SIGNING_KEY, CLIENT, SECRET, USER, SIGNATURE_KEY],
    ids=lambda record: type(record).__name__,
)
def test_a_change_between_judging_and_commit_makes_the_token_stale(
    database: Database, record: Any, change: str
) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        await store.write(lambda t: getattr(t, change)(record, now=NOW))
        assert await ledger.commit(issuance(position, Allowance(A, 1))) == Stale()
        assert await events(store) == []
        assert await store.read(lambda t: t.used(A, DAY)) == 0
        now = await store.read(lambda t: t.position())
        assert await ledger.commit(issuance(now)) == Committed(())

    with_ledger(database, story)


def test_a_change_of_somebody_else_makes_nothing_stale(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        await store.write(lambda t: t.add(replace(CLIENT, client_id="abcd"), now=NOW))
        assert await ledger.commit(issuance(position)) == Committed(())

    with_ledger(database, story)


def test_each_token_of_a_batch_is_held_to_its_own_position(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        await store.write(lambda t: t.put(CLIENT, now=NOW))
        now = await store.read(lambda t: t.position())
        outcomes = await asyncio.gather(*(ledger.commit(issuance(at)) for at in (now, position, now)))
        assert outcomes == [Committed(()), Stale(), Committed(())]

    with_ledger(database, story)


@pytest.mark.parametrize("together", [True, False])
def test_a_limit_of_n_gives_exactly_n(database: Database, together: bool) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        token = issuance(position, Allowance(A, 7))
        if together:
            outcomes = await asyncio.gather(*(ledger.commit(token) for _ in range(20)))
        else:
            outcomes = [await ledger.commit(token) for _ in range(20)]
        assert outcomes == [Committed((n,)) for n in range(1, 8)] + [OverQuota(0)] * 13
        assert await store.read(lambda t: t.used(A, DAY)) == 7
        assert len(await events(store)) == 7
        assert await ledger.commit(token._replace(day=DAY + 1)) == Committed((1,))

    with_ledger(database, story)


def test_a_second_allowance_that_is_used_up_leaves_the_first_uncounted(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        token = issuance(position, Allowance(A, 9), Allowance("tenant:acme", 2), Allowance(f"{A}2", None))
        outcomes = await asyncio.gather(*(ledger.commit(token) for _ in range(4)))
        assert outcomes == [Committed((1, 1, 0)), Committed((2, 2, 0)), OverQuota(1), OverQuota(1)]
        used = await store.read(lambda t: [t.used(subject, DAY) for subject in (A, "tenant:acme", f"{A}2")])
        assert used == [2, 2, 0]

    with_ledger(database, story)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_nothing_gives_nothing(database: Database, limit: int) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        assert await ledger.commit(issuance(position, Allowance(A, limit))) == OverQuota(0)

    with_ledger(database, story)


def test_several_servers_on_one_database_share_a_limit(open_database: Callable[[], Database]) -> None:
    async def run() -> None:
        databases = [open_database() for _ in range(3)]
        position = await SqlStore(databases[0]).write(fill)
        ledgers = [SqlLedger(database, lambda: NOW) for database in databases]
        token = issuance(position, Allowance(A, 25))
        outcomes = await asyncio.gather(*(ledger.commit(token) for _ in range(20) for ledger in ledgers))
        counts = sorted(outcome.used[0] for outcome in outcomes if isinstance(outcome, Committed))
        assert counts == list(range(1, 26))
        assert outcomes.count(OverQuota(0)) == 35
        for ledger in ledgers:
            await ledger.close()

    asyncio.run(run())


def test_a_deletion_on_one_server_stops_the_others_at_once(open_database: Callable[[], Database]) -> None:
    async def run() -> None:
        here, there = open_database(), open_database()
        position = await SqlStore(here).write(fill)
        ledger = SqlLedger(there, lambda: NOW)
        assert await ledger.commit(issuance(position)) == Committed(())
        await SqlStore(here).write(lambda t: t.remove(CLIENT, now=NOW))
        assert await ledger.commit(issuance(position)) == Stale()
        await ledger.close()

    asyncio.run(run())


def test_an_opaque_token_is_stored_with_its_event(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        token = replace(API_TOKEN, id="new001", subject="c")
        assert await ledger.commit(issuance(position, opaque=token)) == Committed(())
        assert await store.read(lambda t: t.get(ApiToken, HOME, "new001")) == token
        refused = issuance(position, Allowance("a", 0), opaque=replace(token, id="new002"))
        assert await ledger.commit(refused) == OverQuota(0)
        assert await store.read(lambda t: t.get(ApiToken, HOME, "new002")) is None

    with_ledger(database, story)


def test_an_opaque_token_whose_id_is_taken_is_to_be_made_again(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        fresh = issuance(position, Allowance(A, 9), opaque=replace(API_TOKEN, id="new001"))
        taken = issuance(position, Allowance(A, 9), opaque=API_TOKEN)
        outcomes = await asyncio.gather(
            *(ledger.commit(token) for token in (taken, fresh, fresh, issuance(position)))
        )
        assert outcomes == [Stale(), Committed((1,)), Stale(), Committed(())]
        assert await store.read(lambda t: t.used(A, DAY)) == 1

    with_ledger(database, story)


def test_an_opaque_token_that_cannot_be_stored_spoils_no_batch(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        bad = issuance(position, opaque=replace(API_TOKEN, id="new001", subject="\ud800"))
        good = ledger.commit(issuance(position))
        with pytest.raises(ValueError, match="subject"):
            await ledger.commit(bad)
        assert await good == Committed(())

    with_ledger(database, story)


def test_a_caller_that_goes_away_takes_nothing_with_it(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        tasks = [asyncio.ensure_future(ledger.commit(issuance(position, Allowance(A, 9)))) for _ in range(5)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[3].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(outcome, Committed) for outcome in outcomes) == 3
        assert await store.read(lambda t: t.used(A, DAY)) == 5
        assert len(await events(store)) == 5

    with_ledger(database, story)


def test_more_than_one_batch_can_hold_is_written_in_several(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        tokens = [issuance(position, Allowance(f"{A}{n % 7}", None)) for n in range(150)]
        outcomes = await asyncio.gather(*(ledger.commit(token) for token in tokens))
        assert all(isinstance(outcome, Committed) for outcome in outcomes)
        assert len(await events(store)) == 150

    with_ledger(database, story, largest_batch=70)


def test_callers_that_come_back_together_share_their_batches(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    write = Batch.write

    def counted(self: Batch, issuances: Any, *rest: Any) -> Any:
        batches.append(len(issuances))
        return write(self, issuances, *rest)

    monkeypatch.setattr(Batch, "write", counted)

    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        async def caller() -> None:
            for _ in range(5):
                await ledger.commit(issuance(position))

        early = asyncio.ensure_future(caller())
        await asyncio.sleep(0)
        await asyncio.gather(early, *(caller() for _ in range(11)))
        assert sum(batches) == 60
        assert len(batches) <= 12

    with_ledger(database, story)


def test_work_ahead_is_done_for_committed_tokens_only_and_before_they_are_answered(
    database: Database,
) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        done: list[str] = []

        def token(name: str, at: int, *allowances: Allowance) -> Issuance:
            return issuance(at, *allowances)._replace(ahead=lambda number: done.append(name))

        tokens = [
            token("committed", position),
            token("beyond its limit", position, Allowance(A, 0)),
            token("stale", 0),
        ]
        outcomes = await asyncio.gather(*(ledger.commit(one) for one in tokens))
        assert outcomes == [Committed(()), OverQuota(0), Stale()]
        assert done == ["committed"]

    with_ledger(database, story)


def test_work_ahead_that_fails_spoils_no_commit(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        done: list[bool] = []
        failing = issuance(position)._replace(ahead=lambda number: 1 // number)
        working = issuance(position)._replace(ahead=lambda number: done.append(True))
        assert await asyncio.gather(*map(ledger.commit, (failing, working))) == [Committed(())] * 2
        assert done == [True]

    with_ledger(database, story)


def test_a_lone_caller_waits_for_nobody(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mintmark.storage.ledger._LINGER", 3600.0)

    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        for _ in range(3):
            assert await ledger.commit(issuance(position)) == Committed(())
        # Of two who were answered together only one comes back: he is not kept waiting for the other.
        await asyncio.gather(*(ledger.commit(issuance(position)) for _ in range(2)))
        assert await ledger.commit(issuance(position)) == Committed(())

    with_ledger(database, story)


def test_the_last_use_follows_by_itself(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        await ledger.commit(issuance(position, event=event(credential_id="v", peer="p")))
        while not (found := await store.read(lambda t: t.last_use(HOME, "v"))):  # noqa: ASYNC110 - by itself
            await asyncio.sleep(0.005)
        assert found == (NOW, "p")

    with_ledger(database, story, note_delay=0.01)


def test_a_use_without_a_token_is_written_with_the_next_token(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        ledger.use(HOME, "t", NOW, "192.0.2.1")
        ledger.use(A, "t", NOW, "192.0.2.2")
        await ledger.commit(issuance(position))
        assert await store.read(lambda t: t.last_use(HOME, "t")) == (NOW, "192.0.2.1")
        assert await store.read(lambda t: t.last_use(A, "t")) == (NOW, "192.0.2.2")

    with_ledger(database, story, note_delay=3600.0)


def test_a_use_is_written_without_any_token_too(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        ledger.use(HOME, "t", NOW, "192.0.2.1")
        while not (found := await store.read(lambda t: t.last_use(HOME, "t"))):  # noqa: ASYNC110 - by itself
            await asyncio.sleep(0.005)
        assert found == (NOW, "192.0.2.1")
        assert await events(store) == []

    with_ledger(database, story, note_delay=0.01)


def test_a_token_and_a_use_of_one_credential_are_one_row(database: Database) -> None:
    async def story(store: SqlStore, ledger: SqlLedger, position: int) -> None:
        ledger.use(HOME, "v", NOW, "p")
        await ledger.commit(issuance(position, event=event(at=NOW + 1, credential_id="v", peer="q")))
        await ledger.flush()
        assert await store.read(lambda t: t.last_use(HOME, "v")) == (NOW + 1, "q")

    with_ledger(database, story, note_delay=3600.0)


def test_what_waits_is_written_when_the_ledger_closes(database: Database) -> None:
    async def story(store: SqlStore, ledger: SqlLedger, position: int) -> None:
        for n in range(600):
            ledger.use(HOME, f"t{n}", NOW, "p")
        await ledger.close()
        assert await store.read(lambda t: t.last_use(HOME, "t599")) == (NOW, "p")

    with_ledger(database, story, note_delay=3600.0)


@pytest.mark.parametrize("text", ["a\ud800b", "a\0b", "x" * 100_000, "ünï"])
def test_no_text_of_a_caller_can_spoil_a_batch(database: Database, text: str) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        ledger.note(event(outcome="refused", client_id=text))
        assert await ledger.commit(issuance(position, event=event(subject=text))) == Committed(())
        assert len(await events(store)) == 2

    with_ledger(database, story)


def test_refusals_are_written_with_the_next_token(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        ledger.note(event(outcome="refused", reason="secret_wrong"))
        await ledger.commit(issuance(position))
        assert [found.reason for _, found in await events(store, outcome="refused")] == ["secret_wrong"]

    with_ledger(database, story, note_delay=3600.0)


def test_refusals_are_written_without_any_token_too(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        ledger.note(event(outcome="refused", reason="secret_wrong"))
        while not (found := await events(store)):  # noqa: ASYNC110 - the ledger writes it by itself
            await asyncio.sleep(0.005)
        assert found[0][1].reason == "secret_wrong"

    with_ledger(database, story, note_delay=0.01)


def test_a_flood_from_one_address_becomes_one_counted_event(database: Database) -> None:
    async def story(store: SqlStore, ledger: SqlLedger, position: int) -> None:
        for n in range(1000):
            ledger.note(event(outcome="refused", client_id=f"guess{n}", peer="203.0.113.9"))
        ledger.note(event(outcome="refused", client_id="other", peer="203.0.113.10"))
        await ledger.close()
        found = [found for _, found in await events(store)]
        assert sorted(one.count for one in found) == [1] * 6 + [995]
        assert sum(one.count for one in found) == 1001

    with_ledger(database, story, note_delay=3600.0)


def test_flush_writes_what_was_counted_in_seconds_that_are_over(database: Database) -> None:
    async def story(store: SqlStore, ledger: SqlLedger, position: int) -> None:
        for at in (NOW - 1, NOW):
            for _ in range(7):
                ledger.note(event(outcome="refused", at=at, peer="p"))
        await ledger.flush()
        assert sum(found.count for _, found in await events(store)) == 7 + 5
        await ledger.close()
        assert sum(found.count for _, found in await events(store)) == 14

    with_ledger(database, story, note_delay=3600.0)


def test_a_flood_of_addresses_does_not_hold_tokens_up(database: Database) -> None:
    async def story(store: SqlStore, ledger: SqlLedger, position: int) -> None:
        for n in range(5000):
            ledger.note(event(outcome="refused", peer=f"address {n}"))
        await ledger.commit(issuance(position))
        assert len(await events(store, outcome="refused")) <= 32
        await ledger.close()
        found = [found for _, found in await events(store, outcome="refused")]
        assert sum(one.count for one in found) == 5000
        assert len(found) <= 30

    with_ledger(database, story, note_delay=3600.0, refusals=Refusals(addresses=20, alone=10, waiting=100))


def test_a_closed_ledger_takes_nothing_and_has_written_all(database: Database) -> None:
    async def story(store: SqlStore, ledger: SqlLedger, position: int) -> None:
        waiting = [asyncio.ensure_future(ledger.commit(issuance(position))) for _ in range(3)]
        await asyncio.sleep(0)
        await ledger.close()
        assert [await one for one in waiting] == [Committed(())] * 3
        with pytest.raises(StorageUnavailable, match="stopping"):
            await ledger.commit(issuance(position))

    with_ledger(database, story)


def test_every_event_of_a_token_survives_as_it_was(database: Database) -> None:
    full = AuditEvent(
        NOW + 0.25, "token", "issued", HOME, "r", "c", "v", "u", "s", "j", "a", "x y", "d", "/m", "p"
    )

    async def story(store: SqlStore, ledger: SqlLedger, position: int) -> None:
        await ledger.commit(Issuance(position, (), DAY, (), full))
        assert [found for _, found in await events(store)] == [full]

    with_ledger(database, story)


def test_a_limit_that_is_set_counts_what_the_day_has_seen(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        unlimited, limited = replace(CLIENT, daily_token_limit=None), replace(CLIENT, daily_token_limit=4)
        await store.write(lambda t: t.put(unlimited, now=NOW))
        at = await store.read(lambda t: t.position())
        for _ in range(3):
            assert await ledger.commit(issuance(at, Allowance(A, None))) == Committed((0,))
        assert await store.read(lambda t: t.used(A, DAY)) == 3
        for round_of_change in range(2):
            await store.write(lambda t: t.put(limited, now=NOW))
            at = await store.read(lambda t: t.position())
            expected = Committed((4,)) if round_of_change == 0 else OverQuota(0)
            assert await ledger.commit(issuance(at, Allowance(A, 4))) == expected
            assert await store.read(lambda t: t.used(A, DAY)) == 4
            await store.write(lambda t: t.put(unlimited, now=NOW))
        assert await store.read(lambda t: t.used(A, DAY)) == 4

    with_ledger(database, story)


def test_a_tenants_limit_counts_all_of_its_environments(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        await store.write(lambda t: t.put(replace(TENANT, daily_token_limit=None), now=NOW))
        position = await store.read(lambda t: t.position())
        for place in (HOME, "acme/staging", "acmecorp/production", "acm/e"):
            await ledger.commit(issuance(position, event=event(environment=place)))
        assert await store.read(lambda t: t.used("tenant:acme", DAY)) == 2
        await store.write(lambda t: t.put(replace(TENANT, daily_token_limit=3), now=NOW))
        at = await store.read(lambda t: t.position())
        token = issuance(at, Allowance("tenant:acme", 3))
        assert await ledger.commit(token) == Committed((3,))
        assert await ledger.commit(token) == OverQuota(0)

    with_ledger(database, story)


def test_the_day_of_a_count_ends_at_midnight(database: Database) -> None:
    async def story(store: SqlStore, ledger: Ledger, position: int) -> None:
        midnight = (DAY + 1) * 86400
        for at in (DAY * 86400 - 1, DAY * 86400, midnight - 1, midnight, midnight + 1):
            await ledger.commit(issuance(position, event=event(at=float(at))))
        assert await store.read(lambda t: [t.used(A, DAY + n) for n in (-1, 0, 1)]) == [1, 2, 2]

    with_ledger(database, story)
