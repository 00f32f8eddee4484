"""Four nodes under load while one thing after another is broken: `make chaos`, with a table of each fault."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import postgres
from tests.cluster.nodes import Cluster
from tests.end_to_end.server import until
from tests.valkeys import valkey

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800)]
NODES = 4


def node_is_killed(cluster: Cluster) -> None:
    cluster.kill(1)
    time.sleep(1)
    cluster.start(1)


def database_is_killed(cluster: Cluster) -> None:
    cluster.server.kill()
    time.sleep(1)
    cluster.server.start()


def database_is_stopped_at_once(cluster: Cluster) -> None:
    cluster.server.stop()
    time.sleep(1)
    cluster.server.start()


def valkey_is_killed(cluster: Cluster) -> None:
    cluster.shared.kill()
    time.sleep(1)
    assert cluster.shared.start()


def client_is_deleted(cluster: Cluster) -> None:
    cluster.delete(cluster.first.holders[0], NODES - 1)


FAULTS: tuple[Callable[[Cluster], None], ...] = (
    node_is_killed,
    database_is_killed,
    database_is_stopped_at_once,
    valkey_is_killed,
    client_is_deleted,
)


def test_no_fault_loses_a_token_and_the_chain_stays_whole(
    server: postgres.Postgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    received: list[str] = []
    lines = [f"{'fault':30}{'tokens':>9}{'events':>9}{'unheard':>9}{'back after':>12}  refused"]
    folder = tmp_path / "valkey"
    folder.mkdir()
    with valkey(folder) as shared, Cluster(server, shared, tmp_path, NODES) as cluster:
        for fault in FAULTS:
            before = len(cluster.first.books().events)
            with cluster.load(cluster.first.holders[:6], threads=2) as load:
                load.wait_for(30)
                fault(cluster)
                mended = time.monotonic()
                load.wait_for(1)
                back = time.monotonic() - mended
                returned = time.monotonic()
                load.wait_for(30)
            received += load.jtis
            allowed = {429, 401} if fault is client_is_deleted else {429, 503}
            assert load.statuses.keys() <= allowed
            if fault is client_is_deleted:
                victim = cluster.first.holders[0].client_id
                assert not [t for t in load.received if t.client_id == victim and t.asked_at > returned]
            until(lambda: all(map(cluster.ready, range(NODES))), "a node is not ready again")
            books = cluster.first.books()
            books.check(received)
            events = len(books.events) - before
            lines.append(
                f"{fault.__name__.replace('_', ' '):30}{len(load.jtis):>9}{events:>9}{events - len(load.jtis):>9}"
                f"{back:>10.1f} s  {dict(load.statuses) or 'none'}"
            )
        cluster.verify()
    with capsys.disabled():
        print("\n" + "\n".join(lines) + "\nthe chain of the audit trail verifies")
