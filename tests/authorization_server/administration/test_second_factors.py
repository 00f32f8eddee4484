"""One-time codes and passkeys of people: kept sealed, counted, taken away with what they belong to."""

from __future__ import annotations

import pytest

from mintmark.authorization_server.administration import people, second_factors
from mintmark.crypto.seal import Seal
from mintmark.values.passkey import Passkey
from mintmark.values.person import Person
from tests.authorization_server.administration.conftest import NOW, SEAL_KEY, House

SECRET = b"12345678901234567890"


@pytest.fixture(autouse=True)
def ada(house: House) -> Person:
    house.do(people.create, username="eve")
    return house.do(people.create, username="ada", digest="$argon2id$x")


def passkey(number: int = 0, username: str = "ada") -> Passkey:
    return Passkey(f"key-{number}", username, "cose", 0, f"Phone {number}", NOW)


def test_the_secret_of_one_time_codes_is_sealed_for_its_person(house: House) -> None:
    made = house.do(second_factors.enable_totp, "ada", SECRET, 4)
    assert SECRET.decode() not in made.totp + repr(made)
    assert Seal(SEAL_KEY).unseal(made.totp, second_factors.totp_context("ada")) == SECRET
    with pytest.raises(Exception, match=r".+"):
        Seal(SEAL_KEY).unseal(made.totp, second_factors.totp_context("eve"))
    assert house.do(second_factors.disable_totp, "ada").totp == ""


def test_a_code_is_used_once_and_no_earlier_one_after_it(house: House) -> None:
    house.do(second_factors.enable_totp, "ada", SECRET, 4)
    assert [house.do(second_factors.use_code, "ada", step) for step in (4, 5, 5, 4, 6)] == [
        False,
        True,
        False,
        False,
        True,
    ]


def test_codes_are_replaced_only_after_they_were_turned_off(house: House) -> None:
    before = house.do(second_factors.enable_totp, "ada", SECRET, 4)
    assert "turn them off" in house.refuses(
        "conflict", second_factors.enable_totp, "ada", b"of a session left open", 5
    )
    assert house.see(people.show, "ada") == before


def test_a_person_has_ten_passkeys_at_most_each_registered_once(house: House) -> None:
    for number in range(second_factors.MOST_PASSKEYS):
        house.do(second_factors.add_passkey, passkey(number))
    assert "at most" in house.refuses("conflict", second_factors.add_passkey, passkey(99))
    assert "already" in house.refuses("conflict", second_factors.add_passkey, passkey(0, "eve"))


def test_a_passkeys_use_is_remembered(house: House) -> None:
    house.do(second_factors.add_passkey, passkey())
    house.do(second_factors.used_passkey, "key-0", 7)
    house.do(second_factors.used_passkey, "gone", 7)
    (found,) = house.see(second_factors.passkeys, "ada")
    assert (found.uses, found.used_at) == (7, NOW)


def test_a_person_removes_only_their_own(house: House) -> None:
    house.do(second_factors.add_passkey, passkey())
    house.refuses("not_found", second_factors.remove_passkey, "eve", "key-0")
    house.do(second_factors.remove_passkey, "ada", "key-0")
    assert house.see(second_factors.passkeys, "ada") == []


def test_a_lost_device_is_taken_away_whole(house: House) -> None:
    house.do(second_factors.enable_totp, "ada", SECRET, 4)
    house.do(second_factors.add_passkey, passkey())
    person = house.do(second_factors.reset, "ada")
    assert (person.totp, person.digest) == ("", "$argon2id$x")
    assert house.see(second_factors.passkeys, "ada") == []


def test_passkeys_go_with_their_person(house: House) -> None:
    house.do(second_factors.add_passkey, passkey())
    house.do(people.delete, "ada")
    assert house.see(lambda tx: tx.find(Passkey)) == []
