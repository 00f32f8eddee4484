"""The public guard: one object per API, used by threads, event loops and forked workers alike.

It hands clock, threads and connections to the roles' parts; nothing is opened before the first token comes.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet, finalize

from mintmark.resource_server.caller import Caller, require
from mintmark.resource_server.challenge import challenge
from mintmark.resource_server.guard import DEFAULT_SEEN, Doorkeeper, authorization_values
from mintmark.resource_server.health import GuardHealth, health_of
from mintmark.resource_server.introspected import DEFAULT_ACTIVE_FOR, Introspected
from mintmark.resource_server.issuer import Credentials, Issuer
from mintmark.resource_server.key_cache import DEFAULT_GRACE, DEFAULT_MAX_AGE, KeyCache, unavailable
from mintmark.resource_server.profile import RFC9068, Profile
from mintmark.resource_server.revocation_feed import FeedPolicy, Revocations
from mintmark.resource_server.seen_tokens import SeenTokens
from mintmark.resource_server.watch import KeysWanted, Need, StatusWanted, Steps, Watch
from mintmark.transport.feed_fetch import FeedFollower
from mintmark.transport.issuer_client import IssuerClient
from mintmark.transport.key_fetch import KeyFetch
from mintmark.transport.key_refresher import KeyRefresher
from mintmark.transport.status_asker import StatusAsker
from mintmark.values.errors import OAuthError
from mintmark.values.token import TokenFacts
from mintmark.wire.http import HttpResponse

#: Seconds that a token waits for keys when there are none yet, and for a key that is not among the known ones.
FIRST_KEYS, ANOTHER_KEY = 6.0, 2.0
FIRST_FEED, STATUS = 3.0, 6.0
METADATA_PATH = "/.well-known/oauth-protected-resource"


class Guard:
    """Checks the tokens of one API. Raises ValueError when built without an issuer or without an audience.

    `issuer`: one or several, each an identifier or an `Issuer`; what is given here holds for identifiers. `audience`:
    the ``aud`` of this API, one or several. `profile`: how the issuer's tokens look, by name. `credentials`: a function
    that reads the guard's own client id and secret, for opaque tokens, legacy tokens and the feed. `key_max_age`,
    `key_grace`, `feed_grace`, `introspection_ttl`, `time_limit`: seconds. `feed_policy`: ``"serve"`` or ``"close"``
    when the feed is followed and silent. `scopes`, `metadata_url`: for RFC 9728. `tls`: whom TLS trusts, as httpx2
    takes it.
    """

    def __init__(
        self,
        issuer: str | Issuer | Sequence[str | Issuer],
        audience: str | Sequence[str],
        *,
        profile: str | Profile = RFC9068,
        jwks_uri: str | None = None,
        introspection_endpoint: str | None = None,
        credentials: Credentials | None = None,
        follow_revocations: bool = False,
        feed_policy: FeedPolicy = "serve",
        feed_grace: float = 3600.0,
        key_max_age: float = DEFAULT_MAX_AGE,
        key_grace: float = DEFAULT_GRACE,
        introspection_ttl: float = DEFAULT_ACTIVE_FOR,
        time_limit: float = 5.0,
        realm: str = "",
        scopes: Sequence[str] = (),
        metadata_url: str | None = None,
        seen_tokens: int = DEFAULT_SEEN,
        tls: object = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        issuers = [
            one
            if isinstance(one, Issuer)
            else Issuer(
                one,
                profile,
                jwks_uri=jwks_uri,
                introspection_endpoint=introspection_endpoint,
                credentials=credentials,
                follow_revocations=follow_revocations,
            )
            for one in ([issuer] if isinstance(issuer, str | Issuer) else issuer)
        ]
        self._audiences = tuple([audience] if isinstance(audience, str) else audience)
        if not issuers or not self._audiences or not all(self._audiences):
            raise ValueError("a guard needs at least one issuer and at least one audience")
        if len({one.identifier for one in issuers}) != len(issuers):
            raise ValueError("an issuer is given twice")
        if sum(one.credentials is not None for one in issuers) > 1:
            raise ValueError("one issuer of a guard may be asked about tokens: give credentials for one only")
        audiences = frozenset(self._audiences)
        self._clock = clock
        self._realm = realm or self._audiences[0]
        self._scopes, self._metadata_url = tuple(scopes), metadata_url
        self._parts = {
            one.identifier: _Parts.of(
                Watch(
                    one,
                    audiences,
                    KeyCache(max_age=key_max_age, grace=key_grace, jitter=os.urandom(1)[0] / 255),
                    None if one.credentials is None else Introspected(introspection_ttl),
                    Revocations(one.identifier, feed_policy, feed_grace) if one.follow_revocations else None,
                ),
                audiences,
                lambda: IssuerClient(time_limit, tls),
                clock,
            )
            for one in issuers
        }
        watches = {name: parts.watch for name, parts in self._parts.items()}
        parameters = frozenset().union(*(one.rules.parameters for one in issuers))
        self._door = Doorkeeper(watches, audiences, clock, SeenTokens(seen_tokens), parameters)
        self._started = False
        _ALL.add(self)
        finalize(self, _close, tuple(self._parts.values()))

    def verify(
        self, headers: Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]], *scopes: str
    ) -> Caller:
        """The caller that the request's headers prove, who has all of `scopes`. Raises OAuthError.

        401 without a token or with a bad one, 403 ``insufficient_scope``, 503 with `retry_after` when that
        cannot be told.
        """
        if not self._started:
            self.start()
        values = authorization_values(headers)
        caller = self._door.admit(values, self._clock())
        if caller is None:
            caller = self._waiting(self._door.steps(values))
        if scopes:
            require(caller, *scopes)
        return caller

    async def averify(
        self, headers: Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]], *scopes: str
    ) -> Caller:
        """`verify` on an event loop of asyncio, which goes on while keys or an answer are waited for."""
        if not self._started:
            self.start()
        values = authorization_values(headers)
        caller = self._door.admit(values, self._clock())
        if caller is None:
            caller = await self._awaiting(self._door.steps(values))
        if scopes:
            require(caller, *scopes)
        return caller

    def require(self, *scopes: str) -> Callable[..., Awaitable[Caller]]:
        """FastAPI's dependency: ``caller: Caller = Depends(guard.require("bookings:read"))``.

        The doors of other frameworks stand in `mintmark.transport.guards`. Needs ``mintmark[fastapi]``.
        """
        from mintmark.transport.guards import fastapi

        return fastapi.require(self, *scopes)

    def refusal(self, error: OAuthError, *scopes: str) -> HttpResponse:
        """The answer to a request that was refused (RFC 6750 §3); `scopes`: what it needs."""
        return challenge(error, self._realm, " ".join(scopes), self._metadata_url or "")

    def metadata(self) -> dict[str, object]:
        """The protected resource's metadata (RFC 9728 §2), to be served at `METADATA_PATH`."""
        document: dict[str, object] = {
            "resource": self._audiences[0],
            "authorization_servers": list(self._parts),
            "bearer_methods_supported": ["header"],
        }
        if self._scopes:
            document["scopes_supported"] = list(self._scopes)
        return document

    def health(self) -> GuardHealth:
        """How keys and feeds stand."""
        return health_of(self._door.watches.values(), self._clock())

    def start(self) -> None:
        """Fetch keys and follow feeds before the first token comes; without it they begin with that token."""
        self._started = True
        for parts in self._parts.values():
            parts.start()

    def close(self) -> None:
        """End threads and connections. A closed guard decides by the keys that it has."""
        _close(self._parts.values())

    async def aclose(self) -> None:
        """`close`; it does not wait for anything."""
        self.close()

    def _waiting(self, steps: Steps) -> Caller:
        answer: TokenFacts | None = None
        while True:
            try:
                need = steps.send(answer)
            except StopIteration as end:
                caller: Caller = end.value
                return caller
            future, seconds = self._begin(need)
            try:
                answer = future.result(seconds)
            except Exception as fault:
                answer = None
                _without(need, fault)

    async def _awaiting(self, steps: Steps) -> Caller:
        answer: TokenFacts | None = None
        while True:
            try:
                need = steps.send(answer)
            except StopIteration as end:
                caller: Caller = end.value
                return caller
            future, seconds = self._begin(need)
            try:
                answer = await _arrival(future, seconds)
            except Exception as fault:
                answer = None
                _without(need, fault)

    def _begin(self, need: Need) -> tuple[Future[Any], float]:
        """What is waited for, and how long at most. Raises OAuthError when there is nothing to wait for."""
        parts = self._parts[need.watch.issuer.identifier]
        if isinstance(need, KeysWanted):
            return parts.refresher.wanted(
                need.kid
            ), FIRST_KEYS if need.watch.keys.held is None else ANOTHER_KEY
        if isinstance(need, StatusWanted):
            return parts.asker.ask(need.question), STATUS
        if parts.follower is None:
            raise unavailable(1.0, "revocations_unknown")
        return parts.follower.heard(), FIRST_FEED


async def _arrival(future: Future[Any], seconds: float) -> Any:
    """The result of what a thread does; it goes on for others who wait, and may outlive this loop."""
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: object) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(arrived.set)

    future.add_done_callback(tell)
    await asyncio.wait_for(arrived.wait(), seconds)
    return future.result()


def _without(need: Need, fault: Exception) -> None:
    """Nothing came. For keys and feed the next step says what that means; a status is 503."""
    if isinstance(need, StatusWanted):
        raise unavailable(1.0, "status_unavailable") from None
    if not isinstance(fault, NotInTime):
        raise fault


@dataclass(frozen=True, slots=True)
class _Parts:
    """What stands behind one issuer. The feed has a connection of its own, because it waits on it."""

    watch: Watch
    refresher: KeyRefresher
    asker: StatusAsker
    follower: FeedFollower | None

    @classmethod
    def of(
        cls,
        watch: Watch,
        audiences: frozenset[str],
        new_client: Callable[[], IssuerClient],
        clock: Callable[[], float],
    ) -> _Parts:
        issuer = watch.issuer
        keys, status, feed = new_client(), new_client(), new_client()
        fetch = KeyFetch(issuer, keys)
        refresher = KeyRefresher(issuer.identifier, watch.keys, fetch, clock, keys.close)
        asker = StatusAsker(issuer, audiences, status, KeyFetch(issuer, status), clock)
        revocations = watch.revocations
        follower = (
            None
            if revocations is None
            else FeedFollower(issuer, revocations, watch.keys, refresher, feed, clock)
        )
        return cls(watch, refresher, asker, follower)

    def start(self) -> None:
        self.refresher.start()
        if self.follower is not None:
            self.follower.start()

    def close(self) -> None:
        self.refresher.close()
        if self.follower is not None:
            self.follower.close()
        self.asker.close()


def _close(parts: Iterable[_Parts]) -> None:
    for one in parts:
        one.close()


_ALL: WeakSet[Guard] = WeakSet()


def _after_fork() -> None:
    for guard in list(_ALL):
        guard._started = False


os.register_at_fork(after_in_child=_after_fork)
