"""Short-window rate limits that all nodes share: `counters`' arithmetic in one script on a Valkey server.

What requests want to take while a script runs goes into the next one together, so a node has one script under way,
however busy it is. The server's clock decides: a node whose own is wrong neither gives nor loses units. While the
server is away, limits are those of this node alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence

from valkey.exceptions import NoScriptError

from mintmark.authorization_server.ports import Counters, Take, Verdict
from mintmark.storage.counters import SECOND, judge, unit_of
from mintmark.storage.valkey_server import ValkeyAway, ValkeyServer

#: Requests whose takes go into one script.
MOST = 256
#: KEYS: one per take. ARGV[1]: seconds and nanoseconds, or nothing for the server's clock. ARGV[2]: for each request
#: the number of its takes, and for each of those its window, what must be free, and what is taken, in nanoseconds;
#: what must be free is negative where a limit is only watched, and so hinders nothing.
#: Answers what each key owed before, in one text, because a client reads each part of a list by itself. Times are in
#: two parts, because a number here has 53 bits; a key lives a minute longer than it owes, for clocks that are set back.
SCRIPT = """
local seconds, nanos = string.match(ARGV[1], '^(%d+) (%d+)$')
if not seconds then
  local time = redis.call('TIME')
  seconds, nanos = time[1], time[2] * 1000
end
seconds, nanos = tonumber(seconds), tonumber(nanos)
local asked = cjson.decode(ARGV[2])
local owed, debts, at, key = {}, {}, 1, 0
while asked[at] do
  local takes, first, free = asked[at], key, true
  for take = 1, takes do
    local here = at + 3 * take - 2
    local window, wanted, debt = asked[here], asked[here + 1], 0
    key = key + 1
    local known = redis.call('GET', KEYS[key])
    if known then
      local s, n = string.match(known, '^(%d+) (%d+)$')
      debt = math.max(0, math.min(window, (s - seconds) * 1000000000 + (n - nanos)))
    end
    debts[key] = debt
    owed[key] = string.format('%.0f', debt)
    if wanted > 0 and debt + wanted > window + 1000 then free = false end
  end
  if free then
    for take = 1, takes do
      local window, wanted, taken = asked[at + 3 * take - 2], asked[at + 3 * take - 1], asked[at + 3 * take]
      if wanted < 0 and debts[first + take] - wanted > window + 1000 then taken = 0 end
      if taken > 0 then
        local after = debts[first + take] + taken
        local full = nanos + after
        local s = seconds + math.floor(full / 1000000000)
        local value = string.format('%.0f %.0f', s, full % 1000000000)
        redis.call('SET', KEYS[first + take], value, 'PX', math.ceil(after / 1000000) + 60000)
      end
    end
  end
  at = at + 3 * takes + 1
end
return table.concat(owed, ' ')
"""
_SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()

_Waiting = tuple[tuple[Take, ...], "asyncio.Future[Sequence[int] | None]"]


class ValkeyCounters:
    """Implements `ports.Counters`. `alone`: the limits of this node, for while the server is away.

    `prefix`: how its keys begin. `clock`: seconds and nanoseconds to go by, or nothing for the server's clock.
    """

    def __init__(
        self,
        server: ValkeyServer,
        alone: Counters,
        prefix: str,
        clock: Callable[[], str] = str,
    ) -> None:
        self._server = server
        self._alone = alone
        self._prefix = prefix
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._sending: asyncio.Task[None] | None = None

    async def take(self, takes: tuple[Take, ...], now: float) -> tuple[Verdict, ...]:
        """As the port says."""
        if self._server.there:
            answer: asyncio.Future[Sequence[int] | None] = asyncio.get_running_loop().create_future()
            self._waiting.append((takes, answer))
            if self._sending is None:
                self._sending = asyncio.ensure_future(self._send())
            owed = await answer
            if owed is not None:
                return tuple(judge(take, debt)[0] for take, debt in zip(takes, owed, strict=True))
        return await self._alone.take(takes, now)

    async def _send(self) -> None:
        """Ask until nobody waits. Whatever happens, who waits is answered."""
        together: list[_Waiting] = []
        owed: Sequence[int] | None = None
        try:
            while self._waiting:
                together, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                try:
                    owed = await self._owed([takes for takes, _ in together])
                except ValkeyAway:
                    owed = None
                _answer(together, owed)
        finally:
            self._sending = None
            _answer([*together, *self._waiting], None)
            self._waiting = []

    async def _owed(self, requests: Sequence[tuple[Take, ...]]) -> Sequence[int]:
        keys: list[str] = []
        asked: list[int] = []
        for takes in requests:
            asked.append(len(takes))
            for take in takes:
                window, unit = take.period * SECOND, unit_of(take)
                keys.append(self._prefix + take.key)
                wanted = max(1, take.cost) * unit
                asked += (window, -wanted if take.watched else wanted, take.cost * unit)
        given: tuple[str | int, ...] = (
            len(keys),
            *keys,
            self._clock(),
            json.dumps(asked, separators=(",", ":")),
        )
        try:
            owed: bytes = await self._server.ask("EVALSHA", _SHA, *given)
        except NoScriptError:
            owed = await self._server.ask("EVAL", SCRIPT, *given)
        return [int(debt) for debt in owed.split()]


def _answer(waiting: Sequence[_Waiting], owed: Sequence[int] | None) -> None:
    first = 0
    for takes, answer in waiting:
        if not answer.done():
            answer.set_result(None if owed is None else owed[first : first + len(takes)])
        first += len(takes)
