"""When the vendor is slow, busy, down, stingy or says no: nobody storms it, and a token that is good is served."""

from __future__ import annotations

import logging
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path

import pytest

from mintmark.client.errors import HeldBack, NoSense, NoToken, Refused, Unreachable
from mintmark.transport.allowance_file import AllowanceFile
from tests.transport.conftest import SECRET, Clock, MakeSource, settled
from tests.transport.loopback import Answer, Asked, Vendor, as_json


def busy(status: int = 503, **headers: str) -> object:
    return lambda _: as_json(status, {}, **headers)


@pytest.mark.parametrize("lifetime", [1, 25, 240, 3600, 86400, 31_536_000])
def test_whatever_the_lifetime_a_token_is_used_more_than_once(
    shop: Vendor, source_of: MakeSource, clock: Clock, lifetime: int
) -> None:
    shop.lifetime = lifetime
    source = source_of(shop)
    began = clock.now
    for _ in range(100):
        source.token()
        settled(source)
        clock.now += lifetime / 10
    lives = (clock.now - began) / lifetime
    assert lives <= len(shop.token_requests) <= 2.5 * lives + 1


@pytest.mark.parametrize(
    "lifetime", [None, "3600", "soon", "", 0, -1, 0.5, 1e12, 10**12, 10**30, "1" * 30, True, [], {"in": 5}]
)
def test_a_lifetime_that_makes_no_sense_is_no_token_per_call_and_no_crash(
    shop: Vendor, source_of: MakeSource, clock: Clock, lifetime: object
) -> None:
    shop.lifetime = lifetime
    source = source_of(shop)
    for _ in range(100):
        assert source.token().reveal() == "T1-of-the-vendor"
        clock.now += 1
    settled(source)
    assert len(shop.token_requests) == 1
    clock.now += 7200
    source.token()
    settled(source)
    assert len(shop.token_requests) <= 2


def test_an_outage_of_ten_minutes_with_fifteen_left_fails_no_call(
    shop: Vendor, source_of: MakeSource, clock: Clock
) -> None:
    source = source_of(shop)
    source.token()
    clock.now += 3600 - 900
    shop.refuse = busy()  # type: ignore[assignment]
    probes: list[float] = []
    for _ in range(600):
        seen = len(shop.token_requests)
        assert source.token().reveal() == "T1-of-the-vendor"
        settled(source)
        probes += [clock.now] * (len(shop.token_requests) - seen)
        clock.now += 1
    assert source.status().state == "failing"
    steps = [1, 2, 4, 8, 16, 32, *[60] * 50]
    gaps = [after - before for before, after in pairwise(probes)]
    assert all(gap >= step / 2 for gap, step in zip(gaps, steps, strict=False)), gaps
    assert len(probes) < 30
    shop.refuse = lambda _: None
    clock.now += 60
    source.token()
    settled(source)
    assert source.token().reveal() != "T1-of-the-vendor"
    assert source.status().state == "fresh"


def test_a_caller_without_a_token_is_worth_three_attempts(
    shop: Vendor, source_of: MakeSource, clock: Clock
) -> None:
    shop.refuse = lambda _: as_json(503, {}) if len(shop.token_requests) < 3 else None
    assert source_of(shop).token().reveal() == "T3-of-the-vendor"
    assert len(clock.slept) == 2
    assert clock.slept[0] <= 1 < 2 * clock.slept[1]


def test_after_three_attempts_callers_are_told_when_to_come_back(
    shop: Vendor, source_of: MakeSource, clock: Clock
) -> None:
    shop.refuse = busy(500)  # type: ignore[assignment]
    source = source_of(shop)
    for _ in range(10):
        with pytest.raises(Refused) as told:
            source.token()
    assert len(shop.token_requests) == 3
    assert told.value.status == 500
    assert told.value.retry_at is not None
    assert told.value.retry_at > clock.now


@pytest.mark.parametrize("seconds", [30, 4000])
@pytest.mark.parametrize("as_date", [False, True])
def test_nothing_is_asked_before_the_time_that_retry_after_names(
    shop: Vendor, source_of: MakeSource, clock: Clock, seconds: int, as_date: bool
) -> None:
    value = formatdate(clock.now + seconds, usegmt=True) if as_date else str(seconds)
    shop.refuse = busy(429, Retry_After=value)  # type: ignore[assignment]
    source = source_of(shop)
    began = clock.now
    with pytest.raises(Refused) as told:
        source.token()
    assert told.value.retry_at == began + seconds
    clock.now = began + seconds - 1
    with pytest.raises(Refused):
        source.token()
    assert len(shop.token_requests) == 1
    shop.refuse = lambda _: None
    clock.now = began + seconds
    assert source.token()
    assert len(shop.token_requests) == 2


def test_a_short_retry_after_is_waited_for(shop: Vendor, source_of: MakeSource, clock: Clock) -> None:
    shop.refuse = lambda _: as_json(429, {}, Retry_After="2") if len(shop.token_requests) < 2 else None
    assert source_of(shop).token()
    assert clock.slept == [2.0]


def test_a_refusal_for_good_is_remembered_until_the_secret_changes(
    shop: Vendor, source_of: MakeSource, clock: Clock
) -> None:
    secret = ["old"]

    def refuse(asked: Asked) -> Answer | None:
        return None if b"client_secret=new" in asked.body else as_json(401, {"error": "invalid_client"})

    shop.refuse = refuse
    source = source_of(shop, secret=lambda: secret[0])
    for _ in range(50):
        with pytest.raises(Refused, match="invalid_client") as told:
            source.token()
        assert told.value.permanent
        clock.now += 5
    assert len(shop.token_requests) == 1
    secret[0] = "new"
    clock.now += 5
    assert source.token()
    assert len(shop.token_requests) == 2


def test_a_refusal_for_good_is_put_to_the_test_again_after_minutes(
    shop: Vendor, source_of: MakeSource, clock: Clock
) -> None:
    shop.refuse = lambda _: as_json(400, {"error": "unauthorized_client"})
    source = source_of(shop)
    for _ in range(3600):
        with pytest.raises(Refused):
            source.token()
        clock.now += 1
    assert 3 <= len(shop.token_requests) <= 5


def test_a_secret_that_was_rotated_at_the_wrong_moment_is_read_once_more(
    shop: Vendor, source_of: MakeSource
) -> None:
    secrets = iter(["old", "new", "newer"])

    def refuse(asked: Asked) -> Answer | None:
        return (
            None if b"client_secret=new&" in asked.body + b"&" else as_json(401, {"error": "invalid_client"})
        )

    shop.refuse = refuse
    assert source_of(shop, secret=lambda: next(secrets)).token()
    assert len(shop.token_requests) == 2


def test_a_secret_is_never_sent_a_third_time_nor_in_a_second_form(
    shop: Vendor, source_of: MakeSource
) -> None:
    secrets = iter("abcdefgh")
    shop.refuse = lambda _: as_json(401, {"error": "invalid_client"})
    with pytest.raises(Refused):
        source_of(shop, secret=lambda: next(secrets)).token()
    assert len(shop.token_requests) == 2
    assert all("authorization" not in asked.headers for asked in shop.token_requests)


def test_a_dead_host_is_unreachable_and_left_alone(shop: Vendor, source_of: MakeSource, clock: Clock) -> None:
    source = source_of(shop)
    shop.url = "http://127.0.0.1:1"
    dead = source_of(shop)
    for _ in range(10):
        with pytest.raises(Unreachable, match="refused the connection"):
            dead.token()
    assert dead.status().exchanges == 1
    assert source.dialect == "standard"


AUTH0 = "b=per_hour;q=10;r={hour};t=3540,b=per_day;q=50;r={day};t=43200"


def test_a_quota_is_known_warned_about_at_a_fifth_and_survives_a_restart(
    shop: Vendor, source_of: MakeSource, clock: Clock, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.INFO, "mintmark.client")
    shop.more_headers = {"Auth0-Client-Quota-Limit": AUTH0.format(hour=9, day=11)}
    source = source_of(shop)
    source.token()
    assert [(a.name, a.limit, a.remaining) for a in source.status().allowances] == [
        ("per_hour", 10, 9),
        ("per_day", 50, 11),
    ]
    assert not source.status().low
    assert "are left" not in caplog.text
    shop.more_headers = {"Auth0-Client-Quota-Limit": AUTH0.format(hour=8, day=10)}
    source_of(shop).token()
    assert "10 of 50 tokens are left (per_day)" in caplog.text
    restarted = source_of(shop)
    assert restarted.status().low
    file = tmp_path / "state" / "allowances.json"
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    assert "of-the-vendor" not in text
    assert SECRET not in text
    assert "the-client" not in text
    assert shop.url not in text


def test_a_restart_loop_cannot_burn_what_is_left_of_the_day(
    shop: Vendor, source_of: MakeSource, clock: Clock
) -> None:
    left = [50]

    def count(_: Asked) -> None:
        left[0] -= 1
        shop.more_headers = {
            "RateLimit-Policy": '"day";q=50;w=86400',
            "RateLimit": f'"day";r={max(0, left[0])};t={int(1_700_000_000 + 86400 - clock.now)}',
        }

    shop.refuse = count
    refusals = 0
    for _ in range(96):  # a crash every quarter of an hour, all day long
        try:
            source_of(shop).token()
        except HeldBack as told:
            refusals += 1
            assert told.retry_at is not None
            assert clock.now < told.retry_at <= 1_700_000_000 + 86400
        clock.now += 900
    assert refusals >= 46
    assert len(shop.token_requests) <= 50
    assert left[0] >= 0


def test_held_back_means_held_back_until_the_time_it_names(
    shop: Vendor, source_of: MakeSource, clock: Clock
) -> None:
    shop.more_headers = {"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "1000"}
    source_of(shop).token()
    with pytest.raises(HeldBack) as told:
        source_of(shop).token()
    assert told.value.retry_at is not None
    clock.now = told.value.retry_at - 1
    with pytest.raises(HeldBack):
        source_of(shop).token()
    clock.now = told.value.retry_at
    assert source_of(shop).token()


def test_a_state_directory_that_cannot_be_written_costs_no_token(
    shop: Vendor, clock: Clock, tmp_path: Path, source_of: MakeSource
) -> None:
    (tmp_path / "state").write_text("a file where the directory should be")
    shop.more_headers = {"Auth0-Client-Quota-Limit": AUTH0.format(hour=1, day=1)}
    assert source_of(shop).token()
    assert AllowanceFile(tmp_path / "state" / "allowances.json").read("x") == ()


@pytest.mark.parametrize("content", ["", "[]", "{", '{"key":1}', '{"key":"00","x":[{}]}', "\x00" * 100])
def test_a_damaged_state_file_counts_as_empty(content: str, tmp_path: Path) -> None:
    path = tmp_path / "allowances.json"
    path.write_text(content)
    ledger = AllowanceFile(path)
    assert ledger.read("x") == ()
    ledger.spend("x", 1.0)


def test_an_answer_that_makes_no_sense_is_not_asked_for_at_once_again(
    shop: Vendor, source_of: MakeSource, clock: Clock
) -> None:
    shop.refuse = lambda _: (200, {"content-type": "text/html"}, b"<html>Sign in</html>")
    source = source_of(shop)
    began = clock.now
    while clock.now < began + 3600:
        with pytest.raises(NoSense):
            source.token()
        clock.now += 1
    assert len(shop.token_requests) < 30


def test_every_error_is_of_one_family() -> None:
    assert all(issubclass(kind, NoToken) for kind in (Refused, Unreachable, NoSense, HeldBack))
