"""Digests of secrets: a keyed hash for generated ones, argon2id for passwords that people or other servers chose.

A generated secret has 160 random bits, so one HMAC-SHA-256 is enough and a wrong guess costs nothing; anything
else gets argon2id. Comparisons are constant in time, and a stored digest presented as the secret never verifies.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

_SALT_BYTES, _HASH_BYTES = 16, 32
_ENCODED = re.compile(
    r"\$argon2id\$v=19\$m=(?P<memory>\d{1,7}),t=(?P<passes>\d{1,3}),p=(?P<lanes>\d{1,3})"
    r"\$(?P<salt>[A-Za-z0-9+/]+)\$(?P<tag>[A-Za-z0-9+/]+)",
    re.ASCII,
)
_INNER, _OUTER = (bytes(octet ^ pad for octet in range(256)) for pad in (0x36, 0x5C))


@dataclass(frozen=True, slots=True)
class HashProfile:
    """What one argon2id hash costs: KiB of memory, passes over it, lanes (RFC 9106 §3.1)."""

    memory: int
    passes: int
    lanes: int

    def _hasher(self) -> PasswordHasher:
        return PasswordHasher(self.passes, self.memory, self.lanes, _HASH_BYTES, _SALT_BYTES, type=Type.ID)


#: OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
OWASP = HashProfile(19 * 1024, 2, 1)
#: What a digest from elsewhere may cost at most, for each check of a secret pays it.
MOST = HashProfile(64 * 1024, 4, 4)
#: The least that argon2 takes. Only for tests: it protects nothing.
CHEAPEST = HashProfile(8, 1, 1)


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def digest_secret(key: bytes, text: str) -> str:
    """HMAC-SHA-256 of a generated secret under `key`, as 43 characters of base64url."""
    inner, outer = _keyed(key)
    inner, outer = inner.copy(), outer.copy()
    inner.update(_octets(text))
    outer.update(inner.digest())
    return base64.urlsafe_b64encode(outer.digest())[:43].decode("ascii")


@lru_cache(maxsize=8)
def _keyed(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Both halves of HMAC-SHA-256 (RFC 2104 §2) with the key fed in, to be copied: cheaper than to begin anew."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))


def check_secret(key: bytes, text: str, digest: str) -> bool:
    """Whether `text` is the secret that `digest` was made of; constant in time."""
    return hmac.compare_digest(digest_secret(key, text).encode("ascii"), _octets(digest))


def hash_password(password: str, entropy: Callable[[int], bytes], profile: HashProfile = OWASP) -> str:
    """argon2id of `password` with a salt from `entropy`, in the encoded form that names its own parameters."""
    return profile._hasher().hash(_octets(password), salt=entropy(_SALT_BYTES))


def verify_password(digest: str, password: str) -> bool:
    """Whether `password` is what `digest` was made of. A digest that is not argon2id verifies nothing."""
    try:
        return OWASP._hasher().verify(digest, _octets(password))
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def needs_rehash(digest: str, profile: HashProfile = OWASP) -> bool:
    """Whether `digest` was made with other parameters than `profile`, so that the next success should replace it."""
    try:
        return profile._hasher().check_needs_rehash(digest)
    except InvalidHashError:
        return True


def is_acceptable(digest: str) -> bool:
    """Whether a digest that somebody else made is argon2id in its encoded form that costs no more than `MOST`."""
    match = _ENCODED.fullmatch(digest)
    if match is None:
        return False
    memory, passes, lanes = (int(match[name]) for name in ("memory", "passes", "lanes"))
    within = 8 * lanes <= memory <= MOST.memory and 1 <= passes <= MOST.passes and 1 <= lanes <= MOST.lanes
    return within and 11 <= len(match["salt"]) <= 86 and 22 <= len(match["tag"]) <= 86


def dummy_digest(profile: HashProfile = OWASP) -> str:
    """A digest that costs the same to check and that no password matches: for ids that nobody has."""
    salt = base64.b64encode(hashlib.sha256(b"mintmark: nobody").digest()[:_SALT_BYTES]).rstrip(b"=").decode()
    tag = base64.b64encode(bytes(_HASH_BYTES)).rstrip(b"=").decode()
    return f"$argon2id$v=19$m={profile.memory},t={profile.passes},p={profile.lanes}${salt}${tag}"
