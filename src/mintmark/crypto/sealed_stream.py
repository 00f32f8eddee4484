"""A stream sealed in chunks: AES-256-GCM, each chunk bound to its place, the last one marked as the last.

So a stream that was cut, put in another order, mixed with another or changed anywhere does not open to its end, and
what was opened before the fault is not to be believed until the end was reached. The construction is STREAM (Hoang,
Reyhanitabar, Rogaway and Vizár, 2015). Each stream has a key of its own, derived from the given one and a salt, so
that nonces never repeat.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mintmark.crypto.seal import KEY_BYTES, Unsealable

SALT_BYTES = 32
#: Bytes of a chunk before it is sealed, at most.
LARGEST = 1 << 20
_MAGIC, _TAG = b"mintmark sealed stream 1\n", 16
_KEY_ID = re.compile(rb"[0-9a-f]{8}")
_MARK = 1 << 31


def seal(key: bytes, key_id: str, salt: bytes, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What to write, piece by piece, for `chunks` of LARGEST bytes at most.

    `key`: 32 bytes. `key_id`: 8 hexadecimal digits that name it, readable by anybody. `salt`: 32 fresh random bytes.
    Raises ValueError.
    """
    head = _MAGIC + key_id.encode() + salt
    if len(salt) != SALT_BYTES or _KEY_ID.fullmatch(key_id.encode()) is None:
        raise ValueError("a sealed stream needs a key id of 8 hexadecimal digits and a salt of 32 bytes")
    cipher = _cipher(key, salt)
    yield head
    number, held = 0, b""
    for chunk in chunks:
        if len(chunk) > LARGEST:
            raise ValueError(f"a chunk has {LARGEST} bytes at most")
        if number:
            yield _sealed(cipher, head, number - 1, held, last=False)
        number, held = number + 1, chunk
    yield _sealed(cipher, head, max(0, number - 1), held, last=True)


def unseal(key: bytes, key_id: str, read: Callable[[int], bytes]) -> Iterator[bytes]:
    """The chunks of a stream that `read(n)` reads (fewer bytes than asked for only at its end).

    Raises Unsealable, at the first chunk that is not what was sealed there, and when the end is not the stream's.
    """
    head = read(len(_MAGIC) + 8 + SALT_BYTES)
    if not head.startswith(_MAGIC) or len(head) != len(_MAGIC) + 8 + SALT_BYTES:
        raise Unsealable("This is not a sealed stream.")
    named = head[len(_MAGIC) : len(_MAGIC) + 8].decode("ascii", "replace")
    if named != key_id:
        raise Unsealable(
            f"This was sealed under the key-encryption key {named}, not under the present one, {key_id}: configure "
            "the key that the data was made with."
        )
    cipher = _cipher(key, head[-SALT_BYTES:])
    number = 0
    while True:
        frame = read(4)
        size = int.from_bytes(frame, "big") & (_MARK - 1)
        last = bool(int.from_bytes(frame, "big") & _MARK)
        if len(frame) == 4 and not _TAG <= size <= LARGEST + _TAG:
            raise Unsealable(f"The sealed stream was changed in its chunk {number + 1}.")
        body = read(size)
        if len(frame) < 4 or len(body) < size:
            raise Unsealable(f"The sealed stream ends too early, in its chunk {number + 1}.")
        try:
            chunk = cipher.decrypt(_nonce(number, last), body, head)
        except InvalidTag:
            raise Unsealable(f"The sealed stream was changed in its chunk {number + 1}.") from None
        if last and read(1):
            raise Unsealable("The sealed stream goes on after its end.")
        yield chunk
        if last:
            return
        number += 1


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise ValueError(f"the key of a sealed stream must be {KEY_BYTES} bytes")
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=salt, info=b"mintmark sealed stream").derive(key))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _sealed(cipher: AESGCM, head: bytes, number: int, chunk: bytes, *, last: bool) -> bytes:
    body = cipher.encrypt(_nonce(number, last), chunk, head)
    return (len(body) | (_MARK if last else 0)).to_bytes(4, "big") + body
