"""The revocations of an environment: written with the change that revokes, numbered, chained, bounded, followed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from mintmark.authorization_server.ports import AuditQuery, Issuance, Transaction
from mintmark.jose.keyring import Keyring
from mintmark.storage.directory import CachedDirectory
from mintmark.storage.ledger import SqlLedger
from mintmark.storage.revocations import MARGIN
from mintmark.storage.store import SqlStore
from mintmark.storage.transaction import SqlTransaction
from mintmark.values.audit_event import AuditEvent
from mintmark.values.client import Client
from mintmark.values.credential import MachineUser, SecretVersion
from mintmark.values.revocation import LONGEST_TOKEN_LIFETIME, Revocation, RevocationEntry, first_digest
from mintmark.values.tenancy import Api, Environment, Tenant

NOW = 1_800_000_000
HOME, AWAY = "acme/production", "acme/staging"
ISSUERS = {place: f"https://auth.example/t/{place}" for place in (HOME, AWAY)}
CLIENT = Client(HOME, "abc", "Reports")
SECRET = SecretVersion(HOME, "abc", "v00001", "hmac", "digest")


def fill(transaction: Transaction) -> None:
    transaction.add(Tenant("acme", "Acme"), now=NOW)
    for place, issuer in ISSUERS.items():
        transaction.add(Environment("acme", place.partition("/")[2], issuer), now=NOW)
    transaction.add(Api(HOME, "https://api.example", "Things"), now=NOW)
    transaction.add(CLIENT, now=NOW)
    transaction.add(SECRET, now=NOW)
    transaction.add(MachineUser(HOME, "u-1", "bot", "argon2id", "digest"), now=NOW)


def entries(store: SqlStore, place: str = HOME) -> list[RevocationEntry]:
    def work(transaction: Transaction) -> list[RevocationEntry]:
        assert isinstance(transaction, SqlTransaction)
        return transaction.revocations_after(place, 0)

    return asyncio.run(store.read(work))


def write(store: SqlStore, work) -> None:  # type: ignore[no-untyped-def]
    asyncio.run(store.write(work))


def unbroken(found: list[RevocationEntry], place: str = HOME) -> bool:
    head = first_digest(ISSUERS[place])
    for number, entry in enumerate(found, 1):
        if (entry.seq, entry.prev) != (number, head):
            return False
        head = entry.digest(ISSUERS[place])
    return True


def test_each_change_that_revokes_is_the_next_entry(store: SqlStore) -> None:
    write(store, fill)
    write(store, lambda t: t.put(replace(SECRET, revoked_at=NOW), now=NOW))
    write(store, lambda t: t.put(replace(CLIENT, enabled=False), now=NOW + 1))
    write(store, lambda t: t.put(CLIENT, now=NOW + 2))
    write(store, lambda t: t.remove(CLIENT, now=NOW + 3))
    found = entries(store)
    assert [(entry.kind, entry.id, entry.issued_before) for entry in found] == [
        ("credential", "v00001", NOW),
        ("client", "abc", NOW + 1),
        ("client", "abc", NOW + 3),
    ]
    assert unbroken(found)
    assert {entry.until - entry.issued_before for entry in found} == {LONGEST_TOKEN_LIFETIME}


def test_what_is_rolled_back_was_never_published(store: SqlStore) -> None:
    write(store, fill)

    def work(transaction: Transaction) -> None:
        transaction.remove(CLIENT, now=NOW)
        raise LookupError

    with pytest.raises(LookupError):
        write(store, work)
    assert entries(store) == []


def test_a_disabled_tenant_is_published_in_each_of_its_environments(store: SqlStore) -> None:
    write(store, fill)
    write(store, lambda t: t.put(Tenant("acme", "Acme", enabled=False), now=NOW))
    for place in (HOME, AWAY):
        found = entries(store, place)
        assert [(entry.kind, entry.id) for entry in found] == [("tenant", "acme")]
        assert unbroken(found, place)


def test_an_environment_that_is_deleted_takes_its_entries_along(store: SqlStore) -> None:
    write(store, fill)
    write(store, lambda t: t.remove(CLIENT, now=NOW))
    write(store, lambda t: t.remove(Environment("acme", "production", ISSUERS[HOME]), now=NOW))
    assert entries(store) == []


def test_no_token_that_was_issued_before_slips_through_a_late_clock(database) -> None:  # type: ignore[no-untyped-def]
    """The act began at NOW and had to wait; meanwhile a token was issued by a node whose clock is ahead."""
    store = SqlStore(database)

    async def scenario() -> None:
        await store.write(fill)
        ledger = SqlLedger(database, clock=lambda: NOW)
        position = await store.read(lambda t: t.position())
        event = AuditEvent(at=NOW + 4.7, kind="token", outcome="issued", environment=HOME, client_id="abc")
        await ledger.commit(Issuance(position, (f"client:{HOME}/abc",), NOW // 86400, (), event))
        await store.write(lambda t: t.remove(CLIENT, now=NOW))
        await ledger.close()
        assert len(await store.events(AuditQuery(client_id="abc"))) == 1

    asyncio.run(scenario())
    assert [entry.issued_before for entry in entries(store)] == [NOW + 4]


def test_one_token_is_revoked_until_it_would_have_expired_and_once(store: SqlStore) -> None:
    write(store, fill)
    for later in range(3):
        write(store, lambda t, at=NOW + later: t.revoke(HOME, Revocation("token", "j-1", NOW + 600), now=at))
    assert [(entry.id, entry.until) for entry in entries(store)] == [("j-1", NOW + 600)]
    write(store, lambda t: t.revoke(HOME, Revocation("token", "over", NOW - 1), now=NOW))
    assert len(entries(store)) == 1, "a token that is over needs no entry"


def test_nothing_is_revoked_in_an_environment_that_is_not_there(store: SqlStore) -> None:
    write(store, fill)
    with pytest.raises(KeyError):
        write(store, lambda t: t.revoke("acme/nowhere", Revocation("token", "j-1"), now=NOW))


def test_what_is_over_is_forgotten_and_number_and_chain_go_on(store: SqlStore) -> None:
    write(store, fill)
    for number in range(3):
        write(store, lambda t, n=number: t.revoke(HOME, Revocation("token", f"j-{n}", NOW + 10), now=NOW))
    last = entries(store)[-1]
    after = NOW + 10 + MARGIN
    write(store, lambda t: t.revoke(HOME, Revocation("token", "next", after + 99), now=after))
    assert [entry.seq for entry in entries(store)] == [1, 2, 3, 4], "not before the margin is over"
    write(store, lambda t: t.revoke(HOME, Revocation("token", "last", after + 99), now=after + 1))
    found = entries(store)
    assert [entry.seq for entry in found] == [4, 5]
    assert found[0].prev == last.digest(ISSUERS[HOME])


def followed(store: SqlStore) -> CachedDirectory:
    return CachedDirectory(store, lambda records: Keyring(()), lambda name: pytest.fail(name))


def test_the_directory_follows_in_step_with_its_position(store: SqlStore, open_database) -> None:  # type: ignore[no-untyped-def]
    other = SqlStore(open_database())

    async def scenario() -> None:
        await store.write(fill)
        await store.write(lambda t: t.put(replace(SECRET, revoked_at=NOW), now=NOW))
        directory = followed(store)
        await directory.start()
        log = directory.revocations(HOME)
        assert log is not None
        assert log.seq == 1
        assert log.revoked({"mm_cred": "v00001", "iat": NOW})
        assert not log.revoked({"mm_cred": "v00001", "iat": NOW + 1})
        assert not log.revoked({"mm_cred": ["v00001"], "iat": "soon"})
        waiting = asyncio.ensure_future(log.wait(1, 60))
        await asyncio.sleep(0)
        await other.write(lambda t: t.remove(CLIENT, now=NOW + 5))
        await directory.refresh()
        await waiting
        assert log.seq == 2
        assert [entry.id for entry in log.after(1, 9) or ()] == ["abc"]
        assert log.head == (log.after(1, 9) or ())[0].digest(ISSUERS[HOME])
        await log.wait(1, 60)
        await other.write(
            lambda t: t.put(Environment("acme", "production", ISSUERS[HOME], enabled=False), now=NOW + 6)
        )
        await directory.refresh()
        assert directory.revocations(HOME) is log
        assert log.seq == 3
        assert log.revoked({"iat": NOW + 6})
        assert not log.revoked({"iat": NOW + 7})
        await other.write(lambda t: t.remove(Environment("acme", "production", ISSUERS[HOME]), now=NOW))
        await directory.refresh()
        assert directory.revocations(HOME) is None

    asyncio.run(scenario())


def test_who_is_too_far_behind_or_ahead_is_told_so(store: SqlStore) -> None:
    async def scenario() -> None:
        await store.write(fill)
        directory = followed(store)
        await directory.start()
        log = directory.revocations(HOME)
        assert log is not None
        assert log.after(0, 9) == ()
        assert log.after(1, 9) is None

        def revoke(transaction: Transaction, numbers: range) -> None:
            for number in numbers:
                until = NOW + (5 if number < 1000 else 5000)
                transaction.revoke(HOME, Revocation("token", f"j-{number}", until), now=NOW)

        for start in range(0, 1100, 50):
            await store.write(partial(revoke, numbers=range(start, start + 50)))
        assert len(log.entries()) == 1100
        assert [entry.seq for entry in log.after(20, 3) or ()] == [21, 22, 23]
        late = NOW + 5 + MARGIN + 1
        await store.write(lambda t: t.revoke(HOME, Revocation("token", "late", late + 9), now=late))
        await store.write(lambda t: t.put(Environment("acme", "production", ISSUERS[HOME]), now=late))
        assert len(log.entries()) == 101
        assert log.after(999, 9) is None
        assert len(log.after(1000, 999) or ()) == 101

    asyncio.run(scenario())
