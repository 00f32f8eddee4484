"""Looking up single entries, many in one transaction: what is asked while one runs goes into the next.

So whoever asks is answered from a snapshot that was taken after he asked, one transaction is under way however many
ask, and what a look-up costs falls as they become more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple, Protocol, TypeVar

from mintmark.authorization_server.ports import StorageUnavailable, Transaction

Result = TypeVar("Result")
#: Entries that are looked up in one transaction.
MOST = 64


class Key(NamedTuple):
    """`kind`: how it is found."""

    kind: str
    environment: str
    entry: str


#: Of (environment, id) to what was found; what is not there may be missing.
Find = Callable[[Transaction, Sequence[tuple[str, str]]], Mapping[tuple[str, str], object]]
#: The position of the change log that the snapshot has, and what was found of some keys.
_Found = tuple[int, dict[Key, object]]


class Reads(Protocol):
    """Something with `ports.Store.read`."""

    def read(self, work: Callable[[Transaction], Result]) -> Awaitable[Result]:
        """Run `work` against one snapshot. Raises StorageUnavailable."""
        ...


class Lookups:
    """`finds`: by kind, how entries are found."""

    def __init__(self, store: Reads, finds: Mapping[str, Find]) -> None:
        self._store = store
        self._finds = finds
        self._waiting: dict[Key, asyncio.Future[tuple[int, object | None]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def find(self, key: Key) -> tuple[int, object | None]:
        """The entry, or None, and the position of the change log at which that was so. Raises StorageUnavailable."""
        answer = self._waiting.get(key)
        if answer is None:
            answer = asyncio.get_running_loop().create_future()
            answer.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._waiting[key] = answer
            if self._reading is None:
                self._reading = asyncio.ensure_future(self._read())
        return await asyncio.shield(answer)

    async def _read(self) -> None:
        """Until nobody waits."""
        try:
            while self._waiting:
                keys = tuple(islice(self._waiting, MOST))
                await self._answer(keys, [self._waiting.pop(key) for key in keys])
        finally:
            self._reading = None

    async def _answer(
        self, keys: Sequence[Key], answers: Sequence[asyncio.Future[tuple[int, object | None]]]
    ) -> None:
        try:
            position, found = await self._store.read(partial(self._find, keys))
        except asyncio.CancelledError:
            for answer in answers:
                answer.cancel()
            raise
        except Exception as error:
            if len(keys) > 1 and not isinstance(error, StorageUnavailable):
                # One of them cannot be read, but which?
                for key, answer in zip(keys, answers, strict=True):
                    await self._answer((key,), (answer,))
                return
            for answer in answers:
                answer.set_exception(error)
            return
        for key, answer in zip(keys, answers, strict=True):
            answer.set_result((position, found.get(key)))

    def _find(self, keys: Sequence[Key], transaction: Transaction) -> _Found:
        """On a reading thread."""
        position = transaction.position()
        found: dict[Key, object] = {}
        for kind in dict.fromkeys(key.kind for key in keys):
            wanted = [(key.environment, key.entry) for key in keys if key.kind == kind]
            for place, entry in self._finds[kind](transaction, wanted).items():
                found[Key(kind, *place)] = entry
        return position, found
