"""A sealed stream opens to its end, or somebody cut, reordered, mixed or changed it, or has another key."""

from __future__ import annotations

import io
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark.crypto.seal import Unsealable
from mintmark.crypto.sealed_stream import LARGEST, SALT_BYTES, seal, unseal

KEY, KEY_ID, SALT = b"k" * 32, "0123abcd", b"s" * SALT_BYTES
CHUNKS = [b"one", b"", b"three" * 100, b"four"]


def sealed(chunks: Iterable[bytes] = CHUNKS, *, key: bytes = KEY, salt: bytes = SALT) -> list[bytes]:
    """The head, and a piece for each chunk."""
    return list(seal(key, KEY_ID, salt, chunks))


def opened(text: bytes, *, key: bytes = KEY, key_id: str = KEY_ID) -> list[bytes]:
    return list(unseal(key, key_id, io.BytesIO(text).read))


@given(st.lists(st.binary(max_size=2000), max_size=6))
def test_what_was_sealed_opens(chunks: list[bytes]) -> None:
    assert opened(b"".join(sealed(chunks))) == (chunks or [b""])


def test_nothing_of_the_content_can_be_read() -> None:
    assert b"three" not in b"".join(sealed())


@given(st.integers(min_value=0))
def test_a_stream_that_was_cut_anywhere_is_found(place: int) -> None:
    whole = b"".join(sealed())
    with pytest.raises(Unsealable):
        opened(whole[: place % len(whole)])


@given(st.integers(min_value=0), st.integers(0, 7))
def test_a_changed_bit_anywhere_is_found(place: int, bit: int) -> None:
    whole = bytearray(b"".join(sealed()))
    whole[place % len(whole)] ^= 1 << bit
    with pytest.raises(Unsealable):
        opened(bytes(whole))


@pytest.mark.parametrize(
    "order",
    [
        (0, 2, 1, 3, 4),
        (0, 1, 2, 4),
        (0, 1, 2, 3),
        (0, 4),
        (0, 1, 1, 2, 3, 4),
        (0, 1, 2, 3, 4, 4),
        (0, 1, 2, 4, 3),
        (0,),
    ],
)
def test_chunks_that_are_missing_moved_or_there_twice_are_found(order: tuple[int, ...]) -> None:
    pieces = sealed()
    with pytest.raises(Unsealable):
        opened(b"".join(pieces[number] for number in order))


def test_a_chunk_of_another_stream_is_found() -> None:
    pieces, other = sealed(), sealed(salt=b"t" * SALT_BYTES)
    with pytest.raises(Unsealable, match="chunk 2"):
        opened(b"".join([*pieces[:2], other[2], *pieces[3:]]))


def test_more_behind_the_end_is_found() -> None:
    with pytest.raises(Unsealable, match="goes on after its end"):
        opened(b"".join(sealed()) + b"\0")


def test_another_key_is_named() -> None:
    text = b"".join(sealed())
    with pytest.raises(Unsealable, match=r"under the key-encryption key 0123abcd, not .* ffffffff"):
        opened(text, key_id="ffffffff")
    with pytest.raises(Unsealable, match="changed in its chunk 1"):
        opened(text, key=b"l" * 32)


def test_what_is_no_sealed_stream_is_said_to_be_none() -> None:
    for text in (b"", b"mintmark", b"x" * 500):
        with pytest.raises(Unsealable, match="not a sealed stream"):
            opened(text)


def test_two_streams_of_the_same_content_have_nothing_in_common() -> None:
    one, other = sealed(), sealed(salt=b"t" * SALT_BYTES)
    assert all(mine != theirs for mine, theirs in zip(one, other, strict=True))


def test_what_cannot_be_sealed_is_refused() -> None:
    for key, key_id, salt, chunks in (
        (b"short", KEY_ID, SALT, CHUNKS),
        (KEY, "nothex", SALT, CHUNKS),
        (KEY, KEY_ID, b"short", CHUNKS),
        (KEY, KEY_ID, SALT, [bytes(LARGEST + 1)]),
    ):
        with pytest.raises(ValueError, match=r"sealed stream|chunk"):
            list(seal(key, key_id, salt, chunks))
