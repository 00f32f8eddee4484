"""Refusals waiting for the audit trail: every one counted, however few events they become."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from mintmark.storage.refusals import OTHER_ADDRESSES, Refusals
from mintmark.values.audit_event import AuditEvent

ONE = AuditEvent(100.0, "token", "refused", peer="p", client_id="c", reason="secret_wrong")


def drain(refusals: Refusals) -> list[AuditEvent]:
    refusals.end_second(10**9)
    return refusals.take(10**6)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.integers(0, 9),
            st.sampled_from(["refused", "watched"]),
            st.sampled_from(["wrong", "late"]),
        ),
        max_size=300,
    ),
    st.integers(0, 4),
    st.integers(1, 6),
    st.integers(0, 10),
    st.integers(1, 12),
)
def test_no_refusal_is_lost_from_the_count(arrivals, each, addresses, alone, waiting) -> None:
    refusals = Refusals(each=each, addresses=addresses, alone=alone, waiting=waiting)
    came: Counter[tuple[str, str]] = Counter()
    for second, peer, outcome, reason in arrivals:
        refusals.add(ONE._replace(at=100.0 + second, peer=f"p{peer}", outcome=outcome, reason=reason))
        came[outcome, reason] += 1
    events = drain(refusals)
    told: Counter[tuple[str, str]] = Counter()
    for event in events:
        told[event.outcome, event.reason] += event.count
    assert told == came  # none hides in the count of another outcome or reason
    assert len(events) <= 2 * (waiting + 2)
    assert len(refusals) == 0


def test_the_first_few_of_a_second_stand_for_themselves() -> None:
    refusals = Refusals(each=2)
    for n in range(5):
        refusals.add(ONE._replace(at=100 + n / 10, client_id=f"c{n}"))
    refusals.add(ONE._replace(at=101.0, client_id="next"))
    events = drain(refusals)
    assert [(event.client_id, event.count) for event in events] == [
        ("c0", 1),
        ("c1", 1),
        ("", 3),
        ("next", 1),
    ]
    assert (events[2].reason, events[2].peer, events[2].at) == ("secret_wrong", "p", 100.2)


def test_addresses_beyond_the_tracked_ones_share_one_event() -> None:
    refusals = Refusals(addresses=2)
    for n in range(7):
        refusals.add(ONE._replace(peer=f"p{n}"))
    assert [(event.peer, event.count) for event in drain(refusals)] == [
        ("p0", 1),
        ("p1", 1),
        (OTHER_ADDRESSES, 5),
    ]


def test_all_addresses_together_have_a_bound_too() -> None:
    refusals = Refusals(alone=3)
    for n in range(5):
        refusals.add(ONE._replace(peer=f"p{n}"))
        refusals.add(ONE._replace(peer=f"p{n}"))
    events = drain(refusals)
    assert [event.client_id for event in events[:3]] == ["c", "c", "c"]
    assert sum(event.count for event in events) == 10
    assert {event.client_id for event in events[3:]} == {""}


def test_watched_events_take_no_room_of_refusals() -> None:
    """Neither of those that stand alone, of one address or of all, nor of addresses, counts and the queue."""
    refusals, alone = (Refusals(each=2, addresses=3, alone=4, waiting=5) for _ in range(2))
    for n in range(40):
        refusals.add(ONE._replace(peer=f"p{n % 8}", outcome="watched", reason="rate_tenant"))
    for n in range(9):
        for each in (refusals, alone):
            each.add(ONE._replace(peer=f"p{n % 5}", client_id=f"c{n}", reason=f"r{n % 3}"))
    refused = [event for event in drain(refusals) if event.outcome == "refused"]
    assert refused == drain(alone)


def test_what_is_counted_is_told_by_reason() -> None:
    refusals = Refusals(each=1)
    for reason in ("wrong_secret", "wrong_secret", "unknown_client", "wrong_secret", "unknown_client"):
        refusals.add(ONE._replace(reason=reason))
    counted = [(event.peer, event.reason, event.count) for event in drain(refusals)]
    assert counted == [("p", "wrong_secret", 1), ("p", "wrong_secret", 2), ("p", "unknown_client", 2)]


def test_many_reasons_of_many_addresses_write_no_more_events_than_one() -> None:
    refusals = Refusals(each=0, addresses=10)
    for n in range(40):
        refusals.add(ONE._replace(peer=f"p{n % 8}", reason=f"r{n % 5}"))
    events = drain(refusals)
    assert len(events) <= 10 + 5
    assert sum(event.count for event in events) == 40


def test_an_event_of_the_past_does_not_begin_a_new_second() -> None:
    refusals = Refusals(each=1)
    for at in (100.0, 99.0, 100.5):
        refusals.add(ONE._replace(at=at))
    assert [event.count for event in drain(refusals)] == [1, 2]


def test_what_is_put_back_comes_first_again() -> None:
    refusals = Refusals()
    for n in range(3):
        refusals.add(ONE._replace(client_id=str(n)))
    refusals.put_back(refusals.take(2))
    assert [event.client_id for event in refusals.take(9)] == ["0", "1", "2"]


def test_long_texts_are_cut() -> None:
    refusals = Refusals(each=1)
    for _ in range(2):
        refusals.add(ONE._replace(client_id="x" * 10_000, mount="m" * 10_000))
    alone, counted = drain(refusals)
    assert (len(alone.client_id), len(alone.mount), len(counted.mount)) == (256, 256, 256)
