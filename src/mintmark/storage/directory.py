"""The `Directory` of the ports: environments in memory, credentials on demand, all of it following the change log.

`position` moves only together with the evictions that it stands for, in one step of the event loop. What was read
from a snapshot older than `position` answers whoever asked before, and is never kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from mintmark.authorization_server.ports import EnvironmentView, StorageUnavailable, Transaction
from mintmark.storage import changes, views
from mintmark.storage.cache import Generations
from mintmark.storage.following import Following
from mintmark.storage.lookups import Key, Lookups
from mintmark.storage.revocation_log import SqlRevocationLog
from mintmark.storage.store import SqlStore
from mintmark.storage.transaction import SqlTransaction
from mintmark.storage.views import FindDialect, LoadKeyring
from mintmark.values.client import Registration
from mintmark.values.credential import ApiToken, LegacyToken, MachineUser, SignatureKey
from mintmark.values.revocation import RevocationEntry

#: An environment with all that was revoked in it.
_Loaded = dict[str, tuple[EnvironmentView, list[RevocationEntry]] | None]
#: Clients read ahead in one go: few, so that requests are served in between.
_PAGE = 100


class CachedDirectory:
    """Implements `ports.Directory`. Call `start` once before anything is read.

    `capacity`: entries kept of clients, and of each other kind of credential. `generation` rises whenever an
    environment was loaded anew or removed, so that routes built from `environments()` know when they are old.
    `following`: how recent all of it is.
    """

    def __init__(
        self,
        store: SqlStore,
        load_keyring: LoadKeyring,
        find_dialect: FindDialect,
        *,
        capacity: int = 100_000,
    ) -> None:
        self._store = store
        self._load_keyring = load_keyring
        self._find_dialect = find_dialect
        self._capacity = capacity
        self._views: dict[str, EnvironmentView] = {}
        self._revocations: dict[str, SqlRevocationLog] = {}
        # An evicted half is the price of the cheap bookkeeping, so twice the capacity is provided for.
        self._caches: dict[str, Generations[Any]] = {kind: Generations(2 * capacity) for kind in views.FINDS}
        self._clients = self._caches["client"]
        self._lookups = Lookups(store, views.FINDS)
        self._position = 0
        self.following = Following(self._catch_up)
        self.generation = 0

    @property
    def position(self) -> int:
        """Everything that the directory answers is true at this position of the change log, or later."""
        return self._position

    @property
    def current(self) -> bool:
        """Whether the change log could be followed lately."""
        return self.following.current

    async def start(self) -> None:
        """Load every environment. Raises StorageUnavailable."""

        def load(transaction: Transaction) -> tuple[int, _Loaded]:
            return transaction.position(), self._load_views(transaction, views.environment_ids(transaction))

        position, loaded = await self._store.read(load)
        self._apply(position, [], loaded, {})
        self._store.listen(self.refresh)

    def environment(self, environment_id: str) -> EnvironmentView | None:
        """The environment, enabled or not, or None."""
        return self._views.get(environment_id)

    def environments(self) -> Mapping[str, EnvironmentView]:
        """Every environment by its id; read it again when `generation` has risen."""
        return MappingProxyType(self._views)

    def sizes(self) -> Mapping[str, int]:
        """How many entries are in memory, by kind."""
        return {kind: len(cache) for kind, cache in self._caches.items()}

    def revocations(self, environment_id: str) -> SqlRevocationLog | None:
        """What was revoked in the environment; None when there is no such environment."""
        return self._revocations.get(environment_id)

    async def registration(self, environment_id: str, client_id: str) -> Registration | None:
        """A client with its secret versions, or None. Raises StorageUnavailable."""
        return cast("Registration | None", await self._entry("client", environment_id, client_id))

    def held(self, environment_id: str, client_id: str) -> Registration | None:
        """As `registration`, of a client that is in memory; None for every other."""
        return cast("Registration | None", self._clients.get(environment_id, client_id))

    async def machine_user(self, environment_id: str, username: str) -> MachineUser | None:
        """A machine user by user name, or None. Raises StorageUnavailable."""
        user_id = self._caches["username"].get(environment_id, username)
        if user_id is not None:
            user = await self.machine_user_by_id(environment_id, user_id)
            if user is not None and user.username == username:
                return user
        user_id = await self._look_up("username", environment_id, username)
        if user_id is None:
            return None
        user = await self.machine_user_by_id(environment_id, cast(str, user_id))
        return user if user is not None and user.username == username else None

    async def machine_user_by_id(self, environment_id: str, user_id: str) -> MachineUser | None:
        """A machine user by id, or None. Raises StorageUnavailable."""
        return cast("MachineUser | None", await self._entry("user", environment_id, user_id))

    async def signature_keys(self, environment_id: str) -> tuple[SignatureKey, ...]:
        """The environment's signature keys, newest last. Raises StorageUnavailable."""
        found = await self._entry("signature_keys", environment_id, "")
        return cast("tuple[SignatureKey, ...]", found)

    async def api_token(self, environment_id: str, token_id: str) -> ApiToken | None:
        """An opaque token by its id, or None. Raises StorageUnavailable."""
        return cast("ApiToken | None", await self._entry("api_token", environment_id, token_id))

    async def legacy_token(self, environment_id: str, token_id: str) -> LegacyToken | None:
        """A legacy token by its id, or None. Raises StorageUnavailable."""
        return cast("LegacyToken | None", await self._entry("legacy_token", environment_id, token_id))

    async def refresh(self) -> None:
        """Catch up with the change log now, together with whoever else wants to. Raises StorageUnavailable."""
        await self.following.look()

    async def settle(self, seconds: float) -> bool:
        """Catch up with all that was committed before now; whether that could be done in time."""
        return await self.following.settle(seconds)

    async def _catch_up(self) -> None:
        self._apply(*await self._store.read(self._changes))

    async def warm(self) -> None:
        """Read clients ahead of their first request, up to the capacity; stops when nothing can be read."""
        after, room = ("", ""), self._capacity
        while room > 0:

            def page(
                transaction: Transaction, after: tuple[str, str] = after, most: int = min(room, _PAGE)
            ) -> tuple[int, list[Registration]]:
                return transaction.position(), views.registrations(
                    cast(SqlTransaction, transaction), after, most
                )

            try:
                position, found = await self._store.read(page)
            except StorageUnavailable:
                return
            if not found:
                return
            if position >= self._position:
                for registration in found:
                    client = registration.client
                    self._caches["client"].put(client.environment, client.client_id, registration)
            after = (found[-1].client.environment, found[-1].client.client_id)
            room -= len(found)

    async def follow(self, interval: float = 0.25, wake: asyncio.Event | None = None) -> None:
        """Catch up every `interval` seconds and whenever `wake` is set, until cancelled, even while nothing can be
        read; `warm` beside it.
        """
        warming = asyncio.ensure_future(self.warm())
        try:
            await self.following.forever(interval, asyncio.Event() if wake is None else wake)
        finally:
            warming.cancel()

    async def _entry(self, kind: str, environment_id: str, entry_id: str) -> object | None:
        cached = self._caches[kind].get(environment_id, entry_id)
        return await self._look_up(kind, environment_id, entry_id) if cached is None else cached

    async def _look_up(self, kind: str, environment_id: str, entry_id: str) -> object | None:
        """Read one entry, and keep it when the snapshot is not older than what was evicted."""
        position, found = await self._lookups.find(Key(kind, environment_id, entry_id))
        if found is not None and position >= self._position:
            self._caches[kind].put(environment_id, entry_id, found)
        return found

    def _load_views(self, transaction: Transaction, environment_ids: list[str]) -> _Loaded:
        loaded: _Loaded = {}
        for environment_id in environment_ids:
            view = views.view(transaction, environment_id, self._load_keyring, self._find_dialect)
            revoked = cast(SqlTransaction, transaction).revocations_after(environment_id, 0)
            loaded[environment_id] = None if view is None else (view, revoked)
        return loaded

    def _changes(
        self, transaction: Transaction
    ) -> tuple[int, list[tuple[str, str, str]], _Loaded, dict[str, list[RevocationEntry]]]:
        """On a reading thread: what changed since our position, the environments that it touches, and what was
        revoked in others.
        """
        sql = cast(SqlTransaction, transaction)
        log = sql.changes_since(self._position)
        changed = [changes.split_subject(subject) for subject in dict.fromkeys(subject for _, subject in log)]
        touched = []
        for kind, where, _ in changed:
            if kind == "environment":
                touched.append(where)
            elif kind == "tenant":
                touched.extend(views.environment_ids(transaction, where))
        position = log[-1][0] if log else self._position
        revoked = {
            where: sql.revocations_after(where, known.seq)
            for kind, where, _ in changed
            if kind == "revocations"
            and where not in touched
            and (known := self._revocations.get(where)) is not None
        }
        return position, changed, self._load_views(transaction, list(dict.fromkeys(touched))), revoked

    def _apply(
        self,
        position: int,
        changed: list[tuple[str, str, str]],
        loaded: _Loaded,
        revoked: dict[str, list[RevocationEntry]],
    ) -> None:
        """Evict, replace views, take in revocations and move the position: without an await in between."""
        for kind, environment_id, entry_id in changed:
            if kind == "signature_key":
                self._caches["signature_keys"].drop(environment_id, "")
            elif kind in self._caches:
                self._caches[kind].drop(environment_id, entry_id)
        for environment_id, found in loaded.items():
            if found is not None:
                self._views[environment_id], entries = found
                self._caches["signature_keys"].drop(environment_id, "")
                known = self._revocations.get(environment_id)
                issuer = found[0].environment.issuer
                if known is None or known.issuer != issuer:
                    self._revocations[environment_id] = SqlRevocationLog(issuer, entries)
                else:
                    known.replace(entries)
                continue
            self._views.pop(environment_id, None)
            self._revocations.pop(environment_id, None)
            for cache in self._caches.values():
                cache.drop_environment(environment_id)
        if loaded:
            self.generation += 1
        for environment_id, entries in revoked.items():
            self._revocations[environment_id].extend(entries)
        self._position = max(self._position, position)
