"""The hash chain over the audit trail: a link vouches for the events of one transaction and for the link before it.

Links are made with a key that the database does not hold, so whoever can only write there cannot make one. A lane is
what one writer at a time extends; the first link of a lane, and now and then a later one, is anchored in the newest
link of another lane, so that the end of a lane cannot be cut off unseen either.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from mintmark.values.audit_event import AuditEvent

#: Faults that a report tells one by one.
MOST_FAULTS = 100


class Link(NamedTuple):
    """`first_id`, `events`: the ids of its events are these many from there on. `digest`: of those events.

    `at`: seconds since the epoch. `anchor`: ``lane:seq:mac`` of a link of another lane, or empty. `mac`: 43 characters
    that stand for this link and, through the one before, for all of the lane so far.
    """

    lane: str
    seq: int
    first_id: int
    events: int
    at: float
    anchor: str
    digest: str
    mac: str

    @property
    def end(self) -> int:
        """The id after its last event."""
        return self.first_id + self.events


def digest(events: Sequence[AuditEvent]) -> str:
    """SHA-256 of the events in their order. No text of an event holds a NUL, so a NUL between two says enough."""
    texts = chain.from_iterable((repr(float(event[0])), *event[1:-1], str(event[-1])) for event in events)
    return _text(hashlib.sha256("\0".join(texts).encode()).digest())


def extend(
    key: bytes,
    before: Link | None,
    *,
    lane: str,
    first_id: int,
    events: Sequence[AuditEvent],
    at: float,
    anchor: str = "",
) -> Link:
    """The link behind `before` (None: it is the lane's first) for `events`, which have the ids from `first_id` on."""
    seq = 1 if before is None else before.seq + 1
    link = Link(lane, seq, first_id, len(events), at, anchor, digest(events), "")
    return link._replace(mac=_mac(key, link, "" if before is None else before.mac))


def anchored(link: Link) -> str:
    """What the `anchor` of a link of another lane says of this one."""
    return f"{link.lane}:{link.seq}:{link.mac}"


def cut(key: bytes, first_kept: int, at: float) -> str:
    """Vouches for it that the events before the id `first_kept` were removed on purpose, as retention does."""
    return _text(hmac.digest(key, f"mintmark audit cut\0{first_kept}\0{at!r}".encode(), "sha256"))


class Report(NamedTuple):
    """What a check found. `heads`: the newest link of each lane. `begins`: the first id that a link vouches for.

    `faults`: one sentence each, at most MOST_FAULTS of them; none means that the trail is whole.
    """

    events: int
    links: int
    begins: int
    heads: Mapping[str, Link]
    faults: Sequence[str]


def check(
    key: bytes,
    links: Iterable[Link],
    events: Iterable[tuple[int, AuditEvent]],
    *,
    first_kept: int = 0,
    known: Mapping[str, tuple[int, str]] | None = None,
) -> Report:
    """Hold the events against the links; both are read once, in the order of (`first_id`, `seq`) and of the ids.

    `first_kept`: events before that id were removed by a cut that was vouched for. `known`: lane -> (seq, mac) as an
    earlier check reported its heads: they must be there still.
    """
    return _Check(key, first_kept, dict(known or {})).run(links, iter(events))


class _Check:
    """One pass over the trail."""

    def __init__(self, key: bytes, first_kept: int, known: dict[str, tuple[int, str]]) -> None:
        self._key = key
        self._first_kept = first_kept
        self._known = known
        self._heads: dict[str, Link] = {}
        self._macs: dict[tuple[str, int], str] = {}
        self._anchors: list[Link] = []
        self._faults: list[str] = []

    def run(self, links: Iterable[Link], events: Iterator[tuple[int, AuditEvent]]) -> Report:
        count = seen = begins = 0
        ahead = next(events, None)
        for link in links:
            if not count:
                begins = link.first_id
                while ahead is not None and ahead[0] < begins:  # from before there was a chain
                    ahead = next(events, None)
            count += 1
            self._follow(link)
            stray: list[int] = []
            while ahead is not None and ahead[0] < link.first_id:
                stray.append(ahead[0])
                ahead = next(events, None)
            self._strays(stray)
            covered: list[AuditEvent] = []
            ids: list[int] = []
            while ahead is not None and ahead[0] < link.end:
                ids.append(ahead[0])
                covered.append(ahead[1])
                ahead = next(events, None)
            seen += len(ids)
            self._cover(link, ids, covered)
        rest = []
        while ahead is not None:
            rest.append(ahead[0])
            ahead = next(events, None)
        self._strays(rest)
        self._resolve()
        return Report(seen, count, begins, self._heads, self._faults)

    def _fault(self, sentence: str) -> None:
        if len(self._faults) < MOST_FAULTS:
            self._faults.append(sentence)

    def _follow(self, link: Link) -> None:
        """That the link follows the one before in its lane, and was made with the key."""
        before = self._heads.get(link.lane)
        self._heads[link.lane] = link
        known = self._known.get(link.lane)
        if known is not None and known[0] == link.seq:
            del self._known[link.lane]
            if not hmac.compare_digest(known[1], link.mac):
                self._fault(f"{_named(link)} is not the one that an earlier check found there.")
        if link.anchor:
            self._anchors.append(link)
        self._macs[link.lane, link.seq] = link.mac
        if before is None and link.seq > 1:
            # What stood before it can only be gone by a cut; its own mac is then taken as it is.
            if link.end > self._first_kept:
                self._fault(f"{_named(link)} is the first of its lane: those before it are missing.")
            return
        if before is not None and link.seq != before.seq + 1:
            self._fault(f"Links {before.seq + 1} to {link.seq - 1} of the lane '{link.lane}' are missing.")
            return
        expected = _mac(self._key, link, "" if before is None else before.mac)
        if not hmac.compare_digest(expected, link.mac):
            self._fault(f"{_named(link)} was changed, or does not follow the one before it.")

    def _cover(self, link: Link, ids: list[int], events: list[AuditEvent]) -> None:
        """That its events are all there, as they were."""
        if len(ids) != link.events:
            if link.end <= self._first_kept:
                return  # a cut, whose work may be half done
            present = set(ids)
            gone = [number for number in range(link.first_id, link.end) if number not in present]
            self._fault(f"Of the events {link.first_id} to {link.end - 1} these are missing: {_some(gone)}.")
        elif not hmac.compare_digest(digest(events), link.digest):
            self._fault(f"The events {link.first_id} to {link.end - 1} were changed or put in another order.")

    def _strays(self, ids: list[int]) -> None:
        if ids:
            self._fault(f"No link vouches for these events: {_some(ids)}.")

    def _resolve(self) -> None:
        """That every anchor and every known head was met."""
        for link in self._anchors:
            lane, _, rest = link.anchor.rpartition(":")[0].rpartition(":")
            mac = link.anchor.rpartition(":")[2]
            if self._macs.get((lane, int(rest) if rest.isdecimal() else 0)) != mac and not self._was_cut(
                link
            ):
                self._fault(
                    f"{_named(link)} is anchored in link {rest} of the lane '{lane}', which is missing."
                )
        for lane, (seq, _) in self._known.items():
            if (head := self._heads.get(lane)) is None or head.seq < seq:
                self._fault(
                    f"The lane '{lane}' had a link {seq} at an earlier check, and ends before it now."
                )

    def _was_cut(self, link: Link) -> bool:
        return link.first_id <= self._first_kept


def _mac(key: bytes, link: Link, before: str) -> str:
    said = (
        "mintmark audit link",
        link.lane,
        str(link.seq),
        str(link.first_id),
        str(link.events),
        repr(float(link.at)),
        link.anchor,
        link.digest,
        before,
    )
    return _text(hmac.digest(key, "\0".join(said).encode(), "sha256"))


def _named(link: Link) -> str:
    return f"Link {link.seq} of the lane '{link.lane}'" if link.lane else f"Link {link.seq}"


def _some(ids: Sequence[int]) -> str:
    shown = ", ".join(map(str, ids[:5]))
    return shown if len(ids) <= 5 else f"{shown} and {len(ids) - 5} more"


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
