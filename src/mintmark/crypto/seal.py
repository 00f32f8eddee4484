"""Sealing at rest: AES-256-GCM under a key derived from the key-encryption key, bound to a context.

The context says what is sealed (``signing_key:acme/production/kid``): a sealed text moved to another record does
not open there. The text carries an id of its key, so that a wrong key is named as such.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: ``secrets`` keys the hash of generated secrets, ``seal`` seals, ``fingerprint`` keys the masks in logs, ``audit``
#: the links of the audit trail, ``backup`` seals backups.
Purpose = Literal["secrets", "seal", "fingerprint", "audit", "backup"]
KEY_BYTES, NONCE_BYTES = 32, 12
_SHAPE = re.compile(r"mm1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)", re.ASCII)


class Unsealable(Exception):
    """The sealed text cannot be opened. The text is one sentence that says why and shows nothing of it."""


def derive(key_encryption_key: bytes, purpose: Purpose) -> bytes:
    """The 32-byte key of one purpose (HKDF-SHA-256, RFC 5869). Raises ValueError unless given 32 bytes."""
    if len(key_encryption_key) != KEY_BYTES:
        raise ValueError(f"the key-encryption key must be {KEY_BYTES} bytes")
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"mintmark {purpose}".encode()).derive(
        key_encryption_key
    )


def sealed_by(sealed: str) -> str | None:
    """The id of the key that a sealed text names; None when it is no sealed text."""
    match = _SHAPE.fullmatch(sealed)
    return None if match is None else match[1]


class Seal:
    """Seals and opens under one 32-byte key (`derive(..., "seal")`)."""

    __slots__ = ("_cipher", "_key_id")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a sealing key must be {KEY_BYTES} bytes")
        self._cipher = AESGCM(key)
        self._key_id = hmac.new(key, b"mintmark key id", hashlib.sha256).hexdigest()[:8]

    @property
    def key_id(self) -> str:
        """Tells keys apart, and says nothing else of this one."""
        return self._key_id

    def __repr__(self) -> str:
        return f"Seal(key {self._key_id})"

    def seal(self, plaintext: bytes, context: str, nonce: bytes) -> str:
        """`plaintext` sealed for `context`. `nonce`: 12 fresh random bytes, never used twice."""
        if len(nonce) != NONCE_BYTES:
            raise ValueError(f"a nonce must be {NONCE_BYTES} bytes")
        body = nonce + self._cipher.encrypt(nonce, plaintext, self._bound(context))
        return f"mm1.{self._key_id}.{base64.urlsafe_b64encode(body).rstrip(b'=').decode()}"

    def unseal(self, sealed: str, context: str) -> bytes:
        """What was sealed for `context`. Raises Unsealable."""
        match = _SHAPE.fullmatch(sealed)
        if match is None:
            raise Unsealable("This is not a sealed text.")
        if match[1] != self._key_id:
            raise Unsealable(
                f"This was sealed under the key-encryption key {match[1]}, not under the present one, "
                f"{self._key_id}: configure the key that the data was made with."
            )
        try:
            body = base64.urlsafe_b64decode(match[2] + "=" * (-len(match[2]) % 4))
            return self._cipher.decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], self._bound(context))
        except (InvalidTag, ValueError, binascii.Error):
            raise Unsealable(
                "The sealed text was changed, or belongs to another record than this one."
            ) from None

    def _bound(self, context: str) -> bytes:
        return b"mm1\0" + self._key_id.encode() + b"\0" + context.encode()
