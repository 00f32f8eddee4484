"""One source of tokens for a whole process: one exchange at a time, however many threads, tasks and event loops ask.

The lock is held for microseconds and never over I/O. An exchange runs in a thread of its own, so that no event loop
stands still and no dying loop or interrupted caller takes it along; everybody else waits for its outcome, or goes on
with the old token while that is good. Renewal is on demand: an idle program asks for nothing.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass, replace
from math import inf
from typing import Protocol

from mintmark.client.allowance import Allowance
from mintmark.client.errors import Misconfigured, NoSense, NoToken, Refused, Unreachable
from mintmark.client.exchange import Pause, Steps
from mintmark.client.freshness import EARLIEST, pause, window
from mintmark.client.means import Means, SendFault
from mintmark.client.status import State, Status
from mintmark.client.token import Token
from mintmark.values.secret import Secret

logger = logging.getLogger("mintmark.client")
#: The longest that a caller waits, in seconds.
TIME_LIMIT = 30.0
#: After a refusal for good the secret is looked at again this often; it is sent only if it changed.
LOOK_AGAIN = 5.0
#: A token that replaced a refused one is kept at least this long, and twice as long after each further refusal.
COOL_DOWN, LONGEST_COOL_DOWN = 60.0, 3600.0


class Obtains(Protocol):
    """What a source turns into tokens: the exchange of a profile, or a token that merely stands."""

    dialect: str
    renew_before: float | None
    token_dead: frozenset[int]

    def steps(self, *, patient: bool) -> Steps:
        """One exchange (see `exchange.Exchange.steps`)."""
        ...

    def allowances(self) -> tuple[Allowance, ...]:
        """What is left, as far as the vendor said."""
        ...


@dataclass(frozen=True, slots=True)
class _Held:
    """The token in use. `cool_until`: until then it is kept even if an API refuses it; `refusals`: how many of its
    predecessors in a row were refused.
    """

    token: Token
    renew_at: float = -inf
    over_at: float = -inf
    obtained: float = -inf
    cool_until: float = -inf
    refusals: int = 0


class _Flight:
    """An exchange under way; its future ends with a `Token` or a `NoToken`, always as a result."""

    __slots__ = ("ends_by", "future")

    def __init__(self, ends_by: float) -> None:
        self.ends_by = ends_by
        self.future: Future[Token | NoToken] = Future()
        self.future.set_running_or_notify_cancel()  # a cancelled task must not cancel it for the others


class TokenSource:
    """Give this to whatever calls the API. All methods may be called from any thread; `atoken` from any event loop."""

    def __init__(self, exchange: Obtains, means: Means, time_limit: float = TIME_LIMIT) -> None:
        self._exchange = exchange
        self._means = means
        self._monotonic = means.monotonic
        self._time_limit = time_limit
        self._lock = threading.Lock()
        self._nothing = self._held = _Held(Token(Secret("")))
        self._flight: _Flight | None = None
        self._failure: NoToken | None = None
        self._failures = 0
        self._quiet_until = -inf
        self._refusals = 0
        self._exchanges = 0

    def token(self) -> Token:
        """A token that is good now; blocks while the first one is fetched. Raises NoToken."""
        held = self._held
        if self._monotonic() < held.renew_at:
            return held.token
        found = self._token_or_flight()
        if isinstance(found, Token):
            return found
        try:
            outcome = found.future.result(max(0.0, found.ends_by - self._monotonic()))
        except TimeoutError:
            outcome = self._given_up(found)
        return _unwrapped(outcome)

    async def atoken(self) -> Token:
        """`token`, for asyncio: waits without blocking the event loop. Raises NoToken."""
        held = self._held
        if self._monotonic() < held.renew_at:
            return held.token
        found = self._token_or_flight()
        if isinstance(found, Token):
            return found
        import asyncio  # whoever awaits this has loaded it; whoever does not, need not

        try:
            async with asyncio.timeout(max(0.0, found.ends_by - self._monotonic())):
                outcome = await asyncio.wrap_future(found.future)
        except TimeoutError:
            outcome = self._given_up(found)
        return _unwrapped(outcome)

    def invalidate(self, token: Token) -> bool:
        """An API refused `token`: drop it, unless another has replaced it. Returns whether to try again.

        False when `token` itself is the fresh replacement of a refused one: then new tokens do not help, and none is
        asked for until a while has passed.
        """
        with self._lock:
            held, now = self._held, self._monotonic()
            if held is self._nothing or not (held.token is token or held.token.same_text(token)):
                return True
            if now < held.cool_until:
                logger.warning("%s: a fresh token was refused, too; none is asked for now", self.dialect)
                return False
            again = held.refusals and now < held.obtained + 2 * _cool_down(held.refusals)
            self._refusals = held.refusals + 1 if again else 1
            self._held = self._nothing
            return True

    def status(self) -> Status:
        """What is known now, without asking anybody. It may read the small file that counts allowances."""
        with self._lock:
            held, now, failure = self._held, self._monotonic(), self._failure
            flying = self._flight is not None
            quiet_until, exchanges = self._quiet_until, self._exchanges
        epoch = self._means.clock() - now
        usable = held is not self._nothing and now < held.over_at
        state: State = "renewing" if flying else "failing" if failure is not None else "fresh"
        if not usable:
            state = "asking" if flying else "failed" if failure is not None else "empty"
        return Status(
            state=state,
            dialect=self.dialect,
            token=str(held.token) if usable else "",
            expires_at=held.token.expires_at if usable else None,
            renew_at=epoch + held.renew_at if usable and held.renew_at < inf else None,
            scope=held.token.scope if usable else None,
            last_error=failure,
            retry_at=epoch + quiet_until if failure is not None and now < quiet_until else None,
            exchanges=exchanges,
            allowances=self._exchange.allowances(),
        )

    @property
    def dialect(self) -> str:
        """The name of the vendor's dialect."""
        return self._exchange.dialect

    @property
    def token_dead(self) -> frozenset[int]:
        """Statuses of an API call that mean that its token is no longer good (401 almost everywhere)."""
        return self._exchange.token_dead

    def after_fork(self) -> None:
        """Called in a forked child: its lock is new, the parent's exchange is not its own, the token still serves.

        The renewal of a long-lived token moves by a random time, so that forked workers do not ask in chorus.
        """
        self._lock = threading.Lock()
        self._flight = None
        held = self._held
        room = held.over_at - held.renew_at - EARLIEST
        if held is not self._nothing and 0 < room < inf:
            self._held = replace(held, renew_at=held.renew_at + room * self._means.jitter())

    def _token_or_flight(self) -> Token | _Flight:
        """What to return, or what to wait for. Raises the last NoToken while it is too early to ask again."""
        begun = None
        with self._lock:
            held, now, flight = self._held, self._monotonic(), self._flight
            if now < held.renew_at:
                return held.token
            usable = now < held.over_at
            if flight is not None and now >= flight.ends_by:
                flight = None
            if flight is None and now >= self._quiet_until:
                flight = begun = self._flight = _Flight(now + self._time_limit)
            failure = self._failure
        if begun is not None:
            self._begin(begun, patient=not usable)
        if usable:
            return held.token
        if flight is None:
            raise (failure or Unreachable("no token can be had now", dialect=self.dialect)).again()
        return flight

    def _begin(self, flight: _Flight, *, patient: bool) -> None:
        thread = threading.Thread(
            target=self._fly, args=(flight, patient), name="mintmark-exchange", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:  # no more threads are to be had, or the interpreter is going down
            self._fly(flight, patient)

    def _fly(self, flight: _Flight, patient: bool) -> None:
        outcome: Token | NoToken
        began = self._monotonic()
        try:
            outcome = self._driven(self._exchange.steps(patient=patient))
        except NoToken as error:
            outcome = error.again()
        except BaseException as error:
            # Its text and traceback may hold what must not be shown; its type is all that leaves this thread.
            outcome = Misconfigured(
                f"asking for a token failed: {type(error).__name__}", dialect=self.dialect
            )
        self._land(flight, outcome, began)
        flight.future.set_result(outcome)

    def _driven(self, steps: Steps) -> Token:
        try:
            step = next(steps)
            while True:
                if isinstance(step, Pause):
                    self._means.sleep(step.seconds)
                    step = next(steps)
                    continue
                try:
                    response = self._means.send(step)
                except SendFault as fault:
                    step = steps.throw(fault)
                else:
                    step = steps.send(response)
        except StopIteration as done:
            token: Token = done.value
            return token

    def _land(self, flight: _Flight, outcome: Token | NoToken, began: float) -> None:
        with self._lock:
            if self._flight is not flight:
                return  # it took too long and another one is under way
            self._flight = None
            self._exchanges += 1
            now = self._monotonic()
            if isinstance(outcome, Token):
                self._hold(outcome, began, now)
                return
            self._failures += 1
            self._quiet_until = now + self._quiet(outcome)
            if outcome.retry_at is None:
                outcome.retry_at = self._means.clock() + self._quiet_until - now
            self._failure = outcome

    def _hold(self, token: Token, began: float, now: float) -> None:
        span = window(token.lifetime, began, self._means.jitter(), self._exchange.renew_before)
        cool_until = now + _cool_down(self._refusals) if self._refusals else -inf
        self._held = _Held(token, span.renew_at, span.over_at, now, cool_until, self._refusals)
        self._failure, self._failures, self._quiet_until, self._refusals = None, 0, -inf, 0

    def _quiet(self, error: NoToken) -> float:
        """Seconds in which nobody asks again."""
        if isinstance(error, Misconfigured):
            return 1.0
        if isinstance(error, Refused) and error.permanent:
            return LOOK_AGAIN
        costly = isinstance(error, NoSense)  # the vendor may have counted a token
        seconds = pause(self._failures, self._means.jitter(), *((5.0, 600.0) if costly else (1.0, 60.0)))
        return seconds if error.retry_at is None else max(seconds, error.retry_at - self._means.clock())

    def _given_up(self, flight: _Flight) -> NoToken:
        """The outcome of a flight that outlived the time limit, for whoever waited."""
        error = Unreachable(
            f"the token endpoint did not answer within {self._time_limit:g} s", dialect=self.dialect
        )
        self._land(flight, error, self._monotonic())
        return error


def _cool_down(refusals: int) -> float:
    return min(LONGEST_COOL_DOWN, COOL_DOWN * 2.0 ** min(refusals - 1, 10))


def _unwrapped(outcome: Token | NoToken) -> Token:
    if isinstance(outcome, Token):
        return outcome
    raise outcome.again()
