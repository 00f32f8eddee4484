"""Random bytes from the operating system, fetched by the page, because a request needs them a few at a time."""

from __future__ import annotations

import os

_PAGE = 4096


class Entropy:
    """Called with a number of bytes. For one thread; no byte is handed out twice."""

    __slots__ = ("_page", "_position")

    def __init__(self) -> None:
        self._page = b""
        self._position = _PAGE

    def __call__(self, count: int) -> bytes:
        """`count` random bytes."""
        start = self._position
        end = start + count
        if end > _PAGE or not self._page:
            if count > _PAGE:
                return os.urandom(count)
            self._page = os.urandom(_PAGE)
            start, end = 0, count
        self._position = end
        return self._page[start:end]
