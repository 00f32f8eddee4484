"""Sessions in the console: found by what the browser holds, over in time, at once when the person changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mintmark.authorization_server.administration import people, second_factors, sessions
from mintmark.values.person import Person
from mintmark.values.session import Session
from tests.authorization_server.administration.conftest import NOW, House

VALUE, OTHER = "v" * 43, "w" * 43


@pytest.fixture
def ada(house: House) -> Person:
    return house.do(people.create, username="ada", digest="$argon2id$first")


def begin(house: House, person: Person, value: str = VALUE) -> Session:
    return house.do(sessions.begin, person, value, "Browser/1.0")


def lives(house: House, value: str, now: float) -> bool:
    return house.see(sessions.find, value, now) is not None


def test_is_found_by_its_value_alone_and_does_not_hold_it(house: House, ada: Person) -> None:
    made = begin(house, ada)
    assert house.see(sessions.find, VALUE, NOW) == (made, ada)
    assert house.see(sessions.find, OTHER, NOW) is None
    assert house.see(sessions.find, made.id, NOW) is None
    assert VALUE not in repr(made)
    assert ada.digest not in repr(made)


def test_ends_after_half_an_hour_without_use(house: House, ada: Person) -> None:
    begin(house, ada)
    assert lives(house, VALUE, NOW + sessions.IDLE - 1)
    assert not lives(house, VALUE, NOW + sessions.IDLE)
    assert not lives(house, VALUE, NOW + sessions.IDLE + 1)


def test_use_keeps_it_alive_but_not_beyond_half_a_day(house: House, ada: Person) -> None:
    made = begin(house, ada)
    last = NOW + sessions.LONGEST - 1
    house.write(lambda tx: sessions.seen(tx, made, last - 5))
    assert lives(house, VALUE, last)
    assert not lives(house, VALUE, last + 1)
    assert not lives(house, VALUE, last + 2)


def test_use_is_written_by_the_minute(house: House, ada: Person) -> None:
    made = begin(house, ada)
    assert not sessions.is_due(made, NOW + sessions.SEEN_GRAIN - 1)
    assert sessions.is_due(made, NOW + sessions.SEEN_GRAIN)


@pytest.mark.parametrize(
    "change",
    [
        lambda tx, act: people.disable(tx, act, "ada"),
        lambda tx, act: people.delete(tx, act, "ada"),
        lambda tx, act: people.change_password(tx, act, "ada", digest="$argon2id$second"),
        lambda tx, act: people.change(tx, act, "ada", openid="ada@company.example"),
        lambda tx, act: second_factors.reset(tx, act, "ada"),
    ],
    ids=["disabled", "deleted", "another password", "another name at the provider", "a device was lost"],
)
def test_ends_at_once_with_its_person(house: House, ada: Person, change: object) -> None:
    house.do(people.create, username="last-operator")
    begin(house, ada)
    house.do(change)  # type: ignore[arg-type]
    assert not lives(house, VALUE, NOW + 1)


def test_a_later_namesake_without_a_password_either_does_not_inherit_it(house: House) -> None:
    house.do(people.create, username="last-operator")
    begin(house, house.do(people.create, username="bob", openid="bob@company.example"))
    assert lives(house, VALUE, NOW)
    house.do(people.delete, "bob")
    house.later(1)
    house.do(people.create, username="bob", openid="bob@company.example")
    assert not lives(house, VALUE, NOW + 1)


def test_a_person_sees_and_ends_only_their_own(house: House, ada: Person) -> None:
    eve = house.do(people.create, username="eve", digest="$argon2id$eve")
    mine, theirs = begin(house, ada), begin(house, eve, OTHER)
    assert house.see(sessions.listing, ada, NOW) == [mine]
    assert "no such session" in house.refuses("not_found", sessions.end, "ada", theirs.id)
    house.do(sessions.end, "ada", mine.id)
    assert not lives(house, VALUE, NOW)
    assert lives(house, OTHER, NOW)


def test_the_others_can_be_ended_all_at_once(house: House, ada: Person) -> None:
    kept = begin(house, ada)
    begin(house, ada, OTHER)
    assert house.do(sessions.end_others, "ada", kept.id) == 1
    assert house.see(sessions.listing, ada, NOW) == [kept]


def test_what_is_over_is_forgotten_by_the_next_beginning(house: House, ada: Person) -> None:
    begin(house, ada)
    later = replace(house.act, now=NOW + sessions.LONGEST + 1)
    house.write(lambda tx: sessions.begin(tx, later, ada, OTHER, ""))
    assert [each.created_at for each in house.see(lambda tx: tx.find(Session))] == [later.now]


def test_beginning_and_ending_are_in_the_audit_trail_without_the_value(house: House, ada: Person) -> None:
    made = begin(house, ada)
    house.do(sessions.end, "ada", made.id)
    assert [event.kind for event in house.events()[-2:]] == ["admin.session.begin", "admin.session.end"]
    assert VALUE not in str(house.events())
