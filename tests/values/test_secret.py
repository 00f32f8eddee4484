"""A secret never shows itself, and the format of generated secrets can be told from anything else."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import pickle
import string
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.values import secret as module
from mintmark.values.secret import (
    ALPHABET,
    API_TOKEN,
    CLIENT_SECRET,
    SIGNATURE_KEY,
    Secret,
    SecretShape,
    new_identifier,
    new_secret,
    set_fingerprint_key,
    shape_of,
)

TEXT = "correct-horse-battery"


@pytest.fixture(autouse=True)
def no_fingerprint_key() -> Iterator[None]:
    before = module._fingerprint_key
    set_fingerprint_key(None)
    yield
    set_fingerprint_key(before)


def entropy(seed: int) -> Callable[[int], bytes]:
    """The same bytes for the same seed."""
    return hashlib.shake_128(seed.to_bytes(40, "big")).digest


@dataclass(frozen=True)
class Holder:
    inner: Secret


SHOWN: dict[str, Callable[[Secret], object]] = {
    "str": str,
    "repr": repr,
    "format": "{}".format,
    "a format with a width": "{:>40}".format,
    "a format of repr": "{!r}".format,
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031
    "a list": lambda secret: str([secret]),
    "a dict": lambda secret: str({"client_secret": secret}),
    "a dataclass": lambda secret: repr(Holder(secret)),
    "a dataclass as a dict": lambda secret: repr(asdict(Holder(secret))),
    "pickle": lambda secret: pickle.dumps(secret).decode("latin-1"),
    "copy": lambda secret: copy.copy(secret).reveal(),
    "deepcopy": lambda secret: copy.deepcopy(secret).reveal(),
    "json": lambda secret: json.dumps({"a": secret}, default=str),
    "a log record": lambda secret: logging.LogRecord("x", 20, "x", 1, "%s", (secret,), None).getMessage(),
    "an exception": lambda secret: "".join(traceback.format_exception(ValueError(secret))),
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN.keys())
def test_a_secret_never_shows_its_text(show: Callable[[Secret], object]) -> None:
    shown = str(show(Secret(TEXT)))
    assert TEXT not in shown
    assert "***" in shown


def test_json_does_not_take_a_secret() -> None:
    with pytest.raises(TypeError):
        json.dumps(Secret(TEXT))


def test_reveal_gives_the_text() -> None:
    assert Secret(TEXT).reveal() == TEXT


def test_a_mask_without_a_key_tells_nothing() -> None:
    assert Secret(TEXT).mask() == Secret("another").mask() == "***"


def test_a_mask_with_a_key_tells_secrets_apart_and_depends_on_the_key() -> None:
    set_fingerprint_key(b"first")
    mask = Secret(TEXT).mask()
    assert mask == str(Secret(TEXT))
    assert mask.startswith("***")
    assert len(mask) == 7
    assert set(mask[3:]) <= set(string.hexdigits)
    assert Secret("another").mask() != mask
    set_fingerprint_key(b"second")
    assert Secret(TEXT).mask() != mask


def test_a_lone_surrogate_can_be_masked_and_compared() -> None:
    set_fingerprint_key(b"key")
    assert Secret("\ud800").mask().startswith("***")
    assert Secret("\ud800") == Secret("\ud800")
    assert Secret("\ud800") != Secret("\ud801")


def test_secrets_compare_with_secrets_only() -> None:
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret(TEXT) != Secret(TEXT + "x")
    assert Secret(TEXT) != TEXT
    assert Secret(TEXT) != TEXT


def test_a_secret_cannot_be_hashed() -> None:
    with pytest.raises(TypeError):
        hash(Secret(TEXT))


def test_an_empty_secret_is_false() -> None:
    assert not Secret("")
    assert Secret("0")


def test_the_attributes_of_a_secret_are_closed() -> None:
    assert not hasattr(Secret(TEXT), "__dict__")


@given(st.integers(0, 2**320 - 1), st.sampled_from([CLIENT_SECRET, API_TOKEN, SIGNATURE_KEY]))
def test_a_generated_secret_is_40_letters_and_digits_with_its_version_inside(seed: int, prefix: str) -> None:
    version = new_identifier(entropy(seed), 6)
    text = new_secret(prefix, version, entropy(seed)).reveal()
    assert len(text) == 40
    assert set(text) <= set(ALPHABET)
    assert shape_of(text) == SecretShape(prefix, version)


@pytest.mark.parametrize("seed", range(3))
def test_every_slip_of_one_character_is_noticed(seed: int) -> None:
    text = new_secret(CLIENT_SECRET, "abc123", entropy(seed * 7919 + 1)).reveal()
    for at, old in enumerate(text):
        for new in {ALPHABET[(ALPHABET.index(old) + step) % 62] for step in (1, 2, 9, 30)}:
            assert shape_of(text[:at] + new + text[at + 1 :]) is None


def test_two_neighbours_swapped_are_noticed() -> None:
    text = new_secret(CLIENT_SECRET, "abc123", entropy(123456789)).reveal()
    for at in range(len(text) - 1):
        swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        assert (shape_of(swapped) is None) == (swapped != text)


@pytest.mark.parametrize("spoil", ["{}\n", " {}", "{}A", "x{}", "", "{}{}"])
def test_nothing_may_stand_around_a_generated_secret(spoil: str) -> None:
    text = new_secret(CLIENT_SECRET, "abc123", entropy(5)).reveal()
    assert shape_of(text) is not None
    assert shape_of(spoil.format(text, text)) is None


@given(st.text(max_size=60))
def test_any_other_text_has_no_shape(text: str) -> None:
    assert shape_of(text) is None


def test_digits_of_other_scripts_are_no_digits() -> None:
    text = new_secret(CLIENT_SECRET, "abc123", entropy(5)).reveal()
    assert shape_of(text[:5] + "\N{ARABIC-INDIC DIGIT ONE}" + text[6:]) is None


@pytest.mark.parametrize(
    ("prefix", "version"),
    [("abc", "abc123"), ("MMS", "abc123"), ("mm", "abc123"), ("mms", "abc"), ("mms", "abc-23")],
)
def test_prefix_and_version_must_fit_the_format(prefix: str, version: str) -> None:
    with pytest.raises(ValueError, match="version id of 6"):
        new_secret(prefix, version, entropy(1))


@pytest.mark.parametrize(
    ("lower", "allowed"), [(False, ALPHABET), (True, string.digits + string.ascii_lowercase)]
)
@pytest.mark.parametrize("length", [1, 6, 27])
def test_identifiers_use_their_whole_alphabet(lower: bool, allowed: str, length: int) -> None:
    seen = set()
    for seed in range(400):
        text = new_identifier(entropy(seed), length, lower=lower)
        assert len(text) == length
        seen |= set(text)
    assert seen == set(allowed)


def test_an_identifier_takes_enough_entropy() -> None:
    asked = []

    def count_only(count: int) -> bytes:
        asked.append(count)
        return bytes(count)

    new_secret(CLIENT_SECRET, "abc123", count_only)
    assert asked[0] * 8 >= 160 + 64, "160 random bits, and 64 more against bias"
