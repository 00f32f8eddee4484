"""A trail that was changed, cut, reordered or added to is told from one that is whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mintmark.crypto.audit_chain import Link, Report, anchored, check, digest, extend
from mintmark.values.audit_event import AuditEvent

KEY, OTHER_KEY = bytes(32), bytes(31) + b"\1"
Numbered = list[tuple[int, AuditEvent]]
Trail = tuple[list[Link], Numbered]


def event(number: int) -> AuditEvent:
    return AuditEvent(100.5 + number, "token", "issued", "acme/production", jti=f"j{number}", detail="ä\n")


def trail(*sizes: int, first_id: int = 1, lane: str = "") -> Trail:
    """A chain of one lane whose links have these many events."""
    links: list[Link] = []
    events: Numbered = []
    for size in sizes:
        before = links[-1] if links else None
        start = first_id if before is None else before.end
        own = [event(number) for number in range(start, start + size)]
        links.append(
            extend(KEY, before, lane=lane, first_id=start, events=own, at=own[-1].at if own else 9.0)
        )
        events += enumerate(own, start)
    return links, events


def judged(links: list[Link], events: Numbered, key: bytes = KEY) -> Report:
    return check(key, links, events)


def test_a_whole_trail_has_no_fault() -> None:
    links, events = trail(0, 3, 1, 64)
    report = judged(links, events)
    assert report == Report(68, 4, 1, {"": links[-1]}, [])


def test_an_empty_trail_has_no_fault() -> None:
    assert judged([], []) == Report(0, 0, 0, {}, [])


def test_events_from_before_the_chain_are_not_vouched_for_and_no_fault() -> None:
    links, events = trail(0, 2, first_id=8)
    report = judged(links, [(number, event(number)) for number in range(1, 8)] + events)
    assert (report.begins, report.events, report.faults) == (8, 2, [])


def _changed(links: list[Link], events: Numbered) -> None:
    events[4] = (events[4][0], events[4][1]._replace(jti="another"))


def _count_changed(links: list[Link], events: Numbered) -> None:
    events[4] = (events[4][0], events[4][1]._replace(count=2))


def _text_moved_between_fields(links: list[Link], events: Numbered) -> None:
    one = events[4][1]
    events[4] = (events[4][0], one._replace(jti="", audience=one.jti))


def _swapped(links: list[Link], events: Numbered) -> None:
    events[4], events[5] = (events[4][0], events[5][1]), (events[5][0], events[4][1])


def _swapped_over_links(links: list[Link], events: Numbered) -> None:
    events[0], events[5] = (events[0][0], events[5][1]), (events[5][0], events[0][1])


def _one_gone(links: list[Link], events: Numbered) -> None:
    del events[4]


def _last_gone(links: list[Link], events: Numbered) -> None:
    del events[-1]


def _group_gone(links: list[Link], events: Numbered) -> None:
    gone = links.pop(2)
    events[:] = [pair for pair in events if not gone.first_id <= pair[0] < gone.end]


def _beginning_gone(links: list[Link], events: Numbered) -> None:
    events[:] = [pair for pair in events if pair[0] >= links[2].first_id]
    del links[:2]


def _added_behind(links: list[Link], events: Numbered) -> None:
    events.append((events[-1][0] + 1, event(99)))


def _forged_link(links: list[Link], events: Numbered) -> None:
    own = event(99)
    links.append(extend(OTHER_KEY, links[-1], lane="", first_id=links[-1].end, events=[own], at=own.at))
    events.append((links[-1].first_id, own))


def _link_with_new_digest(links: list[Link], events: Numbered) -> None:
    _changed(links, events)
    covered = [one for number, one in events if links[2].first_id <= number < links[2].end]
    links[2] = links[2]._replace(digest=digest(covered))


def _links_swapped(links: list[Link], events: Numbered) -> None:
    links[1], links[2] = links[1]._replace(mac=links[2].mac), links[2]._replace(mac=links[1].mac)


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (_changed, "The events 4 to 7 were changed or put in another order."),
        (_count_changed, "The events 4 to 7 were changed or put in another order."),
        (_text_moved_between_fields, "The events 4 to 7 were changed or put in another order."),
        (_swapped, "The events 4 to 7 were changed or put in another order."),
        (_swapped_over_links, "The events 1 to 3 were changed or put in another order."),
        (_one_gone, "Of the events 4 to 7 these are missing: 5."),
        (_last_gone, "Of the events 8 to 8 these are missing: 8."),
        (_group_gone, "Links 3 to 3 of the lane '' are missing."),
        (_beginning_gone, "Link 3 is the first of its lane: those before it are missing."),
        (_added_behind, "No link vouches for these events: 9."),
        (_forged_link, "Link 5 was changed, or does not follow the one before it."),
        (_link_with_new_digest, "Link 3 was changed, or does not follow the one before it."),
        (_links_swapped, "Link 2 was changed, or does not follow the one before it."),
    ],
)
def test_what_was_done_to_a_trail_is_told(
    harm: Callable[[list[Link], Numbered], None], sentence: str
) -> None:
    links, events = trail(0, 3, 4, 1)
    harm(links, events)
    assert judged(links, events).faults[0] == sentence


def test_every_link_is_a_fault_under_another_key() -> None:
    assert len(judged(*trail(0, 3, 4), key=OTHER_KEY).faults) == 3


def test_an_end_that_was_cut_off_is_found_by_the_heads_of_an_earlier_check() -> None:
    links, events = trail(0, 3, 4, 1)
    known = {"": (links[-1].seq, links[-1].mac)}
    assert check(KEY, links, events, known=known).faults == []
    assert check(KEY, links[:-1], events[:-1], known=known).faults == [
        "The lane '' had a link 4 at an earlier check, and ends before it now."
    ]


def test_an_end_that_was_written_anew_is_found_by_the_heads_of_an_earlier_check() -> None:
    links, events = trail(0, 3, 4, 1)
    known = {"": (links[-1].seq, links[-1].mac)}
    again = extend(KEY, links[-2], lane="", first_id=8, events=[event(77)], at=1.0)
    faults = check(KEY, [*links[:-1], again], [*events[:-1], (8, event(77))], known=known).faults
    assert faults == ["Link 4 is not the one that an earlier check found there."]


def test_the_end_of_a_lane_is_missed_where_another_lane_is_anchored_in_it() -> None:
    (links, events) = trail(0, 2, lane="a")
    own = [event(50)]
    anchor = anchored(links[-1])
    other = extend(KEY, None, lane="b", first_id=3, events=own, at=1.0, anchor=anchor)
    assert check(KEY, [*links, other], [*events, (3, own[0])]).faults == []
    report = check(KEY, [links[0], other], [(3, own[0])])
    assert report.faults == [
        "Link 1 of the lane 'b' is anchored in link 2 of the lane 'a', which is missing."
    ]


def test_what_a_cut_removed_is_no_fault_and_what_else_is_missing_is() -> None:
    links, events = trail(0, 3, 4, 1)
    kept = [pair for pair in events if pair[0] >= 4]
    assert check(KEY, links[1:], kept, first_kept=4).faults == []
    assert check(KEY, links[1:], kept[1:], first_kept=4).faults == [
        "Of the events 4 to 7 these are missing: 4."
    ]


def test_at_most_a_hundred_faults_are_told() -> None:
    links, events = trail(*([1] * 300))
    assert len(judged(links, [(n, one._replace(jti="x")) for n, one in events]).faults) == 100
