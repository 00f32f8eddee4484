"""Text that never prints itself, and the format of the secrets and opaque tokens that we generate.

A `Secret` shows a mask in ``str``, ``repr``, f-strings, logs and pickles; `reveal()` is the one way to its text.
A generated secret is 40 letters and digits: 3 of prefix, 6 of version id, 27 random (160 bits, RFC 6749
§10.10), 4 of checksum, so that a leak scanner can recognise it and a typing error is told from a wrong secret.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: Prefix of client secrets, of API tokens and opaque access tokens, and of signature keys.
CLIENT_SECRET, API_TOKEN, SIGNATURE_KEY = "mms", "mmt", "mmk"
_SHAPE = re.compile(r"(mm[a-z])([0-9A-Za-z]{6})[0-9A-Za-z]{27}([0-9A-Za-z]{4})", re.ASCII)

_fingerprint_key: bytes | None = None


def set_fingerprint_key(key: bytes | None) -> None:
    """Set once at program start: masks then carry four hex digits of a keyed hash, so that logs can be correlated."""
    global _fingerprint_key
    _fingerprint_key = key


class Secret:
    """Text that must not be shown. Equality is constant in time; hashing and pickling give nothing away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; call it at the last moment."""
        return self._text

    def mask(self) -> str:
        """What may be printed: ``***`` and, when a fingerprint key is set, four hex digits of a keyed hash."""
        if _fingerprint_key is None:
            return "***"
        digest = hmac.new(_fingerprint_key, self._text.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return f"***{digest.hexdigest()[:4]}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(
            self._text.encode("utf-8", "surrogatepass"), other._text.encode("utf-8", "surrogatepass")
        )

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return f"Secret({self.mask()})"

    def __str__(self) -> str:
        return self.mask()

    def __format__(self, spec: str) -> str:
        return self.mask()

    def __reduce__(self) -> tuple[Callable[[str], Secret], tuple[str]]:
        return (Secret, (self.mask(),))


@dataclass(frozen=True, slots=True)
class SecretShape:
    """What can be read from the outside of a well-formed generated secret."""

    prefix: str
    version_id: str


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, rest = divmod(number, 62)
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits))


_PAIRS = tuple(left + right for left in ALPHABET for right in ALPHABET)


def _checksum(body: str) -> str:
    high, low = divmod(zlib.crc32(body.encode("ascii")) % 62**4, 62**2)
    return _PAIRS[high] + _PAIRS[low]


def new_identifier(entropy: Callable[[int], bytes], length: int, *, lower: bool = False) -> str:
    """`length` random letters and digits (base 36 when `lower`, else base 62); bias is below 2**-64."""
    base = 36 if lower else 62
    number = int.from_bytes(entropy(length + 8), "big")
    if not lower:
        return _base62(number % base**length, length)
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    out = []
    for _ in range(length):
        number, rest = divmod(number, base)
        out.append(digits[rest])
    return "".join(out)


def new_secret(prefix: str, version_id: str, entropy: Callable[[int], bytes]) -> Secret:
    """A generated secret of `prefix` for the version `version_id` (6 letters or digits)."""
    body = prefix + version_id + new_identifier(entropy, 27)
    if _SHAPE.fullmatch(body + "0000") is None:
        raise ValueError("a generated secret needs a prefix like mms and a version id of 6 letters or digits")
    return Secret(body + _checksum(body))


def shape_of(text: str) -> SecretShape | None:
    """Prefix and version id when `text` has our format and its checksum holds; None for anything else."""
    match = _SHAPE.fullmatch(text)
    if match is None or _checksum(text[:-4]) != match[3]:
        return None
    return SecretShape(match[1], match[2])
