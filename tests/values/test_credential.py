"""A credential's life, second by second."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from mintmark.values.credential import ApiToken, LegacyToken, SecretVersion, SignatureKey, state_at

END = 1_800_000_000
SECRET = SecretVersion("acme/production", "c1", "abc123", "hmac", "digest")
API_TOKEN = ApiToken("acme/production", "t1", "digest", "https://api.example", ("read",))
LEGACY = LegacyToken("acme/production", "t1", "argon2id", "digest", "https://api.example", ("read",))
SIGNATURE = SignatureKey("acme/production", "k1", "sealed", "https://api.example", ("profile:own",))


@pytest.mark.parametrize(
    "credential", [SECRET, API_TOKEN, LEGACY, SIGNATURE], ids=lambda each: type(each).__name__
)
def test_without_an_end_it_is_active_always(credential: Any) -> None:
    for now in (0, END, 1e12):
        assert credential.state(now) == "active"


@pytest.mark.parametrize(
    "credential", [SECRET, API_TOKEN, LEGACY, SIGNATURE], ids=lambda each: type(each).__name__
)
@pytest.mark.parametrize(("field", "after"), [("expires_at", "expired"), ("revoked_at", "revoked")])
def test_an_end_is_exclusive(credential: Any, field: str, after: str) -> None:
    ending = replace(credential, **{field: END})
    assert [ending.state(END + at) for at in (-1, -0.001, 0, 1)] == ["active", "active", after, after]


@pytest.mark.parametrize("credential", [SECRET, SIGNATURE], ids=lambda each: type(each).__name__)
def test_it_retires_until_its_overlap_ends(credential: Any) -> None:
    ending = replace(credential, retires_at=END)
    assert [ending.state(END + at) for at in (-1, 0, 1)] == ["retiring", "expired", "expired"]


def test_a_retiring_secret_still_authenticates_and_an_ended_one_does_not() -> None:
    assert SECRET.live(END)
    retiring = replace(SECRET, retires_at=END)
    assert [retiring.live(END + at) for at in (-1, 0, 1)] == [True, False, False]
    revoked = replace(SECRET, revoked_at=END)
    assert [revoked.live(END + at) for at in (-1, 0, 1)] == [True, False, False]
    expiring = replace(SECRET, expires_at=END)
    assert [expiring.live(END + at) for at in (-1, 0, 1)] == [True, False, False]


@pytest.mark.parametrize(
    ("retires", "expires", "revoked", "state"),
    [
        (END + 9, END + 9, END, "revoked"),
        (END, END, END, "revoked"),
        (END + 9, END, END + 9, "expired"),
        (END, END + 9, END + 9, "expired"),
        (END + 1, END + 9, END + 9, "retiring"),
        (None, END + 9, END + 9, "active"),
    ],
)
def test_revoked_beats_expired_beats_retiring(
    retires: int | None, expires: int | None, revoked: int | None, state: str
) -> None:
    assert state_at(END, retires, expires, revoked) == state


def test_records_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        SECRET.digest = "other"  # type: ignore[misc]
