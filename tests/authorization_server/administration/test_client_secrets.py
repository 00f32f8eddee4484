"""Secret versions: overlap, the number that may live, ends that only come nearer."""

from __future__ import annotations

import pytest

from mintmark.authorization_server.administration import client_secrets, clients, environments, identifiers
from mintmark.authorization_server.administration.clients import NewClient
from mintmark.values.secret import shape_of
from tests.authorization_server.administration.conftest import AUDIENCE, ENVIRONMENT, House

WEEK = 7 * 86400


def of(new: NewClient) -> dict[str, str]:
    return {"environment": ENVIRONMENT, "client_id": new.client.client_id}


def states(house: House, new: NewClient) -> dict[str, str]:
    entries = house.see(client_secrets.listing, ENVIRONMENT, new.client.client_id, house.act.now)
    return {entry.version.id: entry.state for entry in entries}


def test_a_new_secret_lets_the_old_one_live_through_the_overlap(acme: House, client: NewClient) -> None:
    old = client.version.id
    new = acme.do(client_secrets.add, **of(client)).version.id
    assert states(acme, client) == {old: "retiring", new: "active"}
    acme.later(WEEK - 1)
    assert states(acme, client)[old] == "retiring"
    acme.later(1)
    assert states(acme, client) == {old: "expired", new: "active"}


def test_the_secret_names_its_version(acme: House, client: NewClient) -> None:
    new = acme.do(client_secrets.add, **of(client), label="blue")
    shape = shape_of(new.secret.reveal())
    assert shape is not None
    assert shape.version_id == new.version.id
    event = acme.events()[-1]
    assert (event.kind, event.credential_id, event.detail) == ("admin.secret.add", new.version.id, "blue")


def test_a_version_id_is_made_anew_when_taken(
    acme: House, client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = iter([client.version.id, "other1"])
    monkeypatch.setattr(identifiers, "version_id", lambda _: next(made))
    assert acme.do(client_secrets.add, **of(client)).version.id == "other1"


@pytest.mark.parametrize(("overlap", "state"), [(0, "expired"), (1, "retiring"), (WEEK, "retiring")])
def test_the_overlap_can_be_chosen(acme: House, client: NewClient, overlap: int, state: str) -> None:
    acme.do(client_secrets.add, **of(client), overlap=overlap)
    assert states(acme, client)[client.version.id] == state


@pytest.mark.parametrize("overlap", [-1, 366 * 86400 + 1])
def test_an_overlap_has_bounds(acme: House, client: NewClient, overlap: int) -> None:
    acme.refuses("invalid", client_secrets.add, **of(client), overlap=overlap)


def test_a_second_rotation_does_not_lengthen_the_first_overlap(acme: House, client: NewClient) -> None:
    acme.do(client_secrets.add, **of(client), overlap=10)
    acme.do(client_secrets.add, **of(client), overlap=1000)
    acme.later(10)
    assert states(acme, client)[client.version.id] == "expired"


def test_others_can_be_left_without_an_end(acme: House, client: NewClient) -> None:
    acme.do(client_secrets.add, **of(client), keep_others=True)
    assert set(states(acme, client).values()) == {"active"}


def test_no_more_secrets_live_than_the_environment_allows(acme: House, client: NewClient) -> None:
    for _ in range(4):
        acme.do(client_secrets.add, **of(client), keep_others=True)
    assert "5 live secrets" in acme.refuses("conflict", client_secrets.add, **of(client), keep_others=True)
    acme.do(client_secrets.revoke, **of(client), secret_id=client.version.id)
    acme.do(client_secrets.add, **of(client), keep_others=True)
    acme.do(client_secrets.add, **of(client), overlap=0)
    assert sorted(states(acme, client).values()).count("active") == 1


def test_where_one_secret_may_live_a_new_one_replaces_the_old_at_once(acme: House, client: NewClient) -> None:
    acme.do(environments.change, ENVIRONMENT, live_secrets=1, dialects=acme.dialects)
    new = acme.do(client_secrets.add, **of(client), overlap=WEEK, keep_others=True).version.id
    assert states(acme, client) == {client.version.id: "expired", new: "active"}
    imported = acme.do(client_secrets.add_imported, **of(client), digest="d").id
    assert states(acme, client)[new] == "expired"
    assert states(acme, client)[imported] == "active"


def test_at_most_two_imported_secrets_live(acme: House, client: NewClient) -> None:
    first = acme.do(client_secrets.add_imported, **of(client), digest="d1")
    acme.do(client_secrets.add_imported, **of(client), digest="d2")
    assert "imported" in acme.refuses("conflict", client_secrets.add_imported, **of(client), digest="d3")
    acme.do(client_secrets.retire, **of(client), secret_id=first.id)
    acme.do(client_secrets.add_imported, **of(client), digest="d3")
    assert acme.events()[-1].kind == "admin.secret.import"


def test_retiring_ends_an_overlap_early_and_never_puts_it_off(acme: House, client: NewClient) -> None:
    acme.do(client_secrets.add, **of(client), overlap=100)
    old, now = client.version.id, acme.act.now
    assert acme.do(client_secrets.retire, **of(client), secret_id=old, at=now + 50).retires_at == now + 50
    sentence = acme.refuses("conflict", client_secrets.retire, **of(client), secret_id=old, at=now + 51)
    assert "brought forward" in sentence
    acme.refuses("invalid", client_secrets.retire, **of(client), secret_id=old, at=now - 1)
    assert acme.do(client_secrets.retire, **of(client), secret_id=old).state(now) == "expired"
    assert "expired already" in acme.refuses("conflict", client_secrets.retire, **of(client), secret_id=old)


def test_a_revoked_secret_stays_revoked(acme: House, client: NewClient) -> None:
    secret_id = client.version.id
    revoked = acme.do(client_secrets.revoke, **of(client), secret_id=secret_id)
    assert revoked.state(acme.act.now) == "revoked"
    events = len(acme.events())
    acme.later(10)
    assert acme.do(client_secrets.revoke, **of(client), secret_id=secret_id) == revoked
    assert len(acme.events()) == events
    assert "revoked already" in acme.refuses(
        "conflict", client_secrets.retire, **of(client), secret_id=secret_id
    )
    acme.do(client_secrets.add, **of(client))
    assert states(acme, client)[secret_id] == "revoked"


def test_an_expiry_counts_and_lies_ahead(acme: House, client: NewClient) -> None:
    now = acme.act.now
    new = acme.do(client_secrets.add, **of(client), expires_at=now + 10).version.id
    acme.later(9)
    assert states(acme, client)[new] == "active"
    acme.later(1)
    assert states(acme, client)[new] == "expired"
    acme.refuses("invalid", client_secrets.add, **of(client), expires_at=acme.act.now)


def test_an_unknown_secret_or_client_is_named(acme: House, client: NewClient) -> None:
    for function in (client_secrets.retire, client_secrets.revoke):
        assert "'nope'" in acme.refuses("not_found", function, **of(client), secret_id="nope")
    acme.refuses("not_found", client_secrets.add, environment=ENVIRONMENT, client_id="nobody")


def test_a_listing_shows_when_and_from_where_each_was_last_used(
    acme: House, client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mintmark.storage.transaction import SqlTransaction

    used = {client.version.id: (float(acme.act.now), "192.0.2.1")}
    monkeypatch.setattr(
        SqlTransaction, "last_use", lambda self, environment, credential: used.get(credential)
    )
    acme.later(1)
    newest = acme.do(client_secrets.add, **of(client)).version.id
    first, second = acme.see(client_secrets.listing, ENVIRONMENT, client.client.client_id, acme.act.now)
    assert (first.version.id, first.last_used_at) == (newest, None)
    assert (second.last_used_at, second.last_used_from) == used[client.version.id]


def test_secrets_of_another_client_are_out_of_reach(acme: House, client: NewClient) -> None:
    other = acme.do(clients.create, environment=ENVIRONMENT, name="Other", allowed={AUDIENCE: []})
    acme.refuses("not_found", client_secrets.revoke, **of(other), secret_id=client.version.id)
