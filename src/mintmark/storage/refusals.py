"""Refused requests waiting for their place in the audit trail, bounded whatever arrives.

Of one address the first few events of a second stand for themselves; the rest of that second becomes one event
with a count for each reason. So does everything from addresses beyond the number that is tracked, and what finds the
queue full. All of these bounds are those of one outcome: what limits only watched takes no room of what was refused.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from mintmark.storage.audit import clean
from mintmark.values.audit_event import AuditEvent

#: As `peer` of the event that stands for everybody who is not tracked by address.
OTHER_ADDRESSES = "other addresses"
LONGEST_TEXT = 256


@dataclass(slots=True)
class _Spent:
    """What came with one outcome in this second: of each address, alone over all of them, and what was left over, by
    address and reason.
    """

    seen: dict[str, int] = field(default_factory=dict)
    alone: int = 0
    rest: dict[tuple[str, str], AuditEvent] = field(default_factory=dict)


class Refusals:
    """The queue. Of each outcome: `each`: events of an address and second that stand alone; `addresses`: tracked per
    second, and events with a count; `alone`: events of a second that stand alone, over all addresses; `waiting`: events
    kept for writing. Reasons are few, and none is a caller's choice.
    """

    def __init__(
        self, *, each: int = 5, addresses: int = 1024, alone: int = 512, waiting: int = 8192
    ) -> None:
        self._each, self._addresses, self._alone, self._waiting = each, addresses, alone, waiting
        self._queue: deque[AuditEvent] = deque()
        self._queued: Counter[str] = Counter()
        self._second = -1
        self._spent: dict[str, _Spent] = {}
        #: What found the queue full, by outcome and reason.
        self._lost: dict[tuple[str, str], AuditEvent] = {}

    def __len__(self) -> int:
        return len(self._queue) + sum(len(spent.rest) for spent in self._spent.values()) + len(self._lost)

    def add(self, event: AuditEvent) -> None:
        """Take one refusal in. Costs the same however many came before."""
        self.end_second(int(event.at))
        spent = self._spent.get(event.outcome)
        if spent is None:
            spent = self._spent[event.outcome] = _Spent()
        peer = event.peer
        seen = spent.seen.get(peer, 0)
        if seen == 0 and len(spent.seen) >= self._addresses:
            peer = OTHER_ADDRESSES
        else:
            spent.seen[peer] = seen + 1
            if seen < self._each and spent.alone < self._alone:
                spent.alone += 1
                self._append(clean(event, LONGEST_TEXT))
                return
        if (peer, event.reason) not in spent.rest and len(spent.rest) >= self._addresses:
            peer = OTHER_ADDRESSES
        rest = spent.rest.get((peer, event.reason))
        if rest is None:
            spent.rest[peer, event.reason] = _standing_for_more(clean(event, LONGEST_TEXT), peer)
        else:
            spent.rest[peer, event.reason] = rest._replace(count=rest.count + event.count)

    def end_second(self, second: int) -> None:
        """Begin a new second, if it is one: what was counted in the last one joins the queue."""
        if second <= self._second:
            return
        self._second = second
        ended, self._spent = self._spent, {}
        for spent in ended.values():
            for event in spent.rest.values():
                self._append(event)

    def take(self, most: int) -> list[AuditEvent]:
        """Remove and return up to `most` events, oldest first."""
        taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        self._queued.subtract(event.outcome for event in taken)
        while self._lost and len(taken) < most:
            taken.append(self._lost.pop(next(iter(self._lost))))
        return taken

    def put_back(self, events: list[AuditEvent]) -> None:
        """Return events that could not be written; what finds no room is counted."""
        for event in reversed(events):
            self._append(event, first=True)

    def _append(self, event: AuditEvent, *, first: bool = False) -> None:
        name = (event.outcome, event.reason)
        if self._queued[event.outcome] < self._waiting:
            self._queued[event.outcome] += 1
            (self._queue.appendleft if first else self._queue.append)(event)
        elif (lost := self._lost.get(name)) is None:
            self._lost[name] = _standing_for_more(event, OTHER_ADDRESSES)
        else:
            self._lost[name] = lost._replace(count=lost.count + event.count)


def _standing_for_more(event: AuditEvent, peer: str) -> AuditEvent:
    """What a counted event keeps of the first one it stands for."""
    return AuditEvent(
        at=event.at,
        kind=event.kind,
        outcome=event.outcome,
        environment=event.environment,
        request_id=event.request_id,
        dialect=event.dialect,
        mount=event.mount,
        peer=peer,
        reason=event.reason,
        detail="One event for several of this second with this reason; all but its count is of the first.",
        count=event.count,
    )
