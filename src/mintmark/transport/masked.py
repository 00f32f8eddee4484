"""Header values that do not show themselves: in a traceback with locals, a debugger or a log of headers they are masks.

They travel through HTTP libraries as the plain text or bytes that they are.
"""

from __future__ import annotations

from typing import NoReturn


class MaskedBytes(bytes):
    """Bytes whose `repr` is a mask."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "b'***'"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a header with a token is not pickled or copied")


class MaskedText(str):
    """Text whose `repr` is a mask, also after `encode`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """The bytes, masked too."""
        return MaskedBytes(super().encode(encoding, errors))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a header with a token is not pickled or copied")
