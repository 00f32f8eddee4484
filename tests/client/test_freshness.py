"""Windows and pauses at their boundaries."""

from __future__ import annotations

from math import inf

import pytest

from mintmark.client.freshness import LONGEST_LEAD, pause, window


@pytest.mark.parametrize(
    ("lifetime", "lead"),
    [
        (1, 0.5),
        (25, 12.5),
        (119, 59.5),
        (120, 60),
        (240, 60),
        (300, 60),
        (3600, 720),
        (86400, 17280),
        (31_536_000, LONGEST_LEAD),
    ],
)
def test_renewal_comes_early_in_proportion_and_at_least_sixty_seconds_where_the_lifetime_allows(
    lifetime: float, lead: float
) -> None:
    assert window(lifetime, 1000, 0).renew_at == 1000 + lifetime - lead
    assert window(lifetime, 1000, 0.999).renew_at == pytest.approx(1000 + lifetime - lead * 1.2, rel=1e-3)


@pytest.mark.parametrize("lifetime", [0.1, 1, 2, 25, 60, 3600, 31_536_000, 1e30])
@pytest.mark.parametrize("jitter", [0, 0.5, 0.999])
def test_a_token_is_always_used_before_it_is_renewed_and_renewed_before_it_is_over(
    lifetime: float, jitter: float
) -> None:
    span = window(lifetime, 0, jitter)
    assert 0 < span.renew_at < span.over_at <= lifetime


def test_the_vendors_own_wish_is_kept() -> None:
    assert window(3600, 0, 0, renew_before=1000).renew_at == 2600


def test_a_token_for_ever_is_never_renewed() -> None:
    assert window(None, 0, 0.5) == window(None, 99, 0)
    assert window(None, 0, 0).renew_at == inf


@pytest.mark.parametrize("lifetime", [0, -1, -1e12])
def test_a_token_of_unknown_life_is_renewed_hourly_and_served_on(lifetime: float) -> None:
    span = window(lifetime, 1000, 0)
    assert (span.renew_at, span.over_at) == (4600, inf)


def test_pauses_double_and_are_capped_and_half_of_each_is_random() -> None:
    assert [pause(n, 0) for n in (1, 2, 3, 6, 7, 8, 1000)] == [0.5, 1, 2, 16, 30, 30, 30]
    assert [pause(n, 1) for n in (1, 2, 3, 6, 7, 8, 1000)] == [1, 2, 4, 32, 60, 60, 60]
