"""Every spelling of a quota that the field knows, and when to hold back."""

from __future__ import annotations

import pytest

from mintmark.client.allowance import Allowance, declared, next_at, read_allowances
from mintmark.dialect.model import TokenQuota
from mintmark.wire.http import HttpResponse

NOW = 1_700_000_000


def read(*headers: tuple[str, str]) -> list[tuple[str, int, int, float]]:
    response = HttpResponse(200, tuple((name.lower().encode(), value.encode()) for name, value in headers))
    return [(a.name, a.limit, a.remaining, a.resets_at - NOW) for a in read_allowances(response, NOW)]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (
            [
                ("RateLimit-Policy", '"minute";q=60;w=60, "day";q=50;w=86400'),
                ("RateLimit", '"minute";r=59;t=60, "day";r=47;t=43200'),
            ],
            [("day", 50, 47, 43200)],
        ),
        ([("RateLimit", '"day";r=0;t=43200')], [("day", 0, 0, 43200)]),
        (
            [("RateLimit-Policy", "day;q=50;w=86400"), ("RateLimit", "day; r=47; t=10")],
            [("day", 50, 47, 10)],
        ),
        (
            [("RateLimit-Limit", "50, 50;w=86400"), ("RateLimit-Remaining", "7"), ("RateLimit-Reset", "300")],
            [("limit", 50, 7, 300)],
        ),
        (
            [
                ("X-RateLimit-Limit", "5000"),
                ("X-RateLimit-Remaining", "7"),
                ("X-RateLimit-Reset", str(NOW + 900)),
            ],
            [("limit", 5000, 7, 900)],
        ),
        (
            [("X-Rate-Limit-Limit", "50"), ("X-Rate-Limit-Remaining", "7"), ("X-Rate-Limit-Reset", "900")],
            [("limit", 50, 7, 900)],
        ),
        (
            [("Auth0-Client-Quota-Limit", "b=per_hour;q=10;r=7;t=3540,b=per_day;q=50;r=47;t=43200")],
            [("per_hour", 10, 7, 3540), ("per_day", 50, 47, 43200)],
        ),
        ([("X-RateLimit-Limit", "60"), ("X-RateLimit-Remaining", "7"), ("X-RateLimit-Reset", "30")], []),
        ([], []),
    ],
)
def test_a_quota_is_read_in_the_spelling_of(
    headers: list[tuple[str, str]], found: list[tuple[str, int, int, float]]
) -> None:
    assert read(*headers) == found


@pytest.mark.parametrize(
    "value",
    [
        "",
        ";",
        "b=",
        "b=per_day;q=50;r=-1;t=1000",
        '"day";r=1',
        '"day";r=1;t=99999999999999999999',
        "day" * 5000,
        "\x00",
        "b=per_day;r=1;t=999999999999",
    ],
)
def test_what_is_malformed_counts_as_not_said(value: str) -> None:
    for name in ("RateLimit", "RateLimit-Policy", "Auth0-Client-Quota-Limit", "X-RateLimit-Remaining"):
        assert read((name, value)) == []


def test_a_fifth_left_is_low() -> None:
    assert not Allowance("day", 50, 11, 0).low()
    assert Allowance("day", 50, 10, 0).low()


def test_while_more_than_a_fifth_is_left_nothing_is_held_back() -> None:
    assert Allowance("day", 50, 11, NOW + 1000, asked_at=NOW).next_at(NOW) == NOW


def test_below_a_fifth_what_is_left_is_spread_to_the_reset() -> None:
    low = Allowance("day", 50, 9, NOW + 1000, asked_at=NOW)
    assert low.next_at(NOW) == NOW + 100
    assert low.next_at(NOW + 99) == NOW + 100
    assert low.next_at(NOW + 100) == NOW + 100
    assert low.next_at(NOW + 101) == NOW + 101


def test_nothing_left_means_not_before_the_reset() -> None:
    spent = Allowance("day", 50, 0, NOW + 1000, asked_at=NOW)
    assert spent.next_at(NOW + 999) == NOW + 1000
    assert spent.next_at(NOW + 1000) == NOW + 1000
    assert spent.next_at(NOW + 5000) == NOW + 5000


def test_the_strictest_allowance_decides() -> None:
    hour, day = Allowance("hour", 10, 0, NOW + 60), Allowance("day", 50, 0, NOW + 600)
    assert next_at((hour, day), NOW) == NOW + 600
    assert next_at((), NOW) == NOW


def test_a_declared_quota_opens_with_the_utc_day() -> None:
    quotas = [TokenQuota(50, "day"), TokenQuota(5, "minute"), TokenQuota(9, "hour", by="address")]
    midnight = NOW - NOW % 86400 + 86400
    assert list(declared(quotas, NOW)) == [Allowance("day", 50, 50, midnight)]
    assert next(iter(declared(quotas, midnight))).resets_at == midnight + 86400
