"""Where a token stands in its issuer's status lists: which list, by what name, and at which index of it.

The ledger gives every token a number of its own, so nothing has to be reserved or looked up. Numbers are cut into lists
of `SIZE`; within a list they are shuffled by a key, and lists are named by a key, so that neither index nor name says
how many tokens there are or which came first (draft-ietf-oauth-status-list, "Observability of Outsiders").
"""

from __future__ import annotations

from array import array
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from hashlib import blake2b, shake_256
from hmac import compare_digest
from typing import Final, NamedTuple

#: Tokens of one list. One bit each: 128 KiB before compression.
SIZE: Final = 1 << 20
#: Below the issuer; a list's name follows.
PATH: Final = "/status-lists/"
_HALF: Final = 10
_MASK: Final = (1 << _HALF) - 1
_ROUNDS: Final = 6
_TAG, _ORDER = 9, 6
#: Lists of one issuer whose shuffle is kept, 12 KiB each.
_KEPT: Final = 16


class Place(NamedTuple):
    """`uri`: of the list. `idx`: from 0."""

    uri: str
    idx: int


class StatusIndex:
    """One issuer's. `key`: 32 bytes that nobody outside has; `uri`: of its lists, but for their names."""

    __slots__ = ("_key", "_lists", "uri")

    def __init__(self, key: bytes, issuer: str) -> None:
        self._key = blake2b(issuer.encode(), digest_size=32, key=key, person=b"status lists").digest()
        self.uri = issuer + PATH
        self._lists: dict[int, tuple[str, list[array[int]]]] = {}

    def place(self, number: int) -> Place:
        """Of the token with this number."""
        order, within = divmod(number, SIZE)
        uri, rounds = self._lists.get(order) or self._list(order)
        return Place(uri, shuffled(within, rounds))

    def rounds(self, order: int) -> list[array[int]]:
        """What `shuffled` takes, for the list of that order: its numbers begin at ``order * SIZE``."""
        return (self._lists.get(order) or self._list(order))[1]

    def name(self, order: int) -> str:
        """What a list is called: `order`, hidden and vouched for."""
        plain = order.to_bytes(_ORDER, "big")
        tag = blake2b(plain, digest_size=_TAG, key=self._key, person=b"name").digest()
        return urlsafe_b64encode(tag + self._masked(plain, tag)).decode("ascii")

    def order(self, name: str) -> int | None:
        """The list of that name; None for a name that was never given."""
        try:
            told = urlsafe_b64decode(name.encode("ascii"))
        except ValueError:
            return None
        if len(told) != _TAG + _ORDER:
            return None
        order = int.from_bytes(self._masked(told[_TAG:], told[:_TAG]), "big")
        return order if compare_digest(self.name(order), name) else None

    def _masked(self, plain: bytes, tag: bytes) -> bytes:
        mask = blake2b(tag, digest_size=_ORDER, key=self._key, person=b"mask").digest()
        return bytes([one ^ other for one, other in zip(plain, mask, strict=True)])

    def _list(self, order: int) -> tuple[str, list[array[int]]]:
        stream = shake_256(self._key + b"shuffle" + order.to_bytes(_ORDER, "big"))
        words = array("H", stream.digest(2 * _ROUNDS << _HALF))
        tables = [
            array("H", [word & _MASK for word in words[at : at + _MASK + 1]])
            for at in range(0, len(words), _MASK + 1)
        ]
        if len(self._lists) >= _KEPT:
            self._lists.clear()
        made = self._lists[order] = (self.uri + self.name(order), tables)
        return made


def shuffled(within: int, rounds: list[array[int]]) -> int:
    """A number below `SIZE` as another one below it, each as exactly one (a Feistel network of two halves)."""
    left, right = within >> _HALF, within & _MASK
    for table in rounds:
        left, right = right, left ^ table[right]
    return left << _HALF | right


@lru_cache(maxsize=4096)
def status_index(key: bytes, issuer: str) -> StatusIndex:
    """The issuer's, made once."""
    return StatusIndex(key, issuer)
