"""The feed as a guard reads it: entries in order, heartbeats, gaps, snapshots, waiting; held against the guard's own
reader.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict

import pytest

from mintmark.authorization_server import revocation_feed as feed_module
from mintmark.jose.jwk import generate
from mintmark.resource_server.revocation_feed import FeedFault, Revocations
from mintmark.storage.store import SqlStore
from mintmark.storage.tables import revocation as table
from mintmark.values.client import Client
from mintmark.values.credential import MachineUser, SecretVersion
from mintmark.values.revocation import Revocation, RevocationEntry, first_digest
from mintmark.values.tenancy import Environment, Tenant
from tests.authorization_server.endpoints import ISSUER, Endpoints, token_of
from tests.authorization_server.world import ENVIRONMENT, KEY, NOW, World, world


def key_at(kid: str | None):  # type: ignore[no-untyped-def]
    return KEY.public() if kid == KEY.kid else None


async def follow(endpoints: Endpoints, revocations: Revocations, wait: int = 0) -> None:
    """One step of a guard."""
    if revocations.seq is None:
        response = await endpoints.get("revocations/snapshot")
        assert response.status == 200, response.body
        revocations.restore(response.body.decode(), key_at, endpoints.world.now)
    else:
        response = await endpoints.get(query=f"after={revocations.seq}&wait={wait}")
        assert response.status == 200, response.body
        revocations.read(json.loads(response.body), key_at, endpoints.world.now)


async def revoke(world: World, *names: str) -> None:
    await world.store.write(
        lambda tx: (
            [tx.revoke(ENVIRONMENT, Revocation("token", name, NOW + 9999), now=world.now) for name in names]
            and None
        )
    )


async def revoked_before(world: World, *names: str) -> None:
    """As if each had been revoked by itself, before anybody asked: the rows alone, numbered and chained."""
    entries: list[RevocationEntry] = []
    for seq, name in enumerate(names, 1):
        prev = entries[-1].digest(ISSUER) if entries else first_digest(ISSUER)
        entries.append(RevocationEntry(seq, prev, "token", name, NOW, NOW + 9999))
    rows = [{"environment": ENVIRONMENT, **asdict(entry)} for entry in entries]
    await world.store.write(lambda tx: tx._connection.execute(table.insert(), rows) and None)


def claims_of(token: str) -> dict[str, object]:
    import base64

    payload = token.split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def test_a_guard_that_follows_refuses_what_each_act_revokes(play):  # type: ignore[no-untyped-def]
    acts = [
        ("client", lambda w: w.change(Client, ENVIRONMENT, "abc", enabled=False)),
        ("secret", lambda w: w.change(SecretVersion, ENVIRONMENT, "abc", "v00001", revoked_at=NOW)),
        ("tenant", lambda w: w.change(Tenant, "acme", enabled=False)),
        ("environment", lambda w: w.change(Environment, "acme", "production", enabled=False)),
    ]

    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        await world.client()
        revocations = Revocations(ISSUER)
        await follow(endpoints, revocations)
        for name, act in acts:
            token = claims_of(await token_of(world))
            await follow(endpoints, revocations)
            assert not revocations.refuse(token), name
            before = {
                Client: (ENVIRONMENT, "abc"),
                SecretVersion: (ENVIRONMENT, "abc", "v00001"),
                Tenant: ("acme",),
                Environment: ("acme", "production"),
            }
            records = await world.store.read(
                lambda tx, b=before: [tx.get(kind, *key) for kind, key in b.items()]
            )
            await act(world)
            await follow(endpoints, revocations)
            assert revocations.refuse(token), name
            await world.put(*records)
            await follow(endpoints, revocations)
            assert revocations.refuse(token), "enabling again brings no old token back"
            world.now += 1
            assert not revocations.refuse(claims_of(await token_of(world))), "and stops no new one"

    play(scenario)


def test_a_disabled_user_and_one_token_reach_the_guard(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        await world.client()
        user = await world.user()
        revocations = Revocations(ISSUER)
        await follow(endpoints, revocations)
        await world.change(MachineUser, ENVIRONMENT, user.id, enabled=False)
        token = await token_of(world)
        await endpoints.post("revoke", "abc", token=token)
        await follow(endpoints, revocations)
        assert revocations.refuse({"mm_user": user.id, "iat": NOW})
        assert revocations.refuse(claims_of(token))
        assert not revocations.refuse({"jti": "another", "client_id": "abc", "iat": NOW})

    play(scenario)


def test_a_poll_without_news_is_one_heartbeat_of_this_second(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        await revoke(world, "j-1")
        first, again = [json.loads((await endpoints.get(query="after=1")).body) for _ in range(2)]
        assert first == again
        claims = claims_of(first[0])
        assert (claims["kind"], claims["seq"], claims["iat"], claims["iss"]) == ("heartbeat", 1, NOW, ISSUER)
        world.now += 1
        assert claims_of(json.loads((await endpoints.get(query="after=1")).body)[0])["iat"] == NOW + 1

    play(scenario)


def test_far_behind_is_caught_up_in_pages_that_each_end_in_a_heartbeat(play, monkeypatch):  # type: ignore[no-untyped-def]
    monkeypatch.setattr(feed_module, "MOST_ENTRIES", 4)
    monkeypatch.setattr(feed_module, "_KEPT", 3)

    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        revocations = Revocations(ISSUER)
        await follow(endpoints, revocations)
        await revoke(world, *(f"j-{number}" for number in range(10)))
        for seq in (4, 8, 10, 10):
            await follow(endpoints, revocations)
            assert revocations.seq == seq
        assert len(revocations) == 10

    play(scenario)


@pytest.mark.parametrize("after", ["1", "99"])
def test_a_number_that_never_was_is_410_and_a_snapshot_helps(play, after):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        response = await endpoints.get(query=f"after={after}&wait=5")
        assert response.status == 410
        revocations = Revocations(ISSUER)
        await follow(endpoints, revocations)
        assert revocations.seq == 0
        await revoke(world, "j-1")
        await follow(endpoints, revocations)
        assert revocations.refuse({"jti": "j-1", "iat": NOW})

    play(scenario)


def test_what_another_worker_said_already_is_no_gap(play, tmp_path):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        from mintmark.storage.engines import sqlite as databases

        endpoints = await Endpoints(world).with_guard()
        other = databases.open_sqlite(tmp_path / "world.sqlite", bytes(32))
        await SqlStore(other).write(lambda tx: tx.revoke(ENVIRONMENT, Revocation("token", "j-1"), now=NOW))
        other.close()
        response = await endpoints.get(query="after=1")
        assert response.status == 200
        assert len(json.loads(response.body)) == 1

    play(scenario)


@pytest.mark.parametrize(
    "query", ["", "after=", "after=-1", "after=x", "after=1&wait=x", "after=1&after=2", "after=1e3"]
)
def test_a_malformed_question_is_400(play, query):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        assert (await endpoints.get(query=query)).status == 400

    play(scenario)


def test_a_waiting_poll_is_woken_by_the_next_revocation(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        log = world.directory.revocations(ENVIRONMENT)
        assert log is not None
        entered = asyncio.Event()
        wait = log.wait

        async def watched(seq: int, seconds: float) -> None:
            entered.set()
            assert seconds == feed_module.HEARTBEAT, "no longer than a heartbeat, whatever was asked"
            await wait(seq, 60)

        log.wait = watched  # type: ignore[method-assign]
        polls = [asyncio.ensure_future(endpoints.get(query="after=0&wait=25")) for _ in range(3)]
        await entered.wait()
        await revoke(world, "j-1")
        for response in await asyncio.gather(*polls):
            assert [claims_of(one).get("id") for one in json.loads(response.body)] == ["j-1", None]

    play(scenario)


def test_waiting_ends_with_a_heartbeat_when_nothing_comes(play, monkeypatch):  # type: ignore[no-untyped-def]
    monkeypatch.setattr(feed_module, "HEARTBEAT", 0.01)

    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        response = await endpoints.get(query="after=0&wait=25")
        assert len(json.loads(response.body)) == 1

    play(scenario)


def test_a_guard_that_is_revoked_while_it_waits_is_told_nothing(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        log = world.directory.revocations(ENVIRONMENT)
        assert log is not None
        entered, wait = asyncio.Event(), log.wait

        async def watched(seq: int, seconds: float) -> None:
            entered.set()
            await wait(seq, seconds)

        log.wait = watched  # type: ignore[method-assign]
        poll = asyncio.ensure_future(endpoints.get(query="after=0&wait=5"))
        await entered.wait()
        await world.change(Client, ENVIRONMENT, "guard", enabled=False)
        assert (await poll).status == 503
        assert (await endpoints.get(query="after=0&wait=5")).status == 401

    play(scenario)


def test_waiting_polls_are_bounded(play, monkeypatch):  # type: ignore[no-untyped-def]
    monkeypatch.setattr(feed_module, "MOST_WAITING", 0)

    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        response = await endpoints.get(query="after=0&wait=5")
        assert response.status == 503
        assert b"retry-after" in dict(response.headers)
        assert (await endpoints.get(query="after=0")).status == 200

    play(scenario)


def test_who_cannot_know_of_revocations_vouches_for_nothing(play, monkeypatch):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        monkeypatch.setattr(type(world.directory), "current", False)
        for response in (await endpoints.get(query="after=0"), await endpoints.get("revocations/snapshot")):
            assert response.status == 503
            assert b"retry-after" in dict(response.headers)

    play(scenario)


def test_a_poll_that_waited_while_its_node_fell_behind_vouches_for_nothing(play, monkeypatch):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        log = world.directory.revocations(ENVIRONMENT)
        assert log is not None

        async def fallen_behind(_seq: int, _seconds: float) -> None:
            monkeypatch.setattr(type(world.directory), "current", False)

        log.wait = fallen_behind  # type: ignore[method-assign]
        response = await endpoints.get(query="after=0&wait=5")
        assert response.status == 503
        assert b"heartbeat" not in response.body

    play(scenario)


def test_readings_are_limited_per_client(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        await world.use_up(f"feed:{ENVIRONMENT}/guard", feed_module.READINGS_PER_MINUTE)
        assert (await endpoints.get(query="after=0")).status == 429

    play(scenario)


def test_the_feed_of_a_disabled_tenant_goes_on(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        revocations = Revocations(ISSUER)
        await follow(endpoints, revocations)
        await world.change(Tenant, "acme", enabled=False)
        await follow(endpoints, revocations)
        assert revocations.refuse({"mm_tenant": "acme", "iat": NOW})

    play(scenario)


def test_a_rotated_key_does_not_break_the_chain(play):  # type: ignore[no-untyped-def]
    """Entry 1 was read under one key, entry 2 under the next; what was signed by the first is signed anew."""
    new = generate("ES256")

    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        revocations, late = Revocations(ISSUER), Revocations(ISSUER)
        await follow(endpoints, revocations)
        await follow(endpoints, late)
        await revoke(world, "j-1")
        await follow(endpoints, revocations)
        view = world.directory.environment(ENVIRONMENT)
        assert view is not None
        signer = feed_module.statement_key
        feed_module.statement_key = lambda view, now: new  # type: ignore[assignment]
        try:
            await revoke(world, "j-2")
            for guard in (revocations, late):
                response = await endpoints.get(query=f"after={guard.seq}")
                guard.read(json.loads(response.body), lambda kid: new.public(), world.now)
                assert (guard.seq, len(guard)) == (2, 2)
        finally:
            feed_module.statement_key = signer

    play(scenario)


def test_ten_thousand_live_revocations_fit_into_one_snapshot(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        names = [f"0b7a2c5e-1111-4222-8333-{number:012d}" for number in range(10_000)]
        await revoked_before(world, *names[:-1])
        await revoke(world, names[-1])
        revocations = Revocations(ISSUER)
        await follow(endpoints, revocations)
        assert (revocations.seq, len(revocations)) == (10_000, 10_000)
        assert revocations.refuse({"jti": "0b7a2c5e-1111-4222-8333-000000009999", "iat": NOW})
        await revoke(world, "next")
        await follow(endpoints, revocations)
        assert revocations.seq == 10_001

    play(scenario)


def test_an_issuers_statement_is_nothing_to_a_guard_of_another(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        body = (await endpoints.get("revocations/snapshot")).body.decode()
        with pytest.raises(FeedFault):
            Revocations("https://elsewhere.example").restore(body, key_at, NOW)

    play(scenario)


@pytest.mark.parametrize("others", [1, 3, 5])
def test_an_issuer_restored_from_a_copy_is_followed_from_a_snapshot_and_gives_nothing_back(tmp_path, others):  # type: ignore[no-untyped-def]
    """The guard has read three entries; the copy has fewer, as many, or more of its own."""

    async def scenario() -> None:
        revocations = Revocations(ISSUER)
        for name, count in (("first", 3), ("copy", others)):
            place = tmp_path / name
            place.mkdir()
            async with world(place) as server:
                endpoints = await Endpoints(server).with_guard()
                if name == "first":
                    await follow(endpoints, revocations)
                await revoke(server, *(f"{name}-{number}" for number in range(count)))
                if name == "copy":
                    response = await endpoints.get(query=f"after={revocations.seq}")
                    with pytest.raises(FeedFault) as fault:
                        if response.status == 410:
                            raise FeedFault("", gap=True)
                        revocations.read(json.loads(response.body), key_at, NOW)
                    assert fault.value.gap
                    revocations.seq = None
                await follow(endpoints, revocations)
                assert revocations.seq == count
                await revoke(server, f"{name}-last")
                await follow(endpoints, revocations)
                assert revocations.refuse({"jti": f"{name}-last", "iat": NOW})
        assert revocations.refuse({"jti": "first-0", "iat": NOW})

    asyncio.run(scenario())
