"""What counts as one address, and how a refusal says when to come back."""

from __future__ import annotations

import pytest

from mintmark.authorization_server.limits import DAY, refusal_fields, seconds_to_midnight
from mintmark.authorization_server.wider_limits import network_of
from mintmark.values.errors import invalid_client, quota_exceeded, rate_limited


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:ffff:ffff:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("not:an:address", "not:an:address"),
    ],
)
def test_a_host_has_a_whole_64_of_ipv6(peer: str, network: str) -> None:
    assert network_of(peer) == network


@pytest.mark.parametrize(("now", "left"), [(DAY - 1, 1), (DAY, DAY), (DAY + 1, DAY - 1), (DAY - 0.5, 1)])
def test_the_day_ends_at_midnight_utc(now: float, left: int) -> None:
    assert seconds_to_midnight(now) == left


def test_a_429_states_the_limit_that_refused() -> None:
    assert refusal_fields(rate_limited(3, reason="r", limit=("minute", 600, 60))) == (
        (b"ratelimit-policy", b'"minute";q=600;w=60'),
        (b"ratelimit", b'"minute";r=0;t=3'),
    )
    assert refusal_fields(quota_exceeded(9, reason="r", limit=("day", 50, DAY))) == (
        (b"ratelimit-policy", b'"day";q=50;w=86400'),
        (b"ratelimit", b'"day";r=0;t=9'),
    )
    assert refusal_fields(invalid_client(reason="r")) == ()
