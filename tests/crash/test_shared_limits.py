"""Limits per minute over two nodes that share a Valkey server, which is killed and started again under requests."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from mintmark.authorization_server.administration import clients
from mintmark.authorization_server.administration.act import Act
from mintmark.authorization_server.ports import Transaction
from tests.crash.site import ENVIRONMENT, Holder, Site
from tests.crash.test_operating import configure, until
from tests.end_to_end.server import Running, call, free_port, mintmark
from tests.valkeys import Valkey, valkey

LIMIT = 30


class Nodes:
    """Two servers on one database, as two machines would be."""

    def __init__(self, site: Site, shared: Valkey) -> None:
        # Twenty seconds, so that a busy machine is not mistaken for a server that is away.
        configure(site, valkey=shared.url, valkey_timeout_ms=20_000)
        self.operators = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        self.sites = [Site(site.directory, free_port(), site.holders, site.limited) for _ in range(2)]
        self.running: list[Running] = []
        for each, operators in zip(self.sites, self.operators, strict=True):
            command = ("serve", "--config", site.config, "--port", each.port)
            self.running.append(
                Running(*command, ready="Mintmark serves", MINTMARK_OPERATOR_LISTEN=operators)
            )
            until(lambda each=each: each.keys() is not None, "a node does not answer")  # type: ignore[misc]

    def stop(self) -> None:
        for each in self.running:
            each.stop()

    def statuses(self, holder: Holder, times: int) -> list[int]:
        """Of requests to both nodes in turn."""
        return [self.sites[n % 2].ask(holder).status for n in range(times)]

    def valkey(self) -> set[str]:
        """How the nodes find the server to be."""
        checks = [call("GET", f"http://{node}/readyz").json["checks"] for node in self.operators]
        return {each["valkey"]["state"] for each in checks}

    def metric(self, name: str) -> list[float]:
        found = [call("GET", f"http://{node}/metrics").body.decode() for node in self.operators]
        return [float(text.split(f"\nmintmark_{name} ")[1].split("\n")[0]) for text in found]


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Valkey]:
    folder = tmp_path / "valkey"
    folder.mkdir()
    with valkey(folder) as server:
        yield server


@pytest.fixture
def nodes(site: Site, shared: Valkey) -> Iterator[Nodes]:
    def limit(tx: Transaction, act: Act) -> None:
        for holder in site.holders[:3]:
            clients.change(tx, act, ENVIRONMENT, holder.client_id, rate_limit=LIMIT)

    site.administer(limit)
    made = Nodes(site, shared)
    try:
        yield made
    finally:
        made.stop()


def test_a_limit_per_minute_holds_over_two_nodes_and_through_the_loss_of_valkey(
    nodes: Nodes, shared: Valkey
) -> None:
    first, second, third, free = nodes.sites[0].holders[:4]
    # A unit comes back in two seconds: more than LIMIT pass only on a machine that needs so long for them.
    began = time.monotonic()
    passed = nodes.statuses(first, 3 * LIMIT).count(200)
    assert LIMIT <= passed <= LIMIT + (time.monotonic() - began) / 2 + 1
    assert nodes.valkey() == {"ok"}
    assert nodes.metric("valkey_there") == [1, 1]

    statuses: Counter[int] = Counter()
    over = threading.Event()

    def go_on_asking() -> None:
        turn = 0
        while not over.is_set():
            statuses[nodes.sites[turn % 2].ask(free).status] += 1
            turn += 1

    asking = threading.Thread(target=go_on_asking)
    asking.start()
    try:
        shared.kill()
        until(lambda: nodes.valkey() == {"warning"}, "the nodes do not notice that Valkey is away")
        began = time.monotonic()
        passed = nodes.statuses(second, 4 * LIMIT).count(200)
        assert 2 * LIMIT <= passed <= 2 * LIMIT + (time.monotonic() - began) + 2  # each node allows that much
        assert nodes.metric("valkey_there") == [0, 0]
        assert shared.start()
        until(lambda: nodes.valkey() == {"ok"}, "the nodes do not find Valkey again")
        began = time.monotonic()
        passed = nodes.statuses(third, 3 * LIMIT).count(200)
        assert LIMIT <= passed <= LIMIT + (time.monotonic() - began) / 2 + 1
    finally:
        over.set()
        asking.join()
    assert set(statuses) == {200}
    assert nodes.metric("valkey_losses") == [1, 1]
    for each in nodes.running:
        assert [each.output.count(f"valkey_{event}") for event in ("away", "back")] == [1, 1]


def test_wrong_guesses_are_counted_over_two_nodes_and_lock_out_nobody_elsewhere(nodes: Nodes) -> None:
    client = nodes.sites[0].holders[3]
    wrong = Holder(client.client_id, "mms" + "wrong" * 8)
    statuses = nodes.statuses(wrong, 12)
    assert (statuses[:10], statuses[-1]) == ([401] * 10, 429)
    assert [site.ask(client).status for site in nodes.sites] == [429, 429]
    assert [site.ask(client, "127.0.0.2").status for site in nodes.sites] == [200, 200]


def test_a_password_that_cannot_be_had_stops_the_start(site: Site) -> None:
    configure(site, valkey="valkey://127.0.0.1:1/0", valkey_password="file:missing.password")
    done = mintmark("serve", "--config", site.config)
    assert done.returncode != 0
    assert "valkey_password" in done.stdout + done.stderr and "missing.password" in done.stdout + done.stderr


def test_without_valkey_at_its_start_a_node_serves_and_says_so(site: Site) -> None:
    configure(site, valkey="valkey://127.0.0.1:1/0")
    server = site.serve()
    try:
        assert site.ask(site.holders[0]).status == 200
    finally:
        server.stop()
    assert server.output.count("valkey_away") == 1
