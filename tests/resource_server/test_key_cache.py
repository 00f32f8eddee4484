"""Keys through time, on a clock that the test holds: ages, grace, unknown keys, failures."""

from __future__ import annotations

import json

import pytest

from mintmark.jose.jwk import KeyFault, PrivateKey, generate
from mintmark.resource_server.key_cache import MOST_UNKNOWN, KeyCache
from mintmark.values.errors import OAuthError

NOW = 1_800_000_000.0
KEY, OTHER = generate("ES256"), generate("ES256")


def document(*keys: PrivateKey) -> bytes:
    return json.dumps({"keys": [key.public().jwk() for key in keys]}).encode()


def warm(lifetime: float | None = None, *, max_age: float = 600, grace: float = 3600) -> KeyCache:
    cache = KeyCache(max_age=max_age, grace=grace)
    cache.accept(document(KEY), lifetime, NOW)
    return cache


def wants(cache: KeyCache, kid: str, now: float, *, under_way: bool = False) -> str:
    try:
        cache.want(kid, now, under_way=under_way)
    except OAuthError as error:
        return f"{error.status} {error.reason}"
    return "fetch"


@pytest.mark.parametrize(
    ("stated", "age"),
    [(None, 600), (300, 300), (600, 600), (601, 600), (1e10, 600), (60, 60), (59, 60), (0, 60)],
)
def test_the_issuers_word_on_age_holds_within_bounds(stated: float | None, age: int) -> None:
    cache = warm(stated)
    assert cache.key(KEY.kid, NOW + age - 1) is not None
    assert cache.key(KEY.kid, NOW + age) is None
    assert cache.key(KEY.kid, NOW + age + 1) is None


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_keys_are_due_before_they_are_old(jitter: float) -> None:
    cache = KeyCache(jitter=jitter)
    assert cache.due(NOW) == 0
    cache.accept(document(KEY), None, NOW)
    assert 360 <= cache.due(NOW) <= 480
    assert cache.due(NOW + 480) == 0
    assert cache.due(NOW - 1) == 0  # the clock was set back


def test_only_a_failing_issuer_extends_the_life_of_its_keys() -> None:
    cache = warm(grace=100)
    assert cache.key(KEY.kid, NOW + 600) is None
    cache.fail("no answer", NOW + 500)
    assert cache.key(KEY.kid, NOW + 600) is not None
    assert cache.key(KEY.kid, NOW + 699) is not None
    assert cache.key(KEY.kid, NOW + 700) is None
    cache.accept(document(OTHER), None, NOW + 701)
    assert cache.key(KEY.kid, NOW + 701) is None
    assert cache.key(OTHER.kid, NOW + 701) is not None
    assert (cache.failures, cache.last_fault) == (0, "")


def test_a_bad_document_changes_nothing() -> None:
    cache = warm()
    held = cache.held
    for bad in (b"", b"<html>", b'{"keys":[]}', b"{}", document(KEY)[:-1], document(KEY, KEY)):
        with pytest.raises(KeyFault):
            cache.accept(bad, None, NOW + 1)
    assert cache.held is held


def test_the_same_document_keeps_the_same_keys() -> None:
    cache = warm()
    keys = cache.held.keys if cache.held else None
    cache.accept(document(KEY), None, NOW + 300)
    assert cache.held is not None
    assert cache.held.keys is keys
    assert cache.held.old_at == NOW + 900


def test_an_unknown_key_costs_two_fetches_at_once_and_then_one_in_forty_seconds() -> None:
    cache = warm()
    assert [wants(cache, f"k{number}", NOW + 1) for number in range(3)] == [
        "fetch",
        "fetch",
        "503 keys_unavailable",
    ]
    with pytest.raises(OAuthError) as caught:
        cache.want("k", NOW + 2, under_way=False)
    assert caught.value.retry_after == 39
    assert wants(cache, "k", NOW + 40.9) == "503 keys_unavailable"
    assert wants(cache, "k", NOW + 41) == "fetch"


def test_never_more_than_three_fetches_for_unknown_keys_in_any_minute() -> None:
    cache = warm(max_age=3600)
    fetches = [second for second in range(1, 3000) if wants(cache, f"k{second}", NOW + second) == "fetch"]
    assert fetches[:2] == [1, 2]
    assert max(sum(start <= one < start + 60 for one in fetches) for start in range(3000)) <= 3


def test_a_fetch_under_way_is_joined_for_nothing() -> None:
    cache = warm()
    for number in range(10):
        assert wants(cache, f"k{number}", NOW + 1, under_way=True) == "fetch"
    assert wants(cache, "k", NOW + 1) == "fetch"


def test_a_key_that_a_newer_set_lacks_is_unknown_for_a_minute() -> None:
    cache = warm()
    cache.accept(document(KEY), None, NOW + 2)
    assert cache.missing("k", NOW + 2, NOW + 3).reason == "unknown_key"
    assert wants(cache, "k", NOW + 62) == "401 unknown_key"
    assert wants(cache, "k", NOW + 63) == "fetch"


def test_a_set_asked_for_before_the_token_came_decides_nothing() -> None:
    cache = warm()
    error = cache.missing("k", NOW + 1, NOW + 2)
    assert (error.status, error.reason) == (503, "keys_unavailable")
    assert wants(cache, "k", NOW + 3) == "fetch"


def test_unknown_keys_are_remembered_in_a_bounded_number() -> None:
    cache = warm()
    for number in range(MOST_UNKNOWN + 1):
        cache.missing(f"k{number}", NOW, NOW + 1)
    assert wants(cache, "k0", NOW + 1) == "fetch"
    assert wants(cache, "k1", NOW + 1) == "401 unknown_key"


def test_while_the_issuer_fails_an_unknown_key_is_503_and_asks_nothing() -> None:
    cache = warm()
    cache.fail("no answer", NOW + 1)
    assert {wants(cache, f"k{number}", NOW + 2) for number in range(10)} == {"503 keys_unavailable"}


def test_attempts_after_failures_come_ever_more_slowly_up_to_a_minute() -> None:
    cache = KeyCache(jitter=0.5)
    pauses = []
    for _ in range(10):
        cache.fail("no answer", NOW)
        pauses.append(cache.due(NOW))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert wants(cache, "k", NOW + 59) == "503 keys_unavailable"
    assert wants(cache, "k", NOW + 60) == "fetch"


@pytest.mark.parametrize(("stated", "pause"), [(0, 1), (7, 7), (60, 60), (86_400, 60)])
def test_the_issuers_retry_after_holds_up_to_a_minute(stated: float, pause: float) -> None:
    cache = KeyCache(jitter=0.5)
    cache.fail("busy", NOW, stated)
    assert cache.due(NOW) == pause


@pytest.mark.parametrize("options", [{"max_age": 59}, {"grace": -1}, {"jitter": 1.1}, {"jitter": -0.1}])
def test_bounds_of_the_options(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="grace"):
        KeyCache(**options)
