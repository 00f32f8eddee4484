"""The cache of verified tokens: bounded, and kind to what is used."""

from __future__ import annotations

import pytest

from mintmark.resource_server.seen_tokens import SeenTokens


def test_it_is_bounded_whatever_comes() -> None:
    seen: SeenTokens[int] = SeenTokens(100)
    for number in range(10_000):
        seen.put(number.to_bytes(4, "big"), number)
        assert len(seen) <= 100
    assert seen.get((9_999).to_bytes(4, "big")) == 9_999
    assert seen.get((0).to_bytes(4, "big")) is None


def test_what_is_used_stays() -> None:
    seen: SeenTokens[int] = SeenTokens(100)
    seen.put(b"used", 1)
    for number in range(10_000):
        seen.put(number.to_bytes(4, "big"), number)
        assert seen.get(b"used") == 1


def test_what_is_dropped_is_gone_from_both_halves() -> None:
    seen: SeenTokens[int] = SeenTokens(4)
    for name in (b"a", b"b", b"c"):
        seen.put(name, 1)
    for name in (b"a", b"c"):
        seen.drop(name)
        assert seen.get(name) is None
    seen.drop(b"never there")
    assert seen.get(b"b") == 1


def test_it_has_room_for_two() -> None:
    with pytest.raises(ValueError, match="two"):
        SeenTokens(1)
