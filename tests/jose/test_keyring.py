"""Which key signs, which are published, second by second; and that a rotation refuses no token."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mintmark.jose.access_token import build, verify
from mintmark.jose.jwk import KeyFault, generate
from mintmark.jose.keyring import Keyring, Rotation, SigningKeyLife, next_rotation
from mintmark.values.tenancy import SigningKey
from tests.jose.samples import EXPECTATION, NOW, claims, key

DAY = 86400


def life(
    number: int = 0,
    algorithm: str = "ES256",
    *,
    published: int = NOW,
    signs: int = NOW,
    retires: int | None = None,
    removed: int | None = None,
) -> SigningKeyLife:
    private = key(algorithm, number)
    record = SigningKey(
        "acme/production",
        private.kid,
        private.algorithm,
        json.dumps(private.public().jwk()),
        "sealed",
        published,
        signs,
        retires,
        removed,
    )
    return SigningKeyLife(record, private)


def signer(ring: Keyring, now: float, algorithm: str = "ES256") -> str | None:
    try:
        return ring.signer(algorithm, now).kid  # type: ignore[arg-type]
    except LookupError:
        return None


def kids(ring: Keyring, now: float) -> list[str]:
    return [jwk["kid"] for jwk in ring.published(now)]


def test_a_key_signs_from_its_second_until_before_the_end() -> None:
    ring = Keyring((life(published=NOW - 10, retires=NOW + 10),))
    kid = key("ES256").kid
    assert [signer(ring, NOW + at) for at in (-1, 0, 1, 9, 10, 11)] == [None, kid, kid, kid, None, None]


def test_a_key_is_published_until_before_the_end_and_at_once_where_the_clock_is_behind_its_makers() -> None:
    ring = Keyring((life(published=NOW, signs=NOW + 5, retires=NOW + 6, removed=NOW + 10),))
    kid = key("ES256").kid
    for at, expected in ((-30, [kid]), (-1, [kid]), (0, [kid]), (9, [kid]), (10, []), (11, [])):
        assert kids(ring, NOW + at) == expected
        assert (ring.public_key(kid, NOW + at) is not None) == bool(expected)


def test_a_key_that_is_not_published_does_not_sign() -> None:
    assert signer(Keyring((life(published=NOW + 5, signs=NOW),)), NOW + 4) is None
    assert signer(Keyring((life(published=NOW + 5, signs=NOW),)), NOW + 5) == key("ES256").kid
    assert signer(Keyring((life(removed=NOW + 5),)), NOW + 4) == key("ES256").kid
    assert signer(Keyring((life(removed=NOW + 5),)), NOW + 5) is None


def test_the_newest_key_signs() -> None:
    ring = Keyring((life(0), life(1, published=NOW, signs=NOW + 100)))
    assert signer(ring, NOW + 99) == key("ES256", 0).kid
    assert signer(ring, NOW + 100) == key("ES256", 1).kid
    assert signer(ring, NOW + 10 * DAY) == key("ES256", 1).kid


def test_when_the_newest_key_ends_early_the_older_one_signs_again() -> None:
    ring = Keyring((life(0), life(1, signs=NOW + 100, retires=NOW + 200)))
    assert signer(ring, NOW + 199) == key("ES256", 1).kid
    assert signer(ring, NOW + 200) == key("ES256", 0).kid


def test_algorithms_are_kept_apart() -> None:
    ring = Keyring((life(0, "ES256"), life(0, "RS256")))
    assert ring.signer("ES256", NOW).algorithm == "ES256"
    assert ring.signer("RS256", NOW).algorithm == "RS256"
    with pytest.raises(LookupError, match="No EdDSA key of this issuer signs now"):
        ring.signer("EdDSA", NOW)


def test_an_empty_ring_publishes_nothing() -> None:
    ring = Keyring(())
    assert ring.published(NOW) == []
    assert signer(ring, NOW) is None


def test_published_keys_come_newest_first_and_are_public() -> None:
    ring = Keyring((life(0), life(1, signs=NOW + 100), life(0, "RS256", signs=NOW + 50)))
    assert kids(ring, NOW) == [key("ES256", 1).kid, key("RS256").kid, key("ES256", 0).kid]
    assert all("d" not in jwk for jwk in ring.published(NOW))


@pytest.mark.parametrize("kid", [None, "", "unknown"])
def test_no_other_kid_has_a_key(kid: str | None) -> None:
    assert Keyring((life(),)).public_key(kid, NOW) is None


def test_a_kid_twice_is_refused() -> None:
    with pytest.raises(KeyFault, match="same kid"):
        Keyring((life(), life(signs=NOW + 1)))


def test_a_record_and_its_key_must_be_of_one_key() -> None:
    good = life()
    other = key("ES256", 1)
    for record in (
        replace(good.record, kid="other"),
        replace(good.record, algorithm="RS256"),
        replace(good.record, public=json.dumps(other.public().jwk())),
        replace(good.record, public="{}"),
    ):
        with pytest.raises(KeyFault, match="does not match its record"):
            SigningKeyLife(record, good.private)


def test_loads_from_the_unsealed_key() -> None:
    good = life()
    loaded = SigningKeyLife.load(good.record, good.private.to_der())
    assert loaded.private.public() == good.private.public()
    with pytest.raises(KeyFault):
        SigningKeyLife.load(good.record, key("ES256", 1).to_der())


def test_a_life_shows_no_private_key() -> None:
    assert "private" not in repr(life())


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9), st.integers(0, 9), st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)
        ),
        max_size=4,
    ),
    st.integers(-1, 10),
)
@settings(max_examples=200)
def test_the_signer_is_the_newest_key_that_signs(
    times: list[tuple[int, int, int | None, int | None]], now: int
) -> None:
    lives = [
        life(number, published=published, signs=signs, retires=retires, removed=removed)
        for number, (published, signs, retires, removed) in enumerate(times)
    ]
    able = [each for each in lives if each.signs(now)]
    best = max(able, key=lambda each: (each.record.signs_at, each.record.kid), default=None)
    assert signer(Keyring(tuple(lives)), now) == (best.record.kid if best else None)


def test_a_rotation_publishes_at_once_and_changes_later() -> None:
    times = next_rotation(NOW, publish_ahead=600, max_lifetime=3600, skew=60)
    assert times == Rotation(NOW, NOW + 600, NOW + 600, NOW + 600 + 3600 + 60)


@pytest.mark.parametrize("wrong", [{"publish_ahead": -1}, {"max_lifetime": -1}, {"skew": -1}], ids=str)
def test_a_rotation_takes_no_negative_times(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="negative"):
        next_rotation(NOW, **({"publish_ahead": 0, "max_lifetime": 0} | wrong))


def test_retiring_sets_both_ends() -> None:
    retired = next_rotation(NOW, publish_ahead=10, max_lifetime=100, skew=0).retire(life().record)
    assert (retired.retires_at, retired.removed_at) == (NOW + 10, NOW + 110)


def test_a_key_that_retires_earlier_keeps_its_times() -> None:
    record = replace(life().record, retires_at=NOW + 5, removed_at=NOW + 50)
    assert next_rotation(NOW, publish_ahead=10, max_lifetime=100).retire(record) == record


def test_a_retired_key_that_nobody_removes_gets_its_end() -> None:
    record = replace(life().record, retires_at=NOW + 5)
    retired = next_rotation(NOW, publish_ahead=10, max_lifetime=100, skew=0).retire(record)
    assert (retired.retires_at, retired.removed_at) == (NOW + 5, NOW + 110)


def test_a_key_that_retires_later_is_brought_forward() -> None:
    record = replace(life().record, retires_at=NOW + 50, removed_at=NOW + 500)
    retired = next_rotation(NOW, publish_ahead=10, max_lifetime=100, skew=0).retire(record)
    assert (retired.retires_at, retired.removed_at) == (NOW + 10, NOW + 110)


def test_no_token_is_refused_around_a_rotation_and_there_is_always_a_signer() -> None:
    ahead, lifetime = 20, 30
    times = next_rotation(NOW, publish_ahead=ahead, max_lifetime=lifetime, skew=0)
    old = life(0, published=NOW - DAY, signs=NOW - DAY)
    new = life(1, published=times.published_at, signs=times.signs_at)
    ring = Keyring((SigningKeyLife(times.retire(old.record), old.private), new))
    for issued in range(NOW, NOW + 60):
        token = build(
            claims(iat=issued, nbf=issued, exp=issued + lifetime), ring.signer("ES256", issued), "at+jwt"
        )
        for at in (issued, issued + lifetime - 1):
            verify(token, lambda kid, at=at: ring.public_key(kid, at), EXPECTATION, at)  # type: ignore[misc]
    assert kids(ring, times.removed_at - 1) == [new.record.kid, old.record.kid]
    assert kids(ring, times.removed_at) == [new.record.kid]


def test_a_key_is_known_to_verifiers_before_it_signs() -> None:
    times = next_rotation(NOW, publish_ahead=600, max_lifetime=3600)
    new = life(1, published=times.published_at, signs=times.signs_at)
    ring = Keyring((life(0, published=NOW - DAY, signs=NOW - DAY), new))
    known_by_then = kids(ring, times.signs_at - 600)
    assert ring.signer("ES256", times.signs_at).kid in known_by_then


def test_fresh_keys_differ() -> None:
    assert generate("EdDSA").kid != generate("EdDSA").kid
