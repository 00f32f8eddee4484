"""Short-window limits: what fits, when it comes back, and how many keys there can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.authorization_server.ports import Counters, Verdict
from mintmark.storage.counters import MemoryCounters

NOW = 1_800_000_000.0


def test_the_counters_are_the_port() -> None:
    port: Counters = MemoryCounters()
    assert port.take("k", 2, 60, NOW) == Verdict(True, 1, 30, 0)


@given(st.integers(1, 200), st.integers(1, 3600), st.floats(0, 4e9))
def test_exactly_the_limit_fits_into_a_moment(limit: int, period: int, now: float) -> None:
    counters = MemoryCounters()
    verdicts = [counters.take("k", limit, period, now) for _ in range(limit + 3)]
    assert [verdict.allowed for verdict in verdicts] == [True] * limit + [False] * 3
    assert [verdict.remaining for verdict in verdicts] == [*range(limit - 1, -1, -1), 0, 0, 0]
    assert 1 <= verdicts[-1].retry_after <= period
    assert verdicts[-1].reset == period


@given(st.integers(1, 100), st.integers(1, 600))
def test_a_refused_caller_who_waits_as_told_is_allowed(limit: int, period: int) -> None:
    counters = MemoryCounters()
    while (verdict := counters.take("k", limit, period, NOW)).allowed:
        pass
    assert counters.take("k", limit, period, NOW + verdict.retry_after).allowed
    assert counters.take("k", limit, period, NOW + verdict.retry_after + period, limit).allowed


def test_a_unit_comes_back_at_its_second_and_not_before() -> None:
    counters = MemoryCounters()
    for _ in range(6):
        assert counters.take("k", 6, 60, NOW).allowed
    assert counters.take("k", 6, 60, NOW) == Verdict(False, 0, 60, 10)
    assert counters.take("k", 6, 60, NOW + 9) == Verdict(False, 0, 51, 1)
    assert counters.take("k", 6, 60, NOW + 10).allowed
    assert not counters.take("k", 6, 60, NOW + 11).allowed


def test_a_refusal_and_a_look_take_nothing() -> None:
    counters = MemoryCounters()
    counters.take("k", 2, 60, NOW)
    assert not counters.take("k", 2, 60, NOW, 2).allowed
    for _ in range(3):
        assert counters.take("k", 2, 60, NOW, 0) == Verdict(True, 1, 30, 0)
    assert counters.take("k", 2, 60, NOW) == Verdict(True, 0, 60, 0)
    assert counters.take("other", 2, 60, NOW, 0) == Verdict(True, 2, 0, 0)
    assert len(counters) == 1


def test_keys_do_not_share() -> None:
    counters = MemoryCounters()
    assert counters.take("a", 1, 60, NOW).allowed
    assert counters.take("b", 1, 60, NOW).allowed
    assert not counters.take("a", 1, 60, NOW).allowed


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_nothing_allows_nothing(limit: int) -> None:
    assert MemoryCounters().take("k", limit, 60, NOW) == Verdict(False, 0, 60, 60)


def test_a_clock_set_back_locks_nobody_out_for_longer_than_a_period() -> None:
    counters = MemoryCounters()
    counters.take("k", 1, 60, NOW)
    verdict = counters.take("k", 1, 60, NOW - 86_400)
    assert (verdict.allowed, verdict.retry_after) == (False, 60)


def test_keys_that_are_full_again_make_room_first() -> None:
    counters = MemoryCounters(capacity=10)
    for n in range(9):
        counters.take(f"old{n}", 1, 60, NOW)
    counters.take("busy", 1, 60, NOW + 50)
    counters.take("new", 1, 60, NOW + 60)
    assert len(counters) == 2
    assert not counters.take("busy", 1, 60, NOW + 60).allowed


def test_the_number_of_keys_is_bounded() -> None:
    counters = MemoryCounters(capacity=100)
    for n in range(10_000):
        counters.take(f"address {n}", 1, 60, NOW)
    assert len(counters) <= 100
    assert not counters.take("address 9999", 1, 60, NOW).allowed


@pytest.mark.parametrize("limit", [98, 137])
def test_sums_of_fractions_take_no_unit_away(limit: int) -> None:
    counters = MemoryCounters()
    assert all(counters.take("k", limit, 1, 2_147_483_648.0).allowed for _ in range(limit))
