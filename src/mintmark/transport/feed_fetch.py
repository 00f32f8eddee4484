"""One thread per issuer that follows its revocation feed by long polls (docs/revocation-feed.md).

It begins with a snapshot, takes another after a gap, and keeps trying whatever happens; how the guard decides
meanwhile is the policy of `resource_server.revocation_feed`.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from weakref import WeakSet

from mintmark.jose.jwk import PublicKey
from mintmark.resource_server.issuer import Issuer
from mintmark.resource_server.key_cache import KeyCache
from mintmark.resource_server.revocation_feed import (
    HEARTBEAT,
    MAX_SNAPSHOT_BYTES,
    FeedFault,
    Revocations,
)
from mintmark.transport.issuer_client import IssuerClient, NoResponse
from mintmark.transport.key_refresher import KeyRefresher
from mintmark.values.errors import OAuthError
from mintmark.wire.basic import write_basic
from mintmark.wire.http import HttpRequest, Malformed
from mintmark.wire.jsonobject import read_json

logger = logging.getLogger("mintmark.guard")
MAX_ANSWER_BYTES = 4 * 1024 * 1024
#: Seconds: how long a snapshot may take, and the pauses after failures.
SNAPSHOT_TIME = 30.0
FIRST_PAUSE, LAST_PAUSE = 0.25, 10.0


class FeedFollower:
    """`clock`: seconds since the epoch."""

    def __init__(
        self,
        issuer: Issuer,
        revocations: Revocations,
        keys: KeyCache,
        refresher: KeyRefresher,
        client: IssuerClient,
        clock: Callable[[], float],
    ) -> None:
        self._issuer, self._revocations, self._keys = issuer, revocations, keys
        self._refresher, self._client, self._clock = refresher, client, clock
        self._renew()
        _ALL.add(self)

    def _renew(self) -> None:
        self._lock = threading.Condition()
        self._started = False
        self._closing = False
        self._first: Future[None] = Future()

    def heard(self) -> Future[None]:
        """Done when the feed was read, or could not be, for the first time."""
        self.start()
        return self._first

    def start(self) -> None:
        """Follow the feed from now on."""
        with self._lock:
            if not self._started and not self._closing:
                self._started = True
                name = f"mintmark revocations of {self._issuer.identifier}"
                threading.Thread(target=self._run, name=name, daemon=True).start()

    def close(self) -> None:
        """End the thread; it is not waited for."""
        with self._lock:
            self._closing = True
            self._lock.notify()
        self._let_go()

    def _let_go(self) -> None:
        with self._lock:
            if not self._first.done():
                self._first.set_result(None)

    def _run(self) -> None:
        while not self._closing:
            try:
                self._step()
                self._let_go()
                continue
            except (FeedFault, NoResponse) as fault:
                sentence = str(fault)
            except OAuthError as fault:  # the key of a statement cannot be had
                sentence = f"the keys of the feed cannot be had: {fault.reason}"
            except Exception as fault:  # the thread must outlive what nobody foresaw
                sentence = type(fault).__name__
            if self._closing:
                break
            if self._revocations.last_fault != sentence:
                logger.warning("the revocations of %s cannot be read: %s", self._issuer.identifier, sentence)
            self._revocations.fail(sentence, self._clock())
            self._let_go()
            with self._lock:
                if not self._closing:
                    self._lock.wait(
                        min(FIRST_PAUSE * 2.0 ** min(self._revocations.failures - 1, 8), LAST_PAUSE)
                    )
        self._client.close()

    def _step(self) -> None:
        """A snapshot when one is needed, else one poll, read by the keys that are known or may be fetched."""
        seq = self._revocations.seq
        try:
            if seq is None:
                self._snapshot()
            else:
                self._poll(seq)
        except FeedFault as fault:
            if not fault.gap or seq is None:
                raise
            logger.warning("the revocations of %s have a gap: %s", self._issuer.identifier, fault)
            self._snapshot()

    def _poll(self, seq: int) -> None:
        query = b"after=%d&wait=%d" % (seq, HEARTBEAT)
        status, body = self._get(self._issuer.revocations, query, MAX_ANSWER_BYTES, HEARTBEAT * 2.0)
        if status in (404, 410):
            raise FeedFault("the issuer no longer has what comes after the last entry read", gap=True)
        if status != 200:
            raise FeedFault(f"the issuer answered {status}")
        try:
            statements = read_json(body, 1)
        except Malformed:
            statements = None
        if not isinstance(statements, list) or not all(isinstance(one, str) for one in statements):
            raise FeedFault("the feed's answer is not a JSON list of statements")
        self._read(lambda key: self._revocations.read(statements[self._done(seq) :], key, self._clock()))

    def _done(self, seq: int) -> int:
        """How many entries of the present answer were taken in before a key had to be fetched."""
        return (self._revocations.seq or 0) - seq

    def _snapshot(self) -> None:
        status, body = self._get(
            self._issuer.revocations + "/snapshot", b"", MAX_SNAPSHOT_BYTES, SNAPSHOT_TIME
        )
        if status != 200:
            raise FeedFault(f"the issuer answered {status} to the question for a snapshot")
        try:
            statement = body.strip().decode("ascii")
        except UnicodeDecodeError:
            raise FeedFault("the snapshot is not a signed statement") from None
        self._read(lambda key: self._revocations.restore(statement, key, self._clock()))

    def _read(self, read: Callable[[Callable[[str | None], PublicKey | None]], None]) -> None:
        """Read once, and once more after a fetch when a statement names a key that is not known."""
        asked: list[str | None] = []

        def key(kid: str | None) -> PublicKey | None:
            asked.append(kid)
            return self._keys.key(kid, self._clock())

        try:
            read(key)
        except FeedFault as fault:
            if not fault.unknown_key:
                raise
            self._refresher.wanted(asked[-1]).result(SNAPSHOT_TIME)
            read(key)

    def _get(self, url: str, query: bytes, limit: int, time_limit: float) -> tuple[int, bytes]:
        client_id, secret = self._issuer.own_credentials()
        headers = (
            (b"authorization", write_basic(client_id, secret.reveal(), encoded=True)),
            (b"accept", b"application/json"),
        )
        answer = self._client(
            HttpRequest("GET", "", query=query, headers=headers, url=url), limit, time_limit
        )
        return answer.status, answer.body


_ALL: WeakSet[FeedFollower] = WeakSet()


def _after_fork() -> None:
    for follower in list(_ALL):
        follower._renew()


os.register_at_fork(after_in_child=_after_fork)
