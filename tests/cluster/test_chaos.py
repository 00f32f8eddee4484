"""Four nodes under load while one thing after another is broken: `make chaos`, with a table of each fault.

After each fault the books are held against what was received: every token that arrived has its event, every event whose
token did not arrive belongs to an answer that was cut off, and a client with a quota got exactly that.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from mintmark.authorization_server.administration.key_schedule import KeySchedule
from tests import postgres
from tests.cluster.nodes import DOUBTFUL, ELSEWHERE, Cluster, Load, accepted
from tests.crash.askers import Received
from tests.crash.site import Holder
from tests.end_to_end.server import free_port, in_one_day, until
from tests.resource_server.conftest import patient
from tests.valkeys import valkey

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3000)]
NODES, QUOTA = 4, 150
#: Seconds in which guards refuse what was revoked.
WITHIN = 1


@dataclass
class Scene:
    """What a fault plays with. `victim`: a client that nothing else needs; `holders`: who asks, which may change."""

    cluster: Cluster
    load: Load
    holders: list[Holder]
    victim: Holder

    def token(self, holder: Holder) -> str:
        """One that arrived."""
        return next(each.token for each in reversed(self.load.received) if each.client_id == holder.client_id)


Fault = Callable[[Scene], str]


def node_is_killed(scene: Scene) -> str:
    scene.cluster.kill(1)
    time.sleep(1)
    scene.cluster.start(1)
    return ""


def database_is_killed(scene: Scene) -> str:
    scene.cluster.server.kill()
    time.sleep(1)
    scene.cluster.server.start()
    return ""


def database_is_stopped_at_once(scene: Scene) -> str:
    scene.cluster.server.stop()
    time.sleep(1)
    scene.cluster.server.start()
    return ""


def valkey_is_killed(scene: Scene) -> str:
    scene.cluster.shared.kill()
    time.sleep(1)
    assert scene.cluster.shared.start()
    return ""


def path_to_the_database_is_cut(scene: Scene) -> str:
    return _without_database(scene, scene.cluster.relay.cut)


def path_swallows_every_byte(scene: Scene) -> str:
    return _without_database(scene, scene.cluster.relay.swallow)


def _without_database(scene: Scene, cut: Callable[[], None]) -> str:
    """Node 1 alone is away from the database; the others go on, and its keys stay published."""
    cluster, load = scene.cluster, scene.load
    cut()
    begun = time.monotonic()
    load.wait_until_refused(503, [1])
    refused = time.monotonic() - begun
    until(lambda: not cluster.ready(1), "a node without its database says that it is ready")
    load.wait_for(60, [0, 2, 3])
    assert cluster.published(1)[1] == DOUBTFUL, "it does not know whether there are other keys"
    until(lambda: all(map(cluster.ready, (0, 2, 3))), "another node is not ready")
    # What it does not know it does not vouch for: its guard's feed ends, and the guard goes on by what it has.
    until(lambda: all(issuer.feed_fault for issuer in cluster.guards[1].health().issuers), "its feed goes on")
    assert accepted(cluster.guards[1], load.received[-1].token)
    cluster.relay.mend()
    return f"503 after {refused:.1f} s"


def client_is_deleted(scene: Scene) -> str:
    acknowledged: list[float] = []

    def delete() -> None:
        scene.cluster.delete(scene.victim)
        acknowledged.append(time.monotonic())

    taken = scene.cluster.refusal_takes(scene.token(scene.victim), delete)
    scene.load.wait_for(10)
    scene.holders[scene.holders.index(scene.victim)] = scene.holders[0]
    late = [t for t in scene.load.received if t.client_id == scene.victim.client_id]
    assert not [token for token in late if token.asked_at > acknowledged[0]]
    assert taken < WITHIN
    return f"refused by guards after {taken:.2f} s"


def secret_is_rotated(scene: Scene) -> str:
    """The program moves on to the new secret; then the old one, which has leaked, is revoked."""
    cluster, load, old = scene.cluster, scene.load, scene.victim
    new = cluster.new_secret(old)
    before = next(each for each in reversed(load.received) if each.client_id == old.client_id)
    scene.holders[scene.holders.index(old)] = new

    def moved_on() -> bool:
        return all(
            any(t.client_id == new.client_id and t.credential != before.credential for t in each.received)
            for each in load.askers
        )

    until(moved_on, "the new secret does not work on every node")
    taken = cluster.refusal_takes(before.token, lambda: cluster.revoke(old.client_id, before.credential))
    assert [site.ask(old, ELSEWHERE).status for site in cluster.sites] == [401] * NODES
    fresh = next(t for t in reversed(load.received) if t.client_id == new.client_id)
    assert fresh.credential != before.credential
    assert all(accepted(guard, fresh.token) for guard in cluster.guards)
    assert taken < WITHIN
    return f"refused by guards after {taken:.2f} s"


def signing_key_is_rotated(scene: Scene) -> str:
    """Another key is published for some seconds and then signs: everybody knows it by then."""
    new = scene.cluster.rotate(KeySchedule(publish_ahead=12, signs_for=1000)).kid
    until(lambda: all(scene.cluster.lists(number, new) for number in range(NODES)), "a node does not list it")
    listed = time.monotonic()
    first = _signed_by(scene, new)
    assert first.asked_at > listed, "it signed before it was published everywhere"
    return f"listed everywhere {first.asked_at - listed:.1f} s before it signed"


def signing_key_is_withdrawn(scene: Scene) -> str:
    """Another key signs at once: whoever asks any node for the keys after its first token finds it."""
    _signed_by(scene, scene.cluster.withdraw(scene.load.received[-1].kid).kid)
    return "the next one accepted by every guard"


def _signed_by(scene: Scene, kid: str) -> Received:
    """The first token that this key signed; every node lists the key, and every guard takes its tokens."""
    load, cluster = scene.load, scene.cluster
    until(lambda: any(each.kid == kid for each in load.received[-20:]), "it never signed")
    assert all(cluster.lists(number, kid) for number in range(NODES)), "it signs, and is not listed"
    load.wait_for(20)
    signed = [each for each in list(load.received) if each.kid == kid]
    for token in signed[:: len(signed) // 20 + 1]:
        assert all(accepted(guard, token.token) for guard in cluster.guards)
    return min(signed, key=lambda token: token.asked_at)


def disk_is_full(scene: Scene) -> str:
    server = scene.cluster.server
    if server.no_disk:
        return f"SKIPPED: no small disk could be mounted ({server.no_disk})"
    server.fill_disk()
    scene.load.wait_until_refused(503)
    assert all(scene.cluster.published(number) for number in range(NODES)), "keys are published from memory"
    time.sleep(1)
    server.empty_disk()
    return ""


FAULTS: tuple[Fault, ...] = (
    node_is_killed,
    database_is_killed,
    database_is_stopped_at_once,
    path_to_the_database_is_cut,
    path_swallows_every_byte,
    valkey_is_killed,
    disk_is_full,
    client_is_deleted,
    secret_is_rotated,
    signing_key_is_rotated,
    signing_key_is_withdrawn,
)


@pytest.fixture
def server() -> Iterator[postgres.Postgres]:
    """On a disk of its own, where one can be had."""
    small = ("max_wal_size=64MB", "min_wal_size=32MB", "autovacuum=off")
    started = postgres.Postgres(*small, port=free_port(), disk=400)
    yield started
    started.remove()


def test_no_fault_loses_a_token_and_the_chain_stays_whole(
    server: postgres.Postgres,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patient(monkeypatch)
    lines = [
        f"{'fault':30}{'tokens':>9}{'events':>9}{'unheard':>9}{'back after':>12}{'slowest':>10}  refused"
    ]
    folder = tmp_path / "valkey"
    folder.mkdir()
    with valkey(folder) as shared, Cluster(server, shared, tmp_path, NODES) as cluster:
        for fault in FAULTS:
            line = _played(cluster, fault)
            lines.append(line)
            with capsys.disabled():
                print(f"\n{line}" if fault is not FAULTS[0] else f"\n{lines[0]}\n{line}", end="", flush=True)
            cluster.verify()
    with capsys.disabled():
        print("\nafter each of them the chain of the audit trail verifies")


def _played(cluster: Cluster, fault: Fault) -> str:
    """The line of the table."""
    in_one_day(240)
    until(lambda: all(map(cluster.ready, range(NODES))), "a node is not ready")
    cluster.guards_follow()
    victim, limited = cluster.new_client(), cluster.new_client(QUOTA)
    holders = [*cluster.first.holders[:6], victim, limited]
    before, tried = Counter(_issued(cluster)), cluster.tried.copy()
    with cluster.load(holders, threads=2) as load:
        load.wait_for(30)
        until(lambda: any(each.client_id == victim.client_id for each in load.received))
        told = fault(Scene(cluster, load, holders, victim))
        mended = time.monotonic()
        load.wait_for(1)
        back = time.monotonic() - mended
        load.wait_for(30)
        until(lambda: any(r.client_id == limited.client_id and r.status == 429 for r in load.refused))
    events = Counter(_issued(cluster)) - before
    cluster.first.books().check(load.jtis)

    assert events[limited.client_id] == QUOTA, f"a quota of {QUOTA} gave {events[limited.client_id]}"
    for refusal in load.refused:
        mine = refusal.client_id == victim.client_id and fault is client_is_deleted
        allowed = {503, *((429,) if refusal.client_id == limited.client_id or mine else ())}
        assert refusal.status in (allowed | {401} if mine else allowed), refusal
        if refusal.status in (429, 503):
            with suppress(ValueError):
                assert int(refusal.retry_after) > 0
                continue
            raise AssertionError(f"no Retry-After: {refusal}")
    # An event whose token did not arrive belongs to an answer that said 503 or broke off.
    received = Counter(each.client_id for each in load.received) + (cluster.tried - tried)
    cut_off = Counter(each.client_id for each in load.refused if each.status == 503)
    unheard = sum((events - received).values())
    assert sum((events - received - cut_off).values()) <= load.broken
    assert load.broken == 0 or fault is node_is_killed
    slowest = max(answer.at - answer.asked_at for answer in (*load.received, *load.refused))
    shown = f"{dict(load.statuses) or 'none'}{f', {load.broken} broken' if load.broken else ''}"
    name = fault.__name__.replace("_", " ")
    return (
        f"{name:30}{received.total():>9}{events.total():>9}{unheard:>9}{back:>10.1f} s{slowest:>8.1f} s  {shown}"
        f"{f'; {told}' if told else ''}"
    )


def _issued(cluster: Cluster) -> dict[str, int]:
    statement = "SELECT client_id, count(*) FROM audit_event WHERE kind = 'token' AND outcome = 'issued'"
    return dict(cluster.first.rows(f"{statement} GROUP BY client_id"))
