"""Refused requests waiting for their place in the audit trail, bounded whatever arrives.

Of one address the first few events of a second stand for themselves; the rest of that second becomes one event
with a count. So does everything from addresses beyond the number that is tracked, and what finds the queue full.
"""

from __future__ import annotations

from collections import deque

from mintmark.storage.audit import clean
from mintmark.values.audit_event import AuditEvent

#: As `peer` of the event that stands for everybody who is not tracked by address.
OTHER_ADDRESSES = "other addresses"
LONGEST_TEXT = 256


class Refusals:
    """The queue. `each`: events of an address and second that stand alone; `addresses`: tracked per second;
    `alone`: events of a second that stand alone, over all addresses; `waiting`: events kept for writing."""

    def __init__(
        self, *, each: int = 5, addresses: int = 1024, alone: int = 512, waiting: int = 8192
    ) -> None:
        self._each, self._addresses, self._alone, self._waiting = each, addresses, alone, waiting
        self._queue: deque[AuditEvent] = deque()
        self._second = -1
        self._seen: dict[str, int] = {}
        self._alone_seen = 0
        #: By address and outcome, and by outcome alone: what was refused and what was only watched stay apart.
        self._rest: dict[tuple[str, str], AuditEvent] = {}
        self._lost: dict[str, AuditEvent] = {}

    def __len__(self) -> int:
        return len(self._queue) + len(self._rest) + len(self._lost)

    def add(self, event: AuditEvent) -> None:
        """Take one refusal in. Costs the same however many came before."""
        self.end_second(int(event.at))
        seen = self._seen.get(event.peer, 0)
        peer = event.peer
        if seen == 0 and len(self._seen) >= self._addresses:
            peer = OTHER_ADDRESSES
        else:
            self._seen[peer] = seen + 1
            if seen < self._each and self._alone_seen < self._alone:
                self._alone_seen += 1
                self._append(clean(event, LONGEST_TEXT))
                return
        rest = self._rest.get((peer, event.outcome))
        if rest is None:
            self._rest[peer, event.outcome] = _standing_for_more(clean(event, LONGEST_TEXT), peer)
        else:
            self._rest[peer, event.outcome] = rest._replace(count=rest.count + event.count)

    def end_second(self, second: int) -> None:
        """Begin a new second, if it is one: what was counted in the last one joins the queue."""
        if second <= self._second:
            return
        self._second = second
        self._seen.clear()
        self._alone_seen = 0
        rest, self._rest = self._rest, {}
        for event in rest.values():
            self._append(event)

    def take(self, most: int) -> list[AuditEvent]:
        """Remove and return up to `most` events, oldest first."""
        taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        while self._lost and len(taken) < most:
            taken.append(self._lost.pop(next(iter(self._lost))))
        return taken

    def put_back(self, events: list[AuditEvent]) -> None:
        """Return events that could not be written; what finds no room is counted."""
        for event in reversed(events):
            self._append(event, first=True)

    def _append(self, event: AuditEvent, *, first: bool = False) -> None:
        if len(self._queue) < self._waiting:
            (self._queue.appendleft if first else self._queue.append)(event)
        elif (lost := self._lost.get(event.outcome)) is None:
            self._lost[event.outcome] = _standing_for_more(event, OTHER_ADDRESSES)
        else:
            self._lost[event.outcome] = lost._replace(count=lost.count + event.count)


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
        detail="One event for several refusals of this second; all but its count is of the first.",
        count=event.count,
    )
