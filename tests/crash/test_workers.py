"""Several workers on one database behave as one server: quotas exact, deletions and rotations effective on each."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import pytest

from mintmark.authorization_server.administration import quotas, signing_keys
from mintmark.authorization_server.administration.act import Act
from mintmark.authorization_server.administration.key_schedule import KeySchedule
from mintmark.authorization_server.ports import Transaction
from tests.crash.askers import Askers
from tests.crash.site import DAILY_LIMIT, ENVIRONMENT, Site, claims
from tests.end_to_end.server import Running, in_one_day, mintmark, until


@pytest.fixture
def server(site: Site) -> Iterator[Running]:
    running = site.serve("--workers", 2)
    yield running
    running.stop()


def test_a_daily_limit_is_exact_under_parallel_load(site: Site, server: Running) -> None:
    in_one_day()
    with Askers(site, [site.limited], threads=8, each=20) as askers:
        askers.join()
    assert len(askers.received) == DAILY_LIMIT
    assert {(refused.status, refused.error) for refused in askers.refused} == {(429, "quota_exceeded")}
    assert len(askers.refused) == 8 * 20 - DAILY_LIMIT
    books = site.books()
    books.check(askers.jtis)
    assert books.counted[site.limited.client_id] == DAILY_LIMIT


def test_a_daily_limit_that_is_set_under_load_is_exact(site: Site, server: Running) -> None:
    in_one_day()
    holder = site.holders[1]
    with Askers(site, [holder]) as askers:
        askers.wait_for(50)
        limits: list[int] = []

        def limit(tx: Transaction, act: Act) -> None:
            """While nothing else can be written; those on their way back by then are no 500."""
            limits.append(len(askers.received) + 500)
            quotas.set_client(tx, act, ENVIRONMENT, holder.client_id, limits[0])

        site.administer(limit)
        until(lambda: askers.refused, "the limit was never reached")
    assert {(refused.status, refused.error) for refused in askers.refused} == {(429, "quota_exceeded")}
    assert len(askers.received) == limits[0]
    books = site.books()
    books.check(askers.jtis)
    assert books.counted[holder.client_id] == books.issued[holder.client_id] == limits[0]


def test_no_worker_issues_a_token_once_a_client_has_been_deleted(site: Site, server: Running) -> None:
    victim, others = site.holders[0], site.holders[1:3]
    with Askers(site, [victim, *others]) as askers:
        askers.wait_for(50)
        done = mintmark(
            "admin", "client", "delete", ENVIRONMENT, victim.client_id, "--yes", "--config", site.config
        )
        returned = time.monotonic()
        assert done.returncode == 0, done.stderr
        askers.wait_for(100)
    late = [
        token
        for token in askers.received
        if token.client_id == victim.client_id and token.asked_at > returned
    ]
    assert late == []
    assert any(token.asked_at > returned for token in askers.received)
    assert {refused.client_id for refused in askers.refused} == {victim.client_id}
    # A client that goes on failing is told to slow down.
    assert {refused.status for refused in askers.refused if refused.asked_at > returned} <= {401, 429}
    assert askers.refused[0].status == 401
    (deleted,) = site.rows("SELECT id FROM audit_event WHERE kind = 'admin.client.delete'")[0]
    tokens = "SELECT count(*) FROM audit_event WHERE kind = 'token' AND outcome = 'issued'"
    assert site.rows(f"{tokens} AND client_id = '{victim.client_id}' AND id > {deleted}") == [(0,)]
    site.books().check(askers.jtis)


def test_a_rotation_under_load_refuses_no_token(site: Site, server: Running) -> None:
    seen: dict[str, float] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            document = site.keys()
            assert document is not None
            for key in json.loads(document)["keys"]:
                seen.setdefault(key["kid"], time.monotonic())

    watcher = threading.Thread(target=watch)
    with Askers(site, site.holders, threads=4) as askers:
        watcher.start()
        askers.wait_for(50)
        schedule = KeySchedule(publish_ahead=12, signs_for=1000)
        new = site.administer(
            lambda tx, act: signing_keys.rotate(
                tx, act, environment=ENVIRONMENT, algorithm="ES256", schedule=schedule
            )
        )
        until(lambda: askers.received[-1].kid == new.kid, "the new key never signed")
        askers.wait_for(100)
    over.set()
    watcher.join()
    old, fresh = (
        [token for token in askers.received if (token.kid == new.kid) == is_new] for is_new in (False, True)
    )
    assert askers.refused == []
    assert old
    assert min(token.asked_at for token in fresh) > seen[new.kid] + 1, "published only just before it signed"
    assert all(site.accepts(token.token) for token in (old[0], old[-1], fresh[0], fresh[-1]))
    assert {claims(token.token)["kid"] for token in askers.received} == set(seen)
    site.books().check(askers.jtis)
