"""Seals: what opens where, and that nothing changed, moved or foreign ever does."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.crypto.seal import NONCE_BYTES, Seal, Unsealable, derive

KEK = bytes(range(32))
SEAL = Seal(derive(KEK, "seal"))
NONCE = bytes(NONCE_BYTES)
CONTEXT = "signing_key:acme/production/1"


@given(st.binary(max_size=300), st.text(max_size=40), st.binary(min_size=12, max_size=12))
def test_what_was_sealed_opens_in_its_context(plaintext: bytes, context: str, nonce: bytes) -> None:
    assert SEAL.unseal(SEAL.seal(plaintext, context, nonce), context) == plaintext


def test_a_seal_does_not_open_in_another_context() -> None:
    sealed = SEAL.seal(b"private", CONTEXT, NONCE)
    with pytest.raises(Unsealable, match="another record"):
        SEAL.unseal(sealed, "signing_key:acme/staging/1")


@given(st.data())
def test_a_seal_with_one_bit_changed_does_not_open(data: st.DataObject) -> None:
    head, body = SEAL.seal(b"private", CONTEXT, NONCE).rsplit(".", 1)
    raw = bytearray(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    changed = f"{head}.{base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}"
    with pytest.raises(Unsealable):
        SEAL.unseal(changed, CONTEXT)


def test_another_key_is_named_as_the_reason() -> None:
    other = Seal(derive(bytes(32), "seal"))
    with pytest.raises(Unsealable, match="under the key-encryption key"):
        other.unseal(SEAL.seal(b"private", CONTEXT, NONCE), CONTEXT)


def test_a_key_id_put_in_place_of_another_does_not_help() -> None:
    other = Seal(derive(bytes(32), "seal"))
    theirs, ours = other.seal(b"x", CONTEXT, NONCE), SEAL.seal(b"x", CONTEXT, NONCE)
    with pytest.raises(Unsealable, match="was changed"):
        SEAL.unseal(".".join([*ours.split(".")[:2], theirs.split(".")[2]]), CONTEXT)


@pytest.mark.parametrize(
    "text", ["", "x", "mm1.", "mm1.00000000.", "mm2.00000000.AAAA", "mm1.0000000g.AAAA", "mm1.00000000.A\n"]
)
def test_text_that_is_no_seal_is_refused_as_such(text: str) -> None:
    with pytest.raises(Unsealable, match="not a sealed text"):
        SEAL.unseal(text, CONTEXT)


@pytest.mark.parametrize("body", ["A", "AAAA", "AAAAAAAAAAAAAAAAAAAA"])
def test_a_seal_cut_short_does_not_open(body: str) -> None:
    key_id = SEAL.seal(b"", CONTEXT, NONCE).split(".")[1]
    with pytest.raises(Unsealable, match="was changed"):
        SEAL.unseal(f"mm1.{key_id}.{body}", CONTEXT)


def test_neither_key_nor_content_is_ever_shown() -> None:
    sealed = SEAL.seal(b"private", CONTEXT, NONCE)
    assert derive(KEK, "seal").hex() not in repr(SEAL)
    assert "private" not in sealed
    with pytest.raises(Unsealable) as refused:
        SEAL.unseal(sealed, "elsewhere")
    assert "private" not in str(refused.value)


def test_each_purpose_has_its_own_key() -> None:
    keys = {derive(KEK, "secrets"), derive(KEK, "seal"), derive(KEK, "fingerprint")}
    assert len(keys) == 3
    assert all(len(key) == 32 for key in keys)
    assert KEK not in keys


@pytest.mark.parametrize("size", [0, 31, 33])
def test_keys_and_nonces_of_another_size_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        derive(bytes(size), "seal")
    with pytest.raises(ValueError, match="32 bytes"):
        Seal(bytes(size))
    with pytest.raises(ValueError, match="12 bytes"):
        SEAL.seal(b"", CONTEXT, bytes(size))
