"""Searching, exporting and summing up the audit trail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mintmark.authorization_server.ports import AuditQuery
from mintmark.storage.store import SqlStore
from mintmark.values.audit_event import AuditEvent
from tests.storage.samples import HOME, NOW, event

EVENTS = (
    event(at=NOW, client_id="a", mount="/old", request_id="r1", jti="j1", credential_id="v1", dialect="d1"),
    event(at=NOW + 1, client_id="b", mount="/old", outcome="refused", reason="secret_wrong", count=7),
    event(at=NOW + 2, client_id="a", mount="/old"),
    event(at=NOW + 3, client_id="b", mount="/old"),
    event(at=NOW + 4, client_id="a", mount="/new"),
    event(at=NOW + 5, environment="acme/staging", client_id="a", mount="/old", kind="login"),
)


@pytest.fixture
def trail(store: SqlStore) -> SqlStore:
    """A store whose audit trail is EVENTS."""

    def work(transaction: Any) -> None:
        for one in EVENTS:
            transaction.audit(one)

    asyncio.run(store.write(work))
    return store


def found(trail: SqlStore, **filters: Any) -> list[AuditEvent]:
    return [one for _, one in asyncio.run(trail.events(AuditQuery(**filters)))]


def test_the_newest_come_first(trail: SqlStore) -> None:
    assert found(trail) == list(reversed(EVENTS))


@pytest.mark.parametrize(
    ("filters", "indexes"),
    [
        ({"environment": HOME}, [4, 3, 2, 1, 0]),
        ({"kind": "login"}, [5]),
        ({"outcome": "refused"}, [1]),
        ({"request_id": "r1"}, [0]),
        ({"client_id": "b"}, [3, 1]),
        ({"client_id": "b", "outcome": "issued"}, [3]),
        ({"credential_id": "v1"}, [0]),
        ({"dialect": "d1"}, [0]),
        ({"mount": "/new"}, [4]),
        ({"reason": "secret_wrong"}, [1]),
        ({"jti": "j1"}, [0]),
        ({"jti": "j' OR 1=1 --"}, []),
        ({"since": NOW + 4}, [5, 4]),
        ({"until": NOW + 1}, [0]),
        ({"since": NOW + 1, "until": NOW + 3, "environment": HOME}, [2, 1]),
        ({"limit": 2}, [5, 4]),
        ({"limit": 0}, []),
        ({"limit": -1}, []),
    ],
    ids=str,
)
def test_a_filter_keeps_what_equals_it(trail: SqlStore, filters: dict[str, Any], indexes: list[int]) -> None:
    assert found(trail, **filters) == [EVENTS[index] for index in indexes]


def test_pages_follow_each_other_without_gap_or_repetition(trail: SqlStore) -> None:
    pages: list[AuditEvent] = []
    before = None
    while page := asyncio.run(trail.events(AuditQuery(limit=4, before_id=before))):
        pages += [one for _, one in page]
        before = page[-1][0]
    assert pages == list(reversed(EVENTS))


@pytest.mark.parametrize("page", [1, 2, 6, 100])
def test_an_export_brings_everything_in_order(trail: SqlStore, page: int) -> None:
    async def export(**options: Any) -> list[tuple[int, AuditEvent]]:
        return [one async for one in trail.export(page=page, **options)]

    everything = asyncio.run(export())
    assert [one for _, one in everything] == list(EVENTS)
    assert asyncio.run(export(after_id=everything[3][0])) == everything[4:]
    assert [one for _, one in asyncio.run(export(environment="acme/staging"))] == [EVENTS[5]]


def test_who_still_uses_a_mount_is_known(trail: SqlStore) -> None:
    assert asyncio.run(trail.mount_users(HOME, "/old", NOW)) == [("b", 1, NOW + 3), ("a", 2, NOW + 2)]
    assert asyncio.run(trail.mount_users(HOME, "/old", NOW + 3)) == [("b", 1, NOW + 3)]
    assert asyncio.run(trail.mount_users(HOME, "/none", NOW)) == []
