"""Uses that wait for writing: the newest of each credential, few at once, many by the minute and in order, bounded."""

from __future__ import annotations

import pytest

from mintmark.storage.uses import FEW, Uses

NOW = 1_800_000_000.0


def used(*credentials: str, at: float = NOW) -> Uses:
    uses = Uses()
    for credential in credentials:
        uses.add("a/b", credential, at, "p")
    return uses


def test_the_newest_use_of_a_credential_is_the_one_that_is_written() -> None:
    uses = used("t")
    uses.add("a/b", "t", NOW + 1, "q")
    assert uses.take(NOW) == [("a/b", "t", NOW + 1, "q")]
    assert len(uses) == 0


@pytest.mark.parametrize(("later", "taken"), [(0.4, 0), (0.5, 1)])
def test_few_fall_due_twice_a_second(later: float, taken: int) -> None:
    uses = used("t")
    assert len(uses.take(NOW)) == 1
    uses.add("a/b", "t", NOW + 0.1, "p")
    assert len(uses.take(NOW + later)) == taken


@pytest.mark.parametrize(("later", "taken"), [(59.9, False), (60.0, True)])
def test_many_fall_due_once_a_minute(later: float, taken: bool) -> None:
    uses = used("t")
    uses.take(NOW)
    for number in range(FEW + 1):
        uses.add("a/b", f"{number:06d}", NOW, "p")
    assert bool(uses.take(NOW + later)) is taken


@pytest.mark.parametrize(
    ("number", "later", "taken"),
    [(19_999, 59.9, False), (19_999, 60.0, True), (30_000, 179.9, False), (30_000, 180.0, True)],
)
def test_very_many_fall_due_in_as_many_minutes_as_there_are_ten_thousands(
    number: int, later: float, taken: bool
) -> None:
    uses = used("t")
    uses.take(NOW)
    for credential in range(number):
        uses.add("a/b", f"{credential:06d}", NOW, "p")
    assert bool(uses.take(NOW + later)) is taken


def test_what_nearly_fills_the_queue_falls_due_at_once() -> None:
    uses = Uses(most=4000)
    uses.add("a/b", "t", NOW, "p")
    uses.take(NOW)
    for credential in range(2999):
        uses.add("a/b", f"{credential:06d}", NOW, "p")
    assert not uses.take(NOW + 1)
    uses.add("a/b", "002999", NOW, "p")
    assert uses.take(NOW + 1)


def test_many_are_taken_in_the_order_of_the_table_and_in_parts() -> None:
    names = [f"{number * 7919 % 5000:06d}" for number in range(5000)]
    uses = used(*[name[::-1] for name in names])
    parts = []
    while part := uses.take(NOW):
        parts.append(part)
    assert max(map(len, parts)) <= FEW + 100
    assert [use for part in parts for use in part] == sorted(use for part in parts for use in part)
    assert len({use[1] for part in parts for use in part}) == 5000


def test_what_waits_is_taken_at_once_when_asked() -> None:
    uses = used("t")
    uses.take(NOW)
    uses.add("a/b", "t", NOW, "p")
    assert uses.take(NOW) == []
    assert len(uses.take(NOW, at_once=True)) == 1


def test_a_flood_of_credentials_is_bounded() -> None:
    uses = Uses(most=3)
    for number in range(10):
        uses.add("a/b", f"t{number}", NOW, "p")
    assert sorted(use[1] for use in uses.take(NOW)) == ["t0", "t1", "t2"]


def test_a_use_that_could_not_be_written_gives_way_to_a_later_one() -> None:
    uses = used("t", "u")
    failed = uses.take(NOW)
    uses.add("a/b", "t", NOW + 9, "q")
    uses.put_back(failed)
    assert uses.take(NOW, at_once=True) == [("a/b", "t", NOW + 9, "q"), ("a/b", "u", NOW, "p")]
