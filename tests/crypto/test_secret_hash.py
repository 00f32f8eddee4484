"""Digests of secrets: what verifies, what never does, and that a stored digest is worth nothing by itself."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.crypto.secret_hash import (
    CHEAPEST,
    MOST,
    OWASP,
    HashProfile,
    check_secret,
    digest_secret,
    dummy_digest,
    hash_password,
    is_acceptable,
    needs_rehash,
    verify_password,
)

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
ANY_TEXT = st.text(max_size=60)


@given(ANY_TEXT)
def test_a_secret_verifies_against_its_own_digest(text: str) -> None:
    assert check_secret(KEY, text, digest_secret(KEY, text))


@given(ANY_TEXT, ANY_TEXT)
def test_another_secret_does_not_verify(text: str, other: str) -> None:
    assert check_secret(KEY, other, digest_secret(KEY, text)) is (text == other)


def test_another_key_does_not_verify() -> None:
    assert not check_secret(OTHER_KEY, "mms1", digest_secret(KEY, "mms1"))


def test_the_digest_is_hmac_sha256_in_base64url() -> None:
    # RFC 4231, test case 2.
    assert (
        digest_secret(b"Jefe", "what do ya want for nothing?")
        == "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM"
    )


@pytest.mark.parametrize(
    "presented", [lambda digest: digest, lambda digest: digest + "=", lambda digest: digest.upper()]
)
def test_a_stored_digest_presented_as_the_secret_never_verifies(presented) -> None:
    digest = digest_secret(KEY, "mms123456")
    assert not check_secret(KEY, presented(digest), digest)
    password_digest = hash_password("open sesame", os.urandom, CHEAPEST)
    assert not verify_password(password_digest, presented(password_digest))


@pytest.mark.parametrize("digest", ["", "=", "é", "\ud800", "x" * 10_000])
def test_a_damaged_digest_verifies_nothing(digest: str) -> None:
    assert not check_secret(KEY, "", digest)
    assert not verify_password(digest, "")


def test_text_that_is_not_unicode_is_hashed_like_any_other() -> None:
    assert check_secret(KEY, "a\ud800", digest_secret(KEY, "a\ud800"))
    assert verify_password(hash_password("a\ud800", os.urandom, CHEAPEST), "a\ud800")


def test_a_password_verifies_and_another_does_not() -> None:
    digest = hash_password("correct horse", os.urandom, CHEAPEST)
    assert verify_password(digest, "correct horse")
    assert not verify_password(digest, "correct horsf")
    assert "correct" not in digest


def test_the_salt_is_what_entropy_gives() -> None:
    asked: list[int] = []

    def entropy(size: int) -> bytes:
        asked.append(size)
        return bytes(size)

    assert hash_password("p", entropy, CHEAPEST) == hash_password("p", entropy, CHEAPEST)
    assert asked == [16, 16]
    assert hash_password("p", os.urandom, CHEAPEST) != hash_password("p", os.urandom, CHEAPEST)


def test_the_default_profile_is_argon2id_with_19_mib_and_two_passes() -> None:
    assert hash_password("p", os.urandom).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert HashProfile(19456, 2, 1) == OWASP


def test_a_digest_of_another_profile_wants_to_be_made_again() -> None:
    cheap = hash_password("p", os.urandom, CHEAPEST)
    assert needs_rehash(cheap)
    assert not needs_rehash(cheap, CHEAPEST)
    assert needs_rehash("not argon2 at all")


@pytest.mark.parametrize("profile", [CHEAPEST, OWASP])
def test_the_dummy_costs_the_same_and_matches_nobody(profile: HashProfile) -> None:
    assert not needs_rehash(dummy_digest(profile), profile)
    assert not verify_password(dummy_digest(profile), "")
    assert not verify_password(dummy_digest(profile), dummy_digest(profile))


@pytest.mark.parametrize("profile", [CHEAPEST, OWASP, MOST, HashProfile(19456, 3, 2)])
def test_a_digest_from_elsewhere_is_taken_when_checking_it_costs_little(profile: HashProfile) -> None:
    assert is_acceptable(dummy_digest(profile))


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "secret",
        dummy_digest(HashProfile(65537, 2, 1)),
        dummy_digest(HashProfile(19456, 5, 1)),
        dummy_digest(HashProfile(19456, 2, 5)),
        dummy_digest(HashProfile(7, 1, 1)),
        dummy_digest().replace("argon2id", "argon2i"),
        dummy_digest().replace("v=19", "v=16"),
        dummy_digest() + "\n",
        dummy_digest()[:60],
        "$2b$12$abcdefghijklmnopqrstuuN2zj0j8N6zOQx4gq8jYxY3r8uXK6b3G",
    ],
)
def test_another_digest_from_elsewhere_is_not_taken(digest: str) -> None:
    assert not is_acceptable(digest)
