"""Units of work: what is written is read back as it was, atomically, with conflicts in words."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from mintmark.authorization_server.ports import AuditQuery, Conflict, Store, Transaction
from mintmark.storage.changes import split_subject, subjects_of
from mintmark.storage.rows import KEYS
from mintmark.storage.store import SqlStore
from mintmark.storage.transaction import SqlTransaction
from mintmark.values.client import Client
from mintmark.values.credential import ApiToken, MachineUser, SecretVersion
from mintmark.values.person import Person
from mintmark.values.tenancy import Api, Environment, HostAlias, SigningKey, Tenant
from tests.storage.samples import (
    CLIENT,
    ENVIRONMENT,
    HOME,
    NOW,
    PERSON,
    RECORDS,
    SECRET,
    TENANT,
    USER,
    event,
    fill,
)


def key_of(record: Any) -> list[str]:
    return [getattr(record, name) for name in KEYS[type(record)]]


def write(store: SqlStore, work: Any) -> Any:
    return asyncio.run(store.write(work))


def read(store: SqlStore, work: Any) -> Any:
    return asyncio.run(store.read(work))


def test_the_store_is_the_port(store: SqlStore) -> None:
    port: Store = store
    assert port is store


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_is_read_back_as_it_was_written(store: SqlStore, record: Any) -> None:
    write(store, fill)
    assert read(store, lambda transaction: transaction.get(type(record), *key_of(record))) == record


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_is_not_added_twice(store: SqlStore, record: Any) -> None:
    write(store, fill)
    with pytest.raises(Conflict, match="exists already"):
        write(store, lambda transaction: transaction.add(record, now=NOW))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_only_a_record_that_exists_is_replaced(store: SqlStore, record: Any) -> None:
    with pytest.raises(KeyError, match="There is no"):
        write(store, lambda transaction: transaction.put(record, now=NOW))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_removed_record_is_gone_and_removing_it_again_does_no_harm(store: SqlStore, record: Any) -> None:
    write(store, fill)
    for _ in range(2):
        write(store, lambda transaction: transaction.remove(record, now=NOW))
    assert read(store, lambda transaction: transaction.get(type(record), *key_of(record))) is None


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_every_write_moves_the_position_if_anybody_caches_the_record(store: SqlStore, record: Any) -> None:
    before = write(store, fill)
    for change in ("put", "remove"):
        write(store, lambda transaction, change=change: getattr(transaction, change)(record, now=NOW))
        after = read(store, lambda transaction: transaction.position())
        assert (after > before) is bool(subjects_of(record))
        before = after


def test_a_replaced_record_has_its_new_values(store: SqlStore) -> None:
    write(store, fill)
    changed = replace(CLIENT, enabled=False, allowed={}, daily_token_limit=None)
    write(store, lambda transaction: transaction.put(changed, now=NOW))
    assert read(store, lambda transaction: transaction.get(Client, HOME, "abc")) == changed


def test_records_are_found_by_their_fields_in_the_order_of_their_keys(store: SqlStore) -> None:
    def work(transaction: Transaction) -> list[str]:
        fill(transaction)
        for client_id in ("zz", "b", "a"):
            transaction.add(replace(CLIENT, client_id=client_id), now=NOW)
        return [client.client_id for client in transaction.find(Client, environment=HOME)]

    assert write(store, work) == ["a", "abc", "b", "zz"]
    assert read(store, lambda transaction: transaction.find(Client, environment="acme/staging")) == []
    assert read(store, lambda transaction: transaction.find(Tenant)) == [TENANT]


def test_an_incomplete_key_is_an_error_of_the_caller(store: SqlStore) -> None:
    with pytest.raises(TypeError, match="has the key"):
        read(store, lambda transaction: transaction.get(Client, HOME))


def test_an_exception_rolls_everything_back_and_comes_out_as_it_is(store: SqlStore) -> None:
    def work(transaction: Transaction) -> None:
        fill(transaction)
        transaction.audit(event(outcome="done"))
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        write(store, work)
    assert read(store, lambda transaction: (transaction.find(Tenant), transaction.position())) == ([], 0)


@pytest.mark.parametrize("method", ["add", "put", "remove"])
def test_a_reading_unit_of_work_cannot_write(store: SqlStore, method: str) -> None:
    with pytest.raises(RuntimeError, match="only reads"):
        read(store, lambda transaction: getattr(transaction, method)(PERSON, now=NOW))
    with pytest.raises(RuntimeError, match="only reads"):
        read(store, lambda transaction: transaction.audit(event()))


@pytest.mark.parametrize("record", RECORDS[1:-2], ids=lambda record: type(record).__name__)
def test_nothing_is_added_below_a_parent_that_does_not_exist(store: SqlStore, record: Any) -> None:
    with pytest.raises(KeyError, match="does not exist"):
        write(store, lambda transaction: transaction.add(record, now=NOW))


@pytest.mark.parametrize("text", ["a\0b", "a\ud800"])
def test_text_that_no_database_can_hold_is_refused_and_never_found(store: SqlStore, text: str) -> None:
    write(store, fill)
    for method in ("add", "put"):
        with pytest.raises(ValueError, match="client_name holds a character that cannot be stored"):
            write(
                store, lambda t, method=method: getattr(t, method)(replace(CLIENT, client_name=text), now=NOW)
            )
    assert read(store, lambda transaction: transaction.get(Client, HOME, text)) is None
    assert read(store, lambda transaction: transaction.find(Client, client_name=text)) == []
    assert asyncio.run(store.events(AuditQuery(client_id=text))) == []


def test_an_issuer_belongs_to_one_environment(store: SqlStore) -> None:
    write(store, fill)
    other = Environment("acme", "staging", ENVIRONMENT.issuer)
    with pytest.raises(Conflict, match=r"issuer .* belongs to the environment 'acme/production'"):
        write(store, lambda transaction: transaction.add(other, now=NOW))


def test_a_host_leads_to_one_environment(store: SqlStore) -> None:
    write(store, fill)
    other = Environment(
        "acme", "staging", "https://other.example", hosts=(HostAlias("api.acme.example", "auth"),)
    )
    with pytest.raises(
        Conflict, match=r"host 'api\.acme\.example' belongs to the environment 'acme/production'"
    ):
        write(store, lambda transaction: transaction.add(other, now=NOW))
    twice = replace(other, hosts=(HostAlias("x", "api"), HostAlias("x", "auth")))
    with pytest.raises(Conflict, match="names a host twice"):
        write(store, lambda transaction: transaction.add(twice, now=NOW))


def test_a_host_given_up_is_free_for_another_environment(store: SqlStore) -> None:
    write(store, fill)
    other = Environment("acme", "staging", "https://other.example", hosts=ENVIRONMENT.hosts)
    write(store, lambda transaction: transaction.put(replace(ENVIRONMENT, hosts=()), now=NOW))
    write(store, lambda transaction: transaction.add(other, now=NOW))
    with pytest.raises(Conflict, match="belongs to the environment 'acme/staging'"):
        write(store, lambda transaction: transaction.put(ENVIRONMENT, now=NOW))


def test_a_user_name_is_taken_once_per_environment(store: SqlStore) -> None:
    write(store, fill)
    with pytest.raises(Conflict, match="user name 'robot@acme' is taken"):
        write(store, lambda transaction: transaction.add(replace(USER, id="u2"), now=NOW))
    write(store, lambda transaction: transaction.add(replace(USER, id="u2", username="other"), now=NOW))
    with pytest.raises(Conflict, match="user name 'robot@acme' is taken"):
        write(store, lambda transaction: transaction.put(replace(USER, id="u2"), now=NOW))


def test_a_refused_conflict_leaves_the_rest_of_the_unit_of_work_alone(store: SqlStore) -> None:
    def work(transaction: Transaction) -> None:
        transaction.add(TENANT, now=NOW)
        with pytest.raises(Conflict):
            transaction.add(TENANT, now=NOW)
        transaction.add(PERSON, now=NOW)

    write(store, work)
    assert read(store, lambda transaction: transaction.get(Person, "ada@acme")) == PERSON


def test_when_two_nodes_race_the_second_one_conflicts(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the other one's record appears between the look and the insert."""
    write(store, fill)
    monkeypatch.setattr(SqlTransaction, "_present", lambda self, record: None)
    with pytest.raises(Conflict, match="exists already"):
        write(store, lambda transaction: transaction.add(CLIENT, now=NOW))


def test_a_clients_secrets_and_opaque_tokens_go_with_it(store: SqlStore) -> None:
    position = write(store, fill)

    def work(transaction: Transaction) -> tuple[Any, ...]:
        transaction.remove(CLIENT, now=NOW)
        return (
            transaction.find(SecretVersion),
            transaction.find(ApiToken),
            transaction.changes_since(position),
        )

    secrets, tokens, changes = write(store, work)
    assert (secrets, tokens) == ([], [])
    assert {subject for _, subject in changes} == {
        f"client:{HOME}/abc",
        f"api_token:{HOME}/t00001",
        f"revocations:{HOME}",
    }


def test_a_machine_users_tokens_go_with_it(store: SqlStore) -> None:
    write(store, fill)
    write(store, lambda transaction: transaction.remove(USER, now=NOW))
    assert read(store, lambda transaction: transaction.find(ApiToken)) == []


def test_a_tenants_everything_goes_with_it_and_all_who_cache_it_hear(store: SqlStore) -> None:
    position = write(store, fill)

    def work(transaction: Transaction) -> tuple[Any, ...]:
        transaction.remove(TENANT, now=NOW)
        left = [
            transaction.find(kind)
            for kind in (Environment, Api, Client, SecretVersion, MachineUser, SigningKey)
        ]
        return left, transaction.changes_since(position)

    left, changes = write(store, work)
    assert left == [[]] * 6
    assert {subject for _, subject in changes} == {"tenant:acme", f"environment:{HOME}"}


def test_an_administrators_audit_event_is_written_with_the_change(store: SqlStore) -> None:
    def work(transaction: Transaction) -> None:
        transaction.add(PERSON, now=NOW)
        transaction.audit(event(kind="admin.operator.create", outcome="done", actor="cli"))

    write(store, work)
    ((_, found),) = asyncio.run(store.events(AuditQuery(kind="admin.operator.create")))
    assert found.actor == "cli"


def test_listeners_hear_of_a_change_before_the_write_returns(store: SqlStore) -> None:
    heard: list[str] = []

    async def listener() -> None:
        heard.append("changed")

    store.listen(listener)
    write(store, lambda transaction: transaction.add(PERSON, now=NOW))
    assert heard == []
    write(store, lambda transaction: transaction.add(TENANT, now=NOW))
    assert heard == ["changed"]


def test_several_subjects_and_ids_with_slashes_keep_apart() -> None:
    assert split_subject("client:acme/production/a/b:c") == ("client", "acme/production", "a/b:c")
    assert split_subject("environment:acme/production") == ("environment", "acme/production", "")
    assert subjects_of(SECRET) == subjects_of(CLIENT)
    assert subjects_of(PERSON) == ()


def test_many_records_are_added_at_once_or_none(store: SqlStore) -> None:
    write(store, fill)
    before = asyncio.run(store.read(lambda tx: tx.position()))
    new = [replace(CLIENT, client_id=f"n{number}") for number in range(1200)]
    write(store, lambda tx: tx.add_many(new, now=NOW))
    write(store, lambda tx: tx.add_many([], now=NOW))
    found = asyncio.run(store.read(lambda tx: tx.find(Client, environment=HOME)))
    assert {client.client_id for client in found} == {CLIENT.client_id, *(each.client_id for each in new)}
    assert asyncio.run(store.read(lambda tx: tx.position())) == before + len(new)
    for taken in (CLIENT, new[7]):
        with pytest.raises(Conflict):
            write(
                store, lambda tx, taken=taken: tx.add_many([replace(CLIENT, client_id="m"), taken], now=NOW)
            )
    with pytest.raises(KeyError):
        write(store, lambda tx: tx.add_many([replace(CLIENT, environment="no/where")], now=NOW))
    with pytest.raises(TypeError):
        write(store, lambda tx: tx.add_many([ENVIRONMENT], now=NOW))
    assert len(asyncio.run(store.read(lambda tx: tx.find(Client, environment=HOME)))) == len(new) + 1


def test_client_ids_are_looked_up_many_at_once(store: SqlStore) -> None:
    ids = ["a%20b", "a+b", "plain", "100%", "back\\slash", "under_score"]
    write(store, fill)
    write(store, lambda tx: tx.add_many([replace(CLIENT, client_id=each) for each in ids], now=NOW))

    def look(tx: Transaction) -> tuple[set[str], list[str]]:
        many = [f"no{number}" for number in range(1500)]
        return tx.client_ids(HOME, [*many, "plain", "a+b", "\0", "\ud800"]), tx.encoded_client_ids(HOME)

    present, encoded = asyncio.run(store.read(look))
    assert present == {"plain", "a+b"}
    assert sorted(encoded) == ["100%", "a%20b", "a+b"]
    assert asyncio.run(store.read(lambda tx: tx.client_ids("acme/staging", ids))) == set()
