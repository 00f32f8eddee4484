"""base64url as JOSE uses it (RFC 7515 §2): no padding, no white space, one spelling for each value.

`decode` refuses whatever `encode` would not have written, so that a token cannot be changed and still mean
the same.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64

_TO_URL = bytes.maketrans(b"+/", b"-_")
#: The characters that are not base64url are mapped to one that the strict decoder refuses.
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")
#: The last characters that leave no stray bits, by the length modulo 4.
_ENDINGS = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")
_PADDING = (b"", b"", b"==", b"=")


def encode(data: bytes) -> bytes:
    """`data` as base64url without padding."""
    return b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=")


def decode(text: bytes) -> bytes:
    """The bytes that `text` spells. Raises ValueError, without the text, unless `encode` would write `text`."""
    rest = len(text) & 3
    if not rest:
        return a2b_base64(text.translate(_FROM_URL), strict_mode=True)
    if text[-1] not in _ENDINGS[rest]:
        raise ValueError("not base64url: the last character is not one that an encoder writes")
    return a2b_base64(text.translate(_FROM_URL) + _PADDING[rest], strict_mode=True)
