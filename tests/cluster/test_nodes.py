"""Equal nodes on one PostgreSQL: limits exact, deletions effective on each, nothing lost whatever is killed."""

from __future__ import annotations

import time

import pytest

from mintmark.authorization_server.administration.key_schedule import KeySchedule
from tests.cluster.nodes import DOUBTFUL, Cluster, accepted
from tests.crash.site import DAILY_LIMIT, claims
from tests.end_to_end.server import in_one_day, until
from tests.resource_server.conftest import patient

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def _patient_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    patient(monkeypatch)


def test_a_daily_limit_holds_over_nodes_and_a_deletion_reaches_each_at_once(cluster: Cluster) -> None:
    in_one_day()
    with cluster.load([cluster.first.limited], each=15) as limited:
        limited.join()
    assert len(limited.received) == DAILY_LIMIT
    assert limited.statuses == {429: 2 * 3 * 15 - DAILY_LIMIT}
    assert all(each.received for each in limited.askers), "one node alone has answered"

    cluster.guards_follow()
    victim, other = cluster.first.holders[:2]
    with cluster.load([victim, other]) as load:
        load.wait_for(30)
        token = next(each.token for each in load.received if each.client_id == victim.client_id)
        cluster.refusal_takes(token, lambda: cluster.delete(victim))
        returned = time.monotonic()
        load.wait_for(30)
    assert not [
        token for token in load.received if token.client_id == victim.client_id and token.asked_at > returned
    ]
    assert {refusal.client_id for refusal in load.refused} == {victim.client_id}
    assert all(accepted(guard, load.received[-1].token) for guard in cluster.guards)
    books = cluster.first.books()
    books.check([*limited.jtis, *load.jtis])
    assert books.counted[cluster.first.limited.client_id] == DAILY_LIMIT
    cluster.verify()

    old = cluster.first.holders[2]
    new = cluster.new_secret(old)
    for site in cluster.sites:
        assert [site.ask(holder).status for holder in (old, new)] == [200, 200]
    said = cluster.first.ask(old).json["access_token"]
    cluster.refusal_takes(said, lambda: cluster.revoke(old.client_id, claims(said)["mm_cred"]))
    for site in cluster.sites:
        assert [site.ask(holder).status for holder in (old, new)] == [401, 200]

    # Even a key that signs at once is listed everywhere from the moment on from which it can have signed.
    for _ in range(3):
        kid = cluster.withdraw(claims(site.ask(new).json["access_token"])["kid"]).kid
        assert [cluster.lists(number, kid) for number in (1, 0)] == [True, True]
        assert claims(site.ask(new).json["access_token"])["kid"] == kid


def test_a_node_that_is_killed_takes_no_token_with_it(cluster: Cluster) -> None:
    in_one_day()
    with cluster.load(cluster.first.holders[:4]) as load:
        load.wait_for(30)
        cluster.kill(1)
        load.wait_for(60, [0])
        # An operator who asks another one sees who is missed, until the node runs again.
        cluster.long_unheard(1)
        missed = f":{cluster.sites[1].port} was not heard of for "
        until(lambda: missed in str(cluster.told_by(0)["why"]), "nobody misses the node")
        told = cluster.told_by(0)
        assert told["status"] == "degraded"
        assert [row["lost"] for row in told["nodes"] if f":{cluster.sites[1].port}/" in row["process"]] == [
            True
        ]
        cluster.start(1)
        load.wait_for(30)
        cluster.is_healthy()
    assert load.statuses == {}
    books = cluster.first.books()
    books.check(load.jtis)
    # What was committed and could not be handed over any more: a batch of the node that was killed.
    assert len(books.events) - len(load.jtis) <= 2 * 3
    cluster.verify()


def test_a_database_that_is_away_for_one_node_or_for_all_costs_503_and_nothing_else(cluster: Cluster) -> None:
    in_one_day()
    first = cluster.first
    with cluster.load(first.holders[:4]) as load:
        load.wait_for(30)
        cluster.relay.cut()
        load.wait_until_refused(503, [1])
        # A node that is cut off does not speak as if it knew of a new key, and is not to be asked.
        new = cluster.rotate(KeySchedule(publish_ahead=600, signs_for=6000)).kid
        assert cluster.lists(0, new)
        keys, kept = cluster.published(1)
        assert new not in keys
        assert kept == DOUBTFUL
        until(lambda: not cluster.ready(1), "a node without its database says that it is ready")
        until(lambda: cluster.ready(0), "the other one is not ready")
        told = cluster.told_by(1)
        assert told["status"] == "unknown"
        assert "does not reach the database" in told["why"][0]
        load.wait_for(10, [0])
        cluster.relay.mend()
        load.wait_for(10)
        assert cluster.lists(1, new)

        cluster.server.kill()
        load.wait_until_refused(503)
        until(lambda: not any(cluster.ready(number) for number in (0, 1)), "a node says that it is ready")
        assert [cluster.told_by(number)["status"] for number in (0, 1)] == ["unknown", "unknown"]
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
    cluster.is_healthy()
    first.books().check(load.jtis)
    cluster.verify()
