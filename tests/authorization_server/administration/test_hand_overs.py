"""Hand-overs: sealed, fetched once by the code alone, over at their time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mintmark.authorization_server.administration import hand_overs
from mintmark.authorization_server.administration.hand_overs import NewHandOver
from mintmark.crypto.seal import Seal
from mintmark.values.hand_over import HandOver
from mintmark.values.secret import Secret
from tests.authorization_server.administration.conftest import ENVIRONMENT, NOW, SEAL_KEY, House, furnish

TEXT = Secret("client_secret: mms-0123456789")


@pytest.fixture
def made(house: House) -> NewHandOver:
    furnish(house)
    return house.do(hand_overs.create, environment=ENVIRONMENT, about="for Ada", text=TEXT, lifetime=600)


def fetch(house: House, code: Secret, now: int = NOW) -> HandOver | None:
    act = replace(house.act, now=now, actor="visitor")
    return house.write(lambda tx: hand_overs.fetch(tx, act, code))


def test_is_fetched_once_by_its_code(house: House, made: NewHandOver) -> None:
    assert fetch(house, Secret("another")) is None
    found = fetch(house, made.code)
    assert found is not None
    assert Seal(SEAL_KEY).unseal(found.sealed, hand_overs.context(found.id)).decode() == TEXT.reveal()
    assert fetch(house, made.code) is None
    assert fetch(house, Secret(found.id)) is None


@pytest.mark.parametrize(("after", "there"), [(599, True), (600, False), (601, False)])
def test_ends_at_its_time(house: House, made: NewHandOver, after: int, there: bool) -> None:
    assert (fetch(house, made.code, NOW + after) is not None) is there


def test_neither_code_nor_text_is_kept_or_audited_in_plain(house: House, made: NewHandOver) -> None:
    fetch(house, made.code)
    told = repr(made) + str(house.events()) + made.hand_over.sealed + made.hand_over.id
    assert made.code.reveal() not in told
    assert TEXT.reveal() not in told
    assert [event.kind for event in house.events()[-2:]] == [
        "admin.hand_over.create",
        "admin.hand_over.fetch",
    ]


def test_is_bound_to_its_own_record(house: House, made: NewHandOver) -> None:
    other = house.do(hand_overs.create, environment=ENVIRONMENT, about="for Eve", text=Secret("x"))
    with pytest.raises(Exception, match=r".+"):
        Seal(SEAL_KEY).unseal(made.hand_over.sealed, hand_overs.context(other.hand_over.id))


def test_is_withdrawn_in_its_own_environment_only(house: House, made: NewHandOver) -> None:
    assert "no such hand-over" in house.refuses(
        "not_found", hand_overs.withdraw, "acme/elsewhere", made.hand_over.id
    )
    house.do(hand_overs.withdraw, ENVIRONMENT, made.hand_over.id)
    assert fetch(house, made.code) is None


@pytest.mark.parametrize("lifetime", [0, 59, hand_overs.LONGEST + 1])
def test_lasts_a_minute_at_least_and_two_weeks_at_most(house: House, lifetime: int) -> None:
    furnish(house)
    house.refuses(
        "invalid", hand_overs.create, environment=ENVIRONMENT, about="x", text=TEXT, lifetime=lifetime
    )
