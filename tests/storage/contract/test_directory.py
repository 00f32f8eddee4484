"""The directory: what it answers is true at its position, whoever wrote and whatever was being read meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mintmark.authorization_server.ports import Directory, Registration, StorageUnavailable
from mintmark.storage.database import Database
from mintmark.storage.directory import CachedDirectory
from mintmark.storage.store import SqlStore
from mintmark.values.tenancy import Environment, Mount
from tests.storage.samples import (
    API,
    API_TOKEN,
    CLIENT,
    ENVIRONMENT,
    HOME,
    LEGACY_TOKEN,
    NOW,
    SECRET,
    SIGNATURE_KEY,
    SIGNING_KEY,
    TENANT,
    USER,
    directory_of,
    fill,
)

Open = Callable[[], Database]


class Counting(SqlStore):
    """A store that counts reads, and can hold the next one up after its snapshot was taken."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.reads = 0
        self.taken: asyncio.Event | None = None
        self.go_on: asyncio.Event | None = None
        self.broken = False

    async def read(self, work: Any) -> Any:
        self.reads += 1
        if self.broken:
            raise StorageUnavailable("away")
        found = await super().read(work)
        if self.taken is not None and self.go_on is not None:
            taken, go_on, self.taken, self.go_on = self.taken, self.go_on, None, None
            taken.set()
            await go_on.wait()
        return found


def with_directory(
    database: Database, story: Callable[[Counting, CachedDirectory], Any], **options: Any
) -> None:
    async def run() -> None:
        store = Counting(database)
        await store.write(fill)
        directory = directory_of(store, **options)
        await directory.start()
        await story(store, directory)

    asyncio.run(run())


async def everything(directory: Directory) -> tuple[Any, ...]:
    return (
        await directory.registration(HOME, "abc"),
        await directory.machine_user(HOME, "robot@acme"),
        await directory.machine_user_by_id(HOME, "u1"),
        await directory.signature_keys(HOME),
        await directory.api_token(HOME, "t00001"),
        await directory.legacy_token(HOME, "legacy/1"),
    )


ALL = (Registration(CLIENT, (SECRET,)), USER, USER, (SIGNATURE_KEY,), API_TOKEN, LEGACY_TOKEN)


def test_an_environment_is_in_memory_with_all_that_belongs_to_it(database: Database) -> None:
    async def story(store: Counting, directory: CachedDirectory) -> None:
        view = directory.environment(HOME)
        assert view is not None
        assert (view.tenant, view.environment, view.apis) == (TENANT, ENVIRONMENT, {API.audience: API})
        assert view.mounts["/oauth/token"] == (ENVIRONMENT.mounts[0], "RFC 6749")
        assert view.keyring == ["kid1"]
        assert directory.environments() == {HOME: view}
        assert directory.environment("acme/staging") is None
        assert directory.position == await store.read(lambda t: t.position())

    with_directory(database, story)


def test_what_is_read_once_is_not_read_again(database: Database) -> None:
    async def story(store: Counting, directory: CachedDirectory) -> None:
        assert await everything(directory) == ALL
        reads = store.reads
        assert await everything(directory) == ALL
        assert store.reads == reads

    with_directory(database, story)


def test_what_does_not_exist_is_none_and_is_found_once_it_exists(database: Database) -> None:
    async def story(store: Counting, directory: CachedDirectory) -> None:
        assert await directory.registration(HOME, "nobody") is None
        assert await directory.registration("acme/nowhere", "abc") is None
        assert await directory.machine_user(HOME, "nobody") is None
        assert await directory.machine_user_by_id(HOME, "nobody") is None
        assert await directory.api_token(HOME, "nobody") is None
        assert await directory.legacy_token(HOME, "nobody") is None
        assert await directory.signature_keys("acme/nowhere") == ()
        await store.write(lambda t: t.add(replace(CLIENT, client_id="nobody"), now=NOW))
        assert await directory.registration(HOME, "nobody") is not None

    with_directory(database, story)


def test_a_change_of_this_process_is_seen_when_the_write_returns(database: Database) -> None:
    async def story(store: Counting, directory: CachedDirectory) -> None:
        await everything(directory)
        generation = directory.generation
        for record in (USER, API_TOKEN, LEGACY_TOKEN, SIGNATURE_KEY, CLIENT):
            await store.write(lambda t, record=record: t.remove(record, now=NOW))
        assert await everything(directory) == (None, None, None, (), None, None)
        assert directory.generation > generation
        assert directory.position == await store.read(lambda t: t.position())

    with_directory(database, story)


def test_a_new_secret_is_seen_newest_last(database: Database) -> None:
    async def story(store: Counting, directory: CachedDirectory) -> None:
        await everything(directory)
        older, newer = replace(SECRET, id="a", created_at=0), replace(SECRET, id="0", created_at=9)
        await store.write(lambda t: [t.add(secret, now=NOW) for secret in (newer, older)])
        assert await directory.registration(HOME, "abc") == Registration(CLIENT, (older, SECRET, newer))

    with_directory(database, story)


def test_a_change_of_another_process_is_seen_after_refresh(open_database: Open) -> None:
    other = SqlStore(open_database())

    async def story(store: Counting, directory: CachedDirectory) -> None:
        await everything(directory)
        changed = replace(CLIENT, enabled=False)
        await other.write(lambda t: t.put(changed, now=NOW))
        position = directory.position
        assert await directory.registration(HOME, "abc") == ALL[0]
        await directory.refresh()
        assert directory.position > position
        assert await directory.registration(HOME, "abc") == Registration(changed, (SECRET,))

    with_directory(open_database(), story)


def test_following_needs_nobody_to_ask(open_database: Open) -> None:
    other = SqlStore(open_database())

    async def story(store: Counting, directory: CachedDirectory) -> None:
        following = asyncio.ensure_future(directory.follow(0.005))
        store.broken = True
        await asyncio.sleep(0.02)
        store.broken = False
        await other.write(lambda t: t.put(replace(TENANT, enabled=False), now=NOW))
        while directory.environments()[HOME].tenant.enabled:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.005)
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following

    with_directory(open_database(), story)


def test_who_cannot_follow_says_so_and_who_settles_knows_all_that_was_before(
    open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = SqlStore(open_database())
    monkeypatch.setattr("mintmark.storage.following.LONGEST_LAG", 0.05)

    async def story(store: Counting, directory: CachedDirectory) -> None:
        following = asyncio.ensure_future(directory.follow(0.005))
        store.broken = True
        while directory.current:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.005)
        await other.write(lambda t: t.put(replace(TENANT, enabled=False), now=NOW))
        assert not await directory.following.settle(30)
        assert directory.environments()[HOME].tenant.enabled
        store.broken = False
        assert await directory.following.settle(30)
        assert not directory.environments()[HOME].tenant.enabled
        monkeypatch.setattr("mintmark.storage.following.LONGEST_LAG", 30)
        assert directory.current
        hangs, go_on = asyncio.Event(), asyncio.Event()
        store.taken, store.go_on = hangs, go_on
        await hangs.wait()
        assert not await directory.following.settle(0.01)
        before = len(asyncio.all_tasks())
        assert not any([await directory.settle(0) for _ in range(50)])
        assert len(asyncio.all_tasks()) <= before + 2
        go_on.set()
        assert await directory.following.settle(30)
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following

    with_directory(open_database(), story)


@pytest.mark.parametrize(
    ("record", "change"),
    [(replace(API, enabled=False), "put"), (SIGNING_KEY, "remove"), (replace(TENANT, name="ACME"), "put")],
    ids=["api", "signing key", "tenant"],
)
def test_an_environment_is_replaced_as_a_whole(database: Database, record: Any, change: str) -> None:
    async def story(store: Counting, directory: CachedDirectory) -> None:
        before = directory.environment(HOME)
        await store.write(lambda t: getattr(t, change)(record, now=NOW))
        after = directory.environment(HOME)
        assert after is not None
        assert after != before
        assert before is not None
        assert before.tenant == TENANT

    with_directory(database, story)


@pytest.mark.parametrize("record", [ENVIRONMENT, TENANT], ids=["environment", "tenant"])
def test_a_removed_environment_leaves_nothing_behind(database: Database, record: Any) -> None:
    async def story(store: Counting, directory: CachedDirectory) -> None:
        await everything(directory)
        await store.write(lambda t: t.remove(record, now=NOW))
        assert directory.environments() == {}
        assert await everything(directory) == (None, None, None, (), None, None)

    with_directory(database, story)


def test_a_mount_with_a_dialect_that_is_gone_does_not_take_the_others_with_it(database: Database) -> None:
    async def story(store: Counting, directory: CachedDirectory) -> None:
        mounts = (*ENVIRONMENT.mounts, Mount("/old", "forgotten"))
        await store.write(lambda t: t.put(replace(ENVIRONMENT, mounts=mounts), now=NOW))
        view = directory.environment(HOME)
        assert view is not None
        assert set(view.mounts) == {"/oauth/token", "/login"}

    with_directory(database, story)


def test_a_new_environment_is_there(database: Database) -> None:
    async def story(store: Counting, directory: CachedDirectory) -> None:
        await store.write(lambda t: t.add(Environment("acme", "staging", "https://s.example"), now=NOW))
        assert set(directory.environments()) == {HOME, "acme/staging"}

    with_directory(database, story)


def test_what_was_read_before_a_change_is_never_kept_after_it(open_database: Open) -> None:
    other = SqlStore(open_database())

    async def story(store: Counting, directory: CachedDirectory) -> None:
        store.taken, store.go_on = taken, go_on = asyncio.Event(), asyncio.Event()
        early = asyncio.ensure_future(directory.registration(HOME, "abc"))
        await taken.wait()
        await other.write(lambda t: t.remove(SECRET, now=NOW))
        await directory.refresh()
        late = asyncio.ensure_future(directory.registration(HOME, "abc"))
        await asyncio.sleep(0)
        go_on.set()
        assert await early == ALL[0]
        assert await late == Registration(CLIENT, ())
        assert await directory.registration(HOME, "abc") == Registration(CLIENT, ())

    with_directory(open_database(), story)


def test_who_asks_while_a_client_is_being_read_hears_what_was_committed_before_he_asked(
    open_database: Open,
) -> None:
    """A secret that another node has acknowledged is refused by none that was just reading its client."""
    other = SqlStore(open_database())
    newer = replace(SECRET, id="v00002", created_at=SECRET.created_at + 1)

    async def story(store: Counting, directory: CachedDirectory) -> None:
        store.taken, store.go_on = taken, go_on = asyncio.Event(), asyncio.Event()
        early = asyncio.ensure_future(directory.registration(HOME, "abc"))
        await taken.wait()
        await other.write(lambda t: t.add(newer, now=NOW))
        late = asyncio.ensure_future(directory.registration(HOME, "abc"))  # this node has not heard of it
        await asyncio.sleep(0)
        go_on.set()
        assert await early == ALL[0]
        assert await late == Registration(CLIENT, (SECRET, newer))

    with_directory(open_database(), story)


def test_many_who_ask_for_the_same_client_cause_one_read(database: Database) -> None:
    async def story(store: Counting, directory: CachedDirectory) -> None:
        reads = store.reads
        asking = [asyncio.ensure_future(directory.registration(HOME, "abc")) for _ in range(20)]
        await asyncio.sleep(0)
        asking[0].cancel()
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert found[1:] == [ALL[0]] * 19
        assert store.reads == reads + 1

    with_directory(database, story)


def test_many_clients_that_are_asked_for_at_once_are_read_together(database: Database) -> None:
    names = [f"c{n:02}" for n in range(30)]

    async def story(store: Counting, directory: CachedDirectory) -> None:
        def many(transaction: Any) -> None:
            for name in names:
                transaction.add(replace(CLIENT, client_id=name), now=NOW)
                transaction.add(replace(SECRET, client_id=name), now=NOW)

        await store.write(many)
        reads = store.reads
        asking = [*names, "nobody", "no\x00body", "abc"]
        found = await asyncio.gather(*(directory.registration(HOME, name) for name in asking))
        assert store.reads == reads + 1
        assert [None if each is None else each.client.client_id for each in found] == [
            *names,
            None,
            None,
            "abc",
        ]
        assert [each.secrets for each in found if each] == [
            (replace(SECRET, client_id=name),) for name in (*names, "abc")
        ]

    with_directory(database, story)


def test_many_who_refresh_share_the_turns(database: Database) -> None:
    async def story(store: Counting, directory: CachedDirectory) -> None:
        reads = store.reads
        await asyncio.gather(*(directory.refresh() for _ in range(20)))
        assert store.reads <= reads + 2

    with_directory(database, story)


def test_a_renamed_user_is_found_by_the_new_name_only(database: Database) -> None:
    async def story(store: Counting, directory: CachedDirectory) -> None:
        await everything(directory)
        renamed, heir = replace(USER, username="robot2"), replace(USER, id="u2")
        await store.write(lambda t: t.put(renamed, now=NOW))
        assert await directory.machine_user(HOME, "robot@acme") is None
        assert await directory.machine_user(HOME, "robot2") == renamed
        await store.write(lambda t: t.add(heir, now=NOW))
        assert await directory.machine_user(HOME, "robot@acme") == heir

    with_directory(database, story)


def test_a_database_that_is_away_is_said_so_and_what_is_cached_stays(database: Database) -> None:
    async def story(store: Counting, directory: CachedDirectory) -> None:
        await directory.registration(HOME, "abc")
        store.broken = True
        assert await directory.registration(HOME, "abc") == ALL[0]
        with pytest.raises(StorageUnavailable):
            await directory.registration(HOME, "other")
        with pytest.raises(StorageUnavailable):
            await directory.refresh()
        await store.write(lambda t: t.remove(CLIENT, now=NOW))
        store.broken = False
        await directory.refresh()
        assert await directory.registration(HOME, "abc") is None

    with_directory(database, story)


@pytest.mark.parametrize("capacity", [1000, 150])
def test_clients_are_read_ahead_up_to_the_capacity(database: Database, capacity: int) -> None:
    async def story(store: Counting, directory: CachedDirectory) -> None:
        def many(transaction: Any) -> None:
            transaction.add(Environment("acme", "staging", "https://s.example"), now=NOW)
            for environment in (HOME, "acme/staging"):
                for n in range(120):
                    client = replace(CLIENT, environment=environment, client_id=f"c{n:03}")
                    transaction.add(client, now=NOW)
                    for secret_id in ("b", "a"):
                        secret = replace(
                            SECRET, environment=environment, client_id=client.client_id, id=secret_id
                        )
                        transaction.add(secret, now=NOW)

        await store.write(many)
        await directory.warm()
        reads = store.reads
        found = await directory.registration("acme/production", "c007")
        assert found is not None
        assert [secret.id for secret in found.secrets] == ["a", "b"]
        assert await directory.registration(HOME, "abc") == ALL[0]
        assert store.reads == reads
        await directory.registration("acme/staging", "c119")
        assert store.reads == reads + (capacity == 150)

    with_directory(database, story, capacity=capacity)


def test_reading_ahead_keeps_nothing_that_has_changed_meanwhile(open_database: Open) -> None:
    other = SqlStore(open_database())

    async def story(store: Counting, directory: CachedDirectory) -> None:
        store.taken, store.go_on = taken, go_on = asyncio.Event(), asyncio.Event()
        warming = asyncio.ensure_future(directory.warm())
        await taken.wait()
        await other.write(lambda t: t.remove(SECRET, now=NOW))
        await directory.refresh()
        go_on.set()
        await warming
        assert await directory.registration(HOME, "abc") == Registration(CLIENT, ())
        store.broken = True
        await directory.warm()

    with_directory(open_database(), story)


def test_the_cache_is_bounded(database: Database) -> None:
    async def story(store: Counting, directory: CachedDirectory) -> None:
        def many(transaction: Any) -> None:
            for n in range(30):
                transaction.add(replace(CLIENT, client_id=f"c{n:02}"), now=NOW)

        await store.write(many)
        for n in range(30):
            await directory.registration(HOME, f"c{n:02}")
        reads = store.reads
        for n in range(25, 30):
            await directory.registration(HOME, f"c{n:02}")
        assert store.reads == reads
        await directory.registration(HOME, "c00")
        assert store.reads == reads + 1

    with_directory(database, story, capacity=5)
