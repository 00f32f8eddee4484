"""What a fake vendor does, does wrong on demand, and remembers of what it was asked."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import closing
from email.utils import parsedate_to_datetime

import httpx2
import pytest

import mintmark
from mintmark.client.errors import HeldBack, NoSense, Refused, Unreachable
from mintmark.testing import Clock, FakeVendor, fake_vendor
from mintmark.testing.endpoints import METADATA
from mintmark.values.errors import OAuthError
from tests.end_to_end.server import until

Start = Callable[..., FakeVendor]
NOW = 1_700_000_040


def call(vendor: FakeVendor, token: str, path: str = "") -> httpx2.Response:
    return httpx2.get(f"{vendor.api_url}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=60)


@pytest.fixture
def vendor(fake_vendor: Start) -> FakeVendor:
    return fake_vendor("standard", now=NOW)


# --- time -------------------------------------------------------------------------------------------------------------


def test_a_token_ends_at_the_second_that_its_lifetime_says(vendor: FakeVendor) -> None:
    vendor.lifetime = 90
    token = vendor.source().token().reveal()
    vendor.clock.advance(89)
    assert call(vendor, token).status_code == 200
    vendor.clock.advance(1)
    assert call(vendor, token).status_code == 401


def test_a_source_renews_when_the_clock_is_moved_on(vendor: FakeVendor) -> None:
    vendor.lifetime = 90
    source = vendor.source()
    first = source.token().reveal()
    vendor.clock.advance(90)
    assert source.token().reveal() != first
    vendor.assert_asked(2)


def test_the_times_in_a_token_are_those_of_a_clock_that_is_wrong(vendor: FakeVendor) -> None:
    vendor.skew = 300
    answer = httpx2.get(vendor.jwks_url)
    assert parsedate_to_datetime(answer.headers["date"]).timestamp() == NOW + 300
    token = vendor.source().token()
    guard = mintmark.Guard(vendor.url, vendor.audience, clock=vendor.clock)
    with closing(guard), pytest.raises(OAuthError) as caught:
        guard.verify({"Authorization": f"Bearer {token.reveal()}"})
    assert caught.value.reason == "not_yet_valid"


def test_a_clock_only_moves_on() -> None:
    still = Clock(100)
    still.advance(5)
    still.sleep(2.5)
    assert (still(), still.monotonic()) == (107.5, 107.5)
    with pytest.raises(ValueError, match="only moves on"):
        still.advance(-1)
    with pytest.raises(ValueError, match="only moves on"):
        still.advance(float("nan"))


def test_a_clock_without_a_beginning_follows_real_time() -> None:
    clock = Clock()
    before, began = time.time(), clock.monotonic()
    clock.advance(1000)
    assert before + 1000 <= clock() <= time.time() + 1000
    assert clock.monotonic() >= began + 1000
    clock.sleep(0)


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_a_guard_takes_the_tokens_and_finds_the_keys(fake_vendor: Start) -> None:
    vendor = fake_vendor("oleria")
    token = vendor.source().token().reveal()
    with closing(mintmark.Guard(vendor.url, vendor.audience)) as guard:
        caller = guard.verify({"Authorization": f"Bearer {token}"})
    assert caller.client_id == vendor.client_id
    assert next(asked.path for asked in vendor.requests if asked.endpoint == "keys") == METADATA


def test_a_revoked_token_is_refused_and_replaced_once(vendor: FakeVendor) -> None:
    source = vendor.source()
    with httpx2.Client(auth=source.auth()) as client:
        assert client.get(vendor.api_url).status_code == 200
        vendor.revoke()
        assert client.get(vendor.api_url).status_code == 200
    vendor.assert_asked(2)
    vendor.assert_called(3)
    assert [asked.status for asked in vendor.api_requests] == [200, 401, 200]


def test_one_token_may_be_revoked_alone(vendor: FakeVendor) -> None:
    first, second = (vendor.source().token().reveal() for _ in range(2))
    vendor.revoke(first)
    assert [call(vendor, token).status_code for token in (first, second)] == [401, 200]


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic Zm9vOmJhcg==", "Bearer a b", ""])
def test_a_call_without_a_good_token_is_refused(vendor: FakeVendor, header: str | None) -> None:
    answer = httpx2.get(vendor.api_url, headers={} if header is None else {"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer realm=")


def test_the_token_endpoint_does_not_say_how_long_when_told_so(vendor: FakeVendor) -> None:
    assert (vendor.lifetime, vendor.quota, vendor.skew) == (3600, None, 0)
    vendor.lifetime = None
    assert vendor.source().token().expires_at is None


@pytest.mark.parametrize("lifetime", [0, 1, 59, 86400 * 366])
def test_no_lifetime_makes_a_source_ask_for_a_token_per_call(vendor: FakeVendor, lifetime: int) -> None:
    vendor.lifetime = lifetime
    source = vendor.source()
    for _ in range(5):
        source.token()
    vendor.assert_asked_once()


def test_a_lifetime_is_not_negative(vendor: FakeVendor) -> None:
    with pytest.raises(ValueError, match="not negative"):
        vendor.lifetime = -1


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_a_rotation_that_clients_know_of_passes_unnoticed(vendor: FakeVendor) -> None:
    source = vendor.source()
    source.token()
    vendor.rotate_secret()
    vendor.clock.advance(3600)
    source.token()
    assert [asked.status for asked in vendor.token_requests] == [200, 200]


def test_a_rotation_that_clients_do_not_know_of_refuses_them(vendor: FakeVendor) -> None:
    old = vendor.client_secret
    fresh = vendor.rotate_secret(announced=False)
    assert vendor.client_secret == old != fresh
    with pytest.raises(Refused) as caught:
        vendor.source().token()
    assert (caught.value.status, caught.value.code) == (401, "invalid_client")
    vendor.assert_asked_once()


def test_a_wrong_user_beside_a_right_client_is_no_wrong_client(fake_vendor: Start) -> None:
    vendor = fake_vendor("omneo")
    mixed = {**vendor.credentials, "password": "wrong"}
    source = mintmark.source("omneo", token_url=vendor.token_url, scope="*", **mixed)  # type: ignore[arg-type]
    with pytest.raises(Refused) as caught:
        source.token()
    assert (caught.value.status, caught.value.code) == (400, "invalid_grant")


# --- faults -----------------------------------------------------------------------------------------------------------


def test_a_rate_limit_passes_after_as_often_as_it_says(vendor: FakeVendor) -> None:
    vendor.faults.rate_limited(retry_after=2, times=2)
    before = vendor.clock()
    vendor.source().token()
    assert [asked.status for asked in vendor.token_requests] == [429, 429, 200]
    assert vendor.clock() - before >= 4


def test_a_fault_lasts_until_it_is_cleared(vendor: FakeVendor) -> None:
    vendor.faults.unavailable(retry_after=1)
    source = vendor.source()
    with pytest.raises(Refused) as caught:
        source.token()
    assert caught.value.status == 503
    vendor.faults.clear()
    vendor.clock.advance(120)
    assert source.token()


def test_a_quota_is_counted_per_day_and_told(vendor: FakeVendor) -> None:
    vendor.quota = 2
    for _ in range(2):
        vendor.source().token()
    assert vendor.source().status().allowances[0].remaining == 0
    with pytest.raises(HeldBack):
        vendor.source().token()
    answer = httpx2.post(
        vendor.token_url,
        data={"grant_type": "client_credentials"},
        auth=(vendor.client_id, vendor.client_secret),
    )
    assert (answer.status_code, answer.json()["error"]) == (429, "quota_exceeded")
    assert answer.headers["ratelimit"].startswith('"daily";r=0')
    vendor.clock.advance(int(answer.headers["retry-after"]))
    assert vendor.source().token()


def test_the_days_allowance_may_be_gone_at_once(vendor: FakeVendor) -> None:
    vendor.faults.quota_used_up(retry_after=7200)
    with pytest.raises(Refused) as caught:
        vendor.source().token()
    assert (caught.value.code, caught.value.retry_at) == ("quota_exceeded", NOW + 7200)


@pytest.mark.parametrize("fault", ["html", "redirect"])
def test_an_answer_that_is_none_makes_no_sense(vendor: FakeVendor, fault: str) -> None:
    if fault == "html":
        vendor.faults.html()
    else:
        vendor.faults.redirect("http://elsewhere.example/token")
    with pytest.raises(NoSense):
        vendor.source().token()


@pytest.mark.parametrize("fault", ["hang", "dropped"])
def test_no_answer_is_an_unreachable_vendor(vendor: FakeVendor, fault: str) -> None:
    getattr(vendor.faults, fault)(times=3)
    with pytest.raises((Unreachable, NoSense)):
        vendor.source(time_limit=1).token()
    until(lambda: vendor.token_requests)
    assert {asked.status for asked in vendor.token_requests} == {None}


def test_a_slow_answer_still_comes_and_another_fault_may_follow_it(
    vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float | None] = []

    class Ending(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout)
            return False

    monkeypatch.setattr(vendor.faults, "_closing", Ending())
    vendor.faults.slow(20, times=2)
    vendor.faults.slow(1, times=1)
    vendor.faults.rate_limited(times=1)
    vendor.source().token()
    assert waited == [20, 1, 20]
    assert [asked.status for asked in vendor.token_requests] == [429, 200]


def test_the_api_has_faults_of_its_own(vendor: FakeVendor) -> None:
    token = vendor.source().token().reveal()
    vendor.faults.rate_limited(retry_after=9, at="api", times=1)
    vendor.faults.forbidden(times=1)
    vendor.faults.answer(418, {"short": "stout"}, {"X-Kind": "teapot"}, at="api", times=1)
    limited, forbidden, odd, good = (call(vendor, token) for _ in range(4))
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "9")
    assert forbidden.status_code == 403 and "insufficient_scope" in forbidden.headers["www-authenticate"]
    assert (odd.status_code, odd.headers["x-kind"], odd.json()) == (418, "teapot", {"short": "stout"})
    assert good.status_code == 200
    vendor.assert_asked_once()


def test_a_fault_that_never_or_nowhere_happens_is_a_mistake(vendor: FakeVendor) -> None:
    with pytest.raises(ValueError, match="'times'"):
        vendor.faults.html(times=0)
    with pytest.raises(ValueError, match="'at'"):
        vendor.faults.html(at="moon")  # type: ignore[arg-type]


# --- what it remembers ------------------------------------------------------------------------------------------------


def test_a_herd_of_threads_asks_once_and_the_vendor_says_so(vendor: FakeVendor) -> None:
    vendor.faults.slow(0.05)
    source, barrier = vendor.source(), threading.Barrier(16)
    tokens: list[str] = []

    def run() -> None:
        barrier.wait()
        tokens.append(source.token().reveal())

    threads = [threading.Thread(target=run) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(tokens)) == 1 and len(tokens) == 16
    vendor.assert_asked_once()


def test_a_herd_of_tasks_asks_once_too(vendor: FakeVendor) -> None:
    async def herd() -> list[str]:
        source = vendor.source()
        return [token.reveal() for token in await asyncio.gather(*(source.atoken() for _ in range(16)))]

    assert len(set(asyncio.run(herd()))) == 1
    vendor.assert_asked_once()


def test_a_failed_assertion_lists_what_came_and_no_secret(vendor: FakeVendor) -> None:
    vendor.assert_not_asked()
    vendor.assert_called(0)
    vendor.source().token()
    with pytest.raises(AssertionError) as caught:
        vendor.assert_not_asked()
    assert str(caught.value) == "token requests: 1, not 0\n  Asked(POST /oauth/token, answered 200)"
    with pytest.raises(AssertionError, match=r"^calls of /api/x: 0, not 2$"):
        vendor.assert_called(2, "/api/x")
    vendor.forget()
    vendor.assert_not_asked()
    assert vendor.client_secret not in repr([vendor, vendor.requests, vendor._credentials])


def test_a_request_is_kept_whole(vendor: FakeVendor) -> None:
    token = vendor.source().token().reveal()
    httpx2.post(
        f"{vendor.api_url}/a%20b?x=1&x=2&y=",
        json={"n": 1},
        headers={"Authorization": f"Bearer {token}", "X-Own": "yes"},
    )
    (asked,) = vendor.api_requests
    assert (asked.method, asked.path, asked.query) == ("POST", "/api/a b", {"x": ["1", "2"], "y": [""]})
    assert (asked.header("x-own"), asked.header("X-None"), asked.json()) == ("yes", None, {"n": 1})
    assert asked.body == b'{"n":1}' and asked.at == NOW


def test_an_answer_of_ones_own_needs_a_good_token(vendor: FakeVendor) -> None:
    vendor.serve("/api/bookings/1", {"id": 1})
    vendor.serve("/api/echo", lambda asked: asked.query)
    token = vendor.source().token().reveal()
    assert call(vendor, token, "/bookings/1").json() == {"id": 1}
    assert call(vendor, token, "/echo?a=b").json() == {"a": ["b"]}
    assert call(vendor, "wrong", "/bookings/1").status_code == 401
    head = httpx2.head(f"{vendor.api_url}/bookings/1", headers={"Authorization": f"Bearer {token}"})
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "8")


def test_a_body_in_chunks_is_read_and_one_that_is_too_large_is_not(vendor: FakeVendor) -> None:
    token = vendor.source().token().reveal()
    bearer = {"Authorization": f"Bearer {token}"}
    answer = httpx2.post(vendor.api_url, content=iter([b"abc", b"de"]), headers=bearer)
    assert answer.json()["bytes"] == 5
    for framing in (
        f"Content-Length: {1 << 40}",
        "Content-Length: x",
        "Transfer-Encoding: chunked\r\n\r\nffffffff",
    ):
        with socket.create_connection(("127.0.0.1", int(vendor.url.rpartition(":")[2])), timeout=10) as raw:
            raw.sendall(f"POST /api HTTP/1.1\r\nHost: vendor\r\n{framing}\r\n\r\n".encode())
            assert raw.recv(1024) == b""
    vendor.assert_called(1)


# --- beginning and end ------------------------------------------------------------------------------------------------


def test_nothing_listens_after_the_end_and_ending_twice_is_harmless() -> None:
    with fake_vendor("omnissa") as vendor:
        folder, url = vendor.folder, vendor.jwks_url
        assert httpx2.get(url).status_code == 200
    vendor.close()
    assert not folder.exists()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(url)


def test_a_vendor_that_hangs_ends_at_once() -> None:
    with fake_vendor() as vendor, httpx2.Client(timeout=30) as client:
        vendor.faults.hang()
        failed: list[BaseException] = []

        def ask() -> None:
            try:
                client.post(vendor.token_url)
            except httpx2.TransportError as error:
                failed.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        until(lambda: vendor.requests)
        vendor.close()
        thread.join(30)
    assert failed


def test_a_client_that_goes_away_troubles_nobody(vendor: FakeVendor) -> None:
    vendor.faults.slow(0.05, at="api", times=1)
    with socket.create_connection(("127.0.0.1", int(vendor.url.rpartition(":")[2]))) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # ends by a reset
        raw.sendall(b"GET /api HTTP/1.1\r\nHost: vendor\r\n\r\n")
        until(lambda: vendor.requests)
    assert vendor.source().token()


def test_two_vendors_share_nothing(fake_vendor: Start) -> None:
    one, other = fake_vendor("standard"), fake_vendor("standard")
    token = one.source().token().reveal()
    assert call(one, token).status_code == 200
    assert call(other, token).status_code == 401
    other.assert_not_asked()
    assert one.url != other.url
