"""Request ids: ours sort by time; a proxy's is taken over only in a form that is safe in a log."""

from __future__ import annotations

import pytest

from mintmark.web.callers import Callers
from mintmark.web.peer import TrustedProxies
from mintmark.web.request_id import acceptable, new_request_id

SENT = [(b"x-request-id", b"proxy-0001")]


def zeros(count: int) -> bytes:
    return bytes(count)


def ones(count: int) -> bytes:
    return b"\xff" * count


def test_is_26_characters_of_crockfords_base_32() -> None:
    assert new_request_id(0, zeros) == "0" * 26
    assert new_request_id(1_469_918_176.385, zeros) == "01ARYZ6S41" + "0" * 16
    assert new_request_id(0, ones) == "0" * 10 + "Z" * 16


def test_sorts_by_time_whatever_the_randomness() -> None:
    assert new_request_id(1_800_000_000.001, zeros) > new_request_id(1_800_000_000.0, ones)


@pytest.mark.parametrize("value", [b"12345678", b"a" * 64, b"A-b_c.d9"])
def test_accepts_a_plain_identifier(value: bytes) -> None:
    assert acceptable(value) == value.decode()


@pytest.mark.parametrize(
    "value", [b"", b"1234567", b"a" * 65, b"with space", b"new\nline1", b'quote"12', b"\xe9" * 9]
)
def test_refuses_what_does_not_belong_in_a_log(value: bytes) -> None:
    assert acceptable(value) is None


def test_takes_over_the_identifier_of_a_trusted_proxy_alone() -> None:
    callers = Callers(TrustedProxies.parse(["10.0.0.1"]), zeros)
    assert callers.identify("10.0.0.1", SENT, 0).request_id == "proxy-0001"
    assert callers.identify("10.0.0.2", SENT, 0).request_id == "0" * 26
    assert Callers(TrustedProxies(), zeros).identify("10.0.0.1", SENT, 0).request_id == "0" * 26


def test_makes_its_own_when_a_proxy_sends_two_or_an_unsafe_one() -> None:
    callers = Callers(TrustedProxies.parse(["10.0.0.1"]), zeros)
    assert callers.identify("10.0.0.1", SENT * 2, 0).request_id == "0" * 26
    assert callers.identify("10.0.0.1", [(b"x-request-id", b"<script>1")], 0).request_id == "0" * 26
