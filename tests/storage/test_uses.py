"""Uses that wait for writing: one per credential and minute, never more than a bound."""

from __future__ import annotations

import pytest

from mintmark.storage.uses import Uses


@pytest.mark.parametrize(("at", "taken"), [(60.0, 1), (119.9, 1), (120.0, 2)])
def test_a_credential_is_taken_once_a_minute(at: float, taken: int) -> None:
    uses, count = Uses(), 0
    for moment in (60.0, at):
        uses.add(("a/b", "t", moment, "p"))
        count += len(uses.take(9))
    assert count == taken


def test_a_flood_of_credentials_is_bounded_and_the_next_minute_begins_anew() -> None:
    uses = Uses(most=3)
    for n in range(10):
        uses.add(("a/b", f"t{n}", 60.0, "p"))
    assert [use[1] for use in uses.take(9)] == ["t0", "t1", "t2"]
    uses.add(("a/b", "t9", 60.0, "p"))
    assert len(uses) == 0
    uses.add(("a/b", "t9", 120.0, "p"))
    assert len(uses) == 1


def test_what_waits_is_bounded_over_the_minutes() -> None:
    uses = Uses(most=3)
    for n in range(10):
        uses.add(("a/b", f"t{n}", 60.0 * n, "p"))
    assert len(uses) == 3


def test_a_use_that_could_not_be_written_gives_way_to_a_later_one() -> None:
    uses = Uses()
    uses.add(("a/b", "t", 60.0, "p"))
    uses.add(("a/b", "u", 60.0, "p"))
    failed = uses.take(9)
    uses.add(("a/b", "t", 120.0, "q"))
    uses.put_back(failed)
    assert sorted(uses.take(9)) == [("a/b", "t", 120.0, "q"), ("a/b", "u", 60.0, "p")]
