"""Asks an issuer what an opaque or legacy token is good for: one question per token at a time, whoever waits for it.

A few threads ask; when too many questions wait, or the issuer has just been out of reach, the answer is that it cannot
be told now.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from weakref import WeakSet

from mintmark.resource_server.introspected import (
    MAX_ANSWER_BYTES,
    NoAnswer,
    Question,
    read_answer,
    write_question,
)
from mintmark.resource_server.issuer import Issuer
from mintmark.resource_server.key_cache import unavailable
from mintmark.transport.issuer_client import IssuerClient, NoResponse
from mintmark.transport.key_fetch import FetchFault, KeyFetch
from mintmark.values.token import TokenFacts

logger = logging.getLogger("mintmark.guard")
THREADS = 8
MOST_WAITING = 64
#: Seconds: how long a metadata document's address is believed, and the pause after an issuer was out of reach.
ADDRESS_FOR = 600.0
PAUSE = 1.0


class StatusAsker:
    """`places`: whence the endpoint's address comes when it was not given. `clock`: seconds since the epoch."""

    def __init__(
        self,
        issuer: Issuer,
        audiences: frozenset[str],
        client: IssuerClient,
        places: KeyFetch,
        clock: Callable[[], float],
    ) -> None:
        self._issuer, self._audiences = issuer, audiences
        self._client, self._places, self._clock = client, places, clock
        self._address: tuple[str, float] | None = None
        self._pause_until = 0.0
        self.last_fault = ""
        self._renew()
        _ALL.add(self)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._flights: dict[bytes, Future[TokenFacts | None]] = {}

    def ask(self, question: Question) -> Future[TokenFacts | None]:
        """The answer to come: facts, None, or `NoAnswer` raised. Raises OAuthError (503) when it is not asked."""
        with self._lock:
            flight = self._flights.get(question.digest)
            if flight is not None:
                return flight
            wait = self._pause_until - self._clock()
            if 0 < wait <= PAUSE or len(self._flights) >= MOST_WAITING:
                raise unavailable(max(wait, 1.0), "status_unavailable")
            if self._pool is None:
                self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="mintmark-status")
            flight = self._pool.submit(self._answer, question)
            self._flights[question.digest] = flight
        flight.add_done_callback(lambda _: self._flights.pop(question.digest, None))
        return flight

    def close(self) -> None:
        """Ask nothing more; whoever waits is answered or refused."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.submit(self._client.close)
            pool.shutdown(wait=False)

    def _answer(self, question: Question) -> TokenFacts | None:
        try:
            request = write_question(self._endpoint(), question, *self._issuer.own_credentials())
            facts = read_answer(
                self._client(request, MAX_ANSWER_BYTES), self._issuer.identifier, self._audiences
            )
        except (NoAnswer, NoResponse, FetchFault) as fault:
            sentence = str(fault)
        except Exception as fault:  # whatever the function that reads the credentials raises
            sentence = f"the question could not be written: {type(fault).__name__}"
        else:
            self.last_fault = ""
            return facts
        self._pause_until = self._clock() + PAUSE
        self._address = None
        if self.last_fault != sentence:
            logger.warning("%s could not be asked about a token: %s", self._issuer.identifier, sentence)
        self.last_fault = sentence
        raise NoAnswer(sentence) from None

    def _endpoint(self) -> str:
        if self._issuer.introspection_endpoint is not None:
            return self._issuer.introspection_endpoint
        now = self._clock()
        if self._address is None or not 0 <= self._address[1] - now <= ADDRESS_FOR:
            self._address = (self._places.address("introspection_endpoint"), now + ADDRESS_FOR)
        return self._address[0]


_ALL: WeakSet[StatusAsker] = WeakSet()


def _after_fork() -> None:
    for asker in list(_ALL):
        asker._renew()


os.register_at_fork(after_in_child=_after_fork)
