"""Equal nodes on one PostgreSQL: limits exact, deletions effective on each, nothing lost whatever is killed."""

from __future__ import annotations

import time

import pytest

from tests.cluster.nodes import Cluster
from tests.crash.site import DAILY_LIMIT
from tests.end_to_end.server import in_one_day, until

pytestmark = pytest.mark.timeout(300)


def test_a_daily_limit_holds_over_nodes_and_a_deletion_reaches_each_at_once(cluster: Cluster) -> None:
    in_one_day()
    with cluster.load([cluster.first.limited], each=15) as limited:
        limited.join()
    assert len(limited.received) == DAILY_LIMIT
    assert limited.statuses == {429: 2 * 3 * 15 - DAILY_LIMIT}
    assert all(each.received for each in limited.askers), "one node alone has answered"

    victim, other = cluster.first.holders[:2]
    with cluster.load([victim, other]) as load:
        load.wait_for(30)
        cluster.delete(victim, 0)
        returned = time.monotonic()
        load.wait_for(30)
    assert not [
        token for token in load.received if token.client_id == victim.client_id and token.asked_at > returned
    ]
    assert {refusal.client_id for refusal in load.refused} == {victim.client_id}
    books = cluster.first.books()
    books.check([*limited.jtis, *load.jtis])
    assert books.counted[cluster.first.limited.client_id] == DAILY_LIMIT
    cluster.verify()


def test_a_node_that_is_killed_takes_no_token_with_it(cluster: Cluster) -> None:
    in_one_day()
    with cluster.load(cluster.first.holders[:4]) as load:
        load.wait_for(30)
        cluster.kill(1)
        load.wait_for(60, [0])
        cluster.start(1)
        load.wait_for(30)
    assert load.statuses == {}
    books = cluster.first.books()
    books.check(load.jtis)
    # What was committed and could not be handed over any more: a batch of the node that was killed.
    assert len(books.events) - len(load.jtis) <= 2 * 3
    cluster.verify()


def test_a_database_that_is_killed_costs_503_and_nothing_else(cluster: Cluster) -> None:
    in_one_day()
    first = cluster.first
    with cluster.load(first.holders[:4]) as load:
        load.wait_for(30)
        cluster.server.kill()
        load.wait_until_refused(503)
        until(lambda: not any(cluster.ready(number) for number in (0, 1)), "a node says that it is ready")
        assert all(node.keys() for node in cluster.sites), "keys are published from memory"
        refused = first.ask(first.holders[0])
        assert refused.status == 503
        assert int(refused.headers["retry-after"]) > 0
        cluster.server.start()
        load.wait_for(30)
    assert load.statuses.keys() == {503}
    assert load.broken == 0
    assert {refusal.error for refusal in load.refused} == {"temporarily_unavailable"}
    until(lambda: all(cluster.ready(number) for number in (0, 1)), "a node is not ready again")
    first.books().check(load.jtis)
    cluster.verify()
