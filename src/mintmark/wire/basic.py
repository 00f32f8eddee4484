"""The Basic authentication header (RFC 7617) and the one question it leaves open: are its halves form-encoded?

RFC 6749 §2.3.1 wants both halves form-encoded first; vendors such as Omnissa Intelligence document them raw.
Which one holds is declared by who reads, never guessed from the bytes.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64

from mintmark.wire.form import form_decode, form_encode
from mintmark.wire.http import UNSAFE, Malformed

LONGEST = 8192


def read_basic(value: bytes, scheme: bytes = b"basic") -> tuple[str, str] | None:
    """User and password of an Authorization header, as they were sent; None when the scheme is another.

    The scheme's name is read in any case. Raises Malformed when the scheme fits and the rest does not.
    """
    word, _, rest = value.partition(b" ")
    if word.lower() != scheme:
        return None
    if len(value) > LONGEST:
        raise Malformed("The Authorization header is too long.")
    try:
        text = a2b_base64(rest.strip(b" "), strict_mode=True).decode("utf-8")
    except (Error, UnicodeDecodeError):
        raise Malformed("The Authorization header is not Base64 of UTF-8 text.") from None
    user, colon, password = text.partition(":")
    if not colon:
        raise Malformed("The Authorization header holds no colon between user and password.")
    if UNSAFE.search(text) is not None:
        raise Malformed("The Authorization header holds control characters.")
    return user, password


def write_basic(user: str, password: str, *, encoded: bool, scheme: str = "Basic") -> bytes:
    """The header's value; `encoded` form-encodes both halves first.

    Raises ValueError when a raw user holds a colon, which no reader could tell from the separator.
    """
    if encoded:
        user, password = form_encode(user), form_encode(password)
    elif ":" in user:
        raise ValueError("a user name with a colon cannot be carried by raw Basic authentication")
    if UNSAFE.search(user) is not None or UNSAFE.search(password) is not None:
        raise ValueError("user name and password must hold no control characters")
    return f"{scheme} ".encode() + b2a_base64(f"{user}:{password}".encode(), newline=False)


def decoded(user: str, password: str) -> tuple[str, str]:
    """Both halves form-decoded. Raises Malformed when they are not form-encoded."""
    return form_decode(user), form_decode(password)
