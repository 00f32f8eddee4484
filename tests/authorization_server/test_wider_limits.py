"""A tenant's and an address's limit per minute: taken with the client's own, by nobody without a credential, or only
watched.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mintmark.authorization_server.ports import EnvironmentView, Take, Verdict
from mintmark.authorization_server.wider_limits import wider_limits
from mintmark.jose.keyring import Keyring
from mintmark.values.tenancy import Environment, Tenant
from mintmark.wire.http import HttpResponse
from tests.authorization_server.world import ENVIRONMENT, NOW, World, secret_of_nobody

Play = Callable[[Any], None]
TENANT = Tenant("acme", "Acme", rate_limit=2)
STAGING, PRODUCTION = (
    Environment("acme", name, f"https://auth.example/t/acme/{name}", address_rate_limit=2)
    for name in ("staging", "production")
)


def view(environment: Environment, tenant: Tenant = TENANT) -> EnvironmentView:
    return EnvironmentView(tenant, environment, {}, {}, Keyring(()))


def policy(response: HttpResponse) -> tuple[list[bytes], list[bytes]]:
    return response.values(b"ratelimit-policy"), response.values(b"ratelimit")


async def tenant_limit(world: World, limit: int, *, watched: bool = False) -> None:
    await world.change(Tenant, "acme", rate_limit=limit, rate_watched=watched)


async def address_limit(world: World, limit: int, *, watched: bool = False) -> None:
    await world.change(
        Environment, "acme", "production", address_rate_limit=limit, address_rate_watched=watched
    )


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Take, ...]]:
    """What requests want to take, a tuple for each time that counters are asked."""
    from mintmark.storage.counters import MemoryCounters

    seen: list[tuple[Take, ...]] = []
    take = MemoryCounters.take

    async def remember(self: MemoryCounters, takes: tuple[Take, ...], now: float) -> tuple[Verdict, ...]:
        seen.append(takes)
        return await take(self, takes, now)

    monkeypatch.setattr(MemoryCounters, "take", remember)
    return seen


def test_a_tenant_has_one_count_and_an_address_one_in_each_environment() -> None:
    keys = [
        [each.take.key for each in wider_limits(view(place), peer)]
        for place in (STAGING, PRODUCTION)
        for peer in ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1")
    ]
    assert keys == [
        ["tenant:acme", f"address:acme/{name}:{network}"]
        for name in ("staging", "production")
        for network in ("2001:db8::/64", "2001:db8::/64", "2001:db8:0:1::/64")
    ]
    assert (
        wider_limits(view(replace(STAGING, address_rate_limit=0), replace(TENANT, rate_limit=0)), "p") == ()
    )


def test_without_them_counters_are_asked_for_nothing_more(play: Play, taken: list[tuple[Take, ...]]) -> None:
    async def scenario(world: World) -> None:
        await world.client()
        for _ in range(3):
            assert (await world.token()).status == 200
        assert [len(takes) for takes in taken] == [1, 1, 2, 2]

    play(scenario)


def test_all_that_a_repeated_request_takes_is_taken_at_once(
    play: Play, taken: list[tuple[Take, ...]]
) -> None:
    async def scenario(world: World) -> None:
        await world.client()
        await tenant_limit(world, 100)
        await address_limit(world, 100)
        for _ in range(3):
            assert (await world.token()).status == 200
        assert [len(takes) for takes in taken] == [2, 3, 4, 4]

    play(scenario)


def test_programs_of_a_tenant_share_its_minute_and_are_told_when_to_come_back(play: Play) -> None:
    async def scenario(world: World) -> None:
        await tenant_limit(world, 2)
        clients = ["one", "two", "three"]
        for name in clients:
            await world.client(name)
        answers = [await world.token(name) for name in clients]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert policy(answers[0]) == (
            [b'"minute";q=600;w=60, "tenant";q=2;w=60'],
            [b'"minute";r=599;t=1, "tenant";r=1;t=30'],
        )
        assert policy(answers[2]) == ([b'"tenant";q=2;w=60'], [b'"tenant";r=0;t=30'])
        assert answers[2].values(b"retry-after") == [b"30"]
        statuses = []
        for second in (29, 30, 31):
            world.now = NOW + second
            statuses.append((await world.token("three")).status)
        assert statuses == [429, 200, 429]
        assert {event.reason for event in await world.events(outcome="refused")} == {"rate_tenant"}

    play(scenario)


def test_what_a_wider_limit_refuses_takes_nothing_of_the_clients_own(play: Play) -> None:
    async def scenario(world: World) -> None:
        await world.client(rate_limit=3)
        await tenant_limit(world, 1)
        assert [(await world.token()).status for _ in range(9)] == [200] + [429] * 8
        await tenant_limit(world, 0)
        assert [(await world.token()).status for _ in range(3)] == [200, 200, 429]

    play(scenario)


def test_an_address_is_limited_and_another_is_not(play: Play) -> None:
    async def scenario(world: World) -> None:
        await world.client()
        await address_limit(world, 1)
        mine, beside, other = "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"
        answers = [await world.token(peer=peer) for peer in (mine, mine, beside, other)]
        assert [answer.status for answer in answers] == [200, 429, 429, 200]
        assert policy(answers[1]) == ([b'"address";q=1;w=60'], [b'"address";r=0;t=60'])

    play(scenario)


def test_who_has_no_credential_uses_up_nothing(play: Play) -> None:
    async def scenario(world: World) -> None:
        await world.client()
        await world.signature_key()
        await tenant_limit(world, 2)
        await address_limit(world, 2)
        wrong = secret_of_nobody(world.entropy).reveal()
        for n in range(9):
            guess = f"grant_type=client_credentials&client_id=abc&client_secret={wrong}"
            assert (await world.ask("standard", guess)).status == 401
            forged = hmac.new(b"not the key", b"%d" % (n + 1), hashlib.sha256).hexdigest()
            forgery = f'{{"id": {n + 1}, "signature": "{forged}"}}'
            json = [("content-type", "application/json")]
            assert (await world.ask("omneo-shopify", forgery, headers=json)).status in (400, 401)
        assert [(await world.token()).status for _ in range(3)] == [200, 200, 429]

    play(scenario)


def test_a_signature_that_is_replayed_from_many_networks_takes_nothing_of_the_tenants_minute(
    play: Play,
) -> None:
    async def scenario(world: World) -> None:
        await world.client()
        await world.signature_key()
        await tenant_limit(world, 2)
        seen = f'{{"id": 7, "signature": "{hmac.new(b"shop key", b"7", hashlib.sha256).hexdigest()}"}}'
        json = [("content-type", "application/json")]

        async def replay(peer: str) -> int:
            return (await world.ask("omneo-shopify", seen, headers=json, peer=peer)).status

        assert [await replay(f"198.51.100.{n}") for n in range(9)] == [200] * 9
        assert [(await world.token()).status for _ in range(3)] == [200, 200, 429]
        assert await replay("198.51.100.9") == 200  # and is not held up by it
        await address_limit(world, 2)
        assert [await replay("203.0.113.1") for _ in range(3)] == [200, 200, 429]
        assert await replay("203.0.113.2") == 200
        reasons = [event.reason for event in await world.events(outcome="refused")]
        assert reasons == ["rate_tenant", "rate_address"]

    play(scenario)


@pytest.mark.parametrize("name", ["tenant", "address"])
def test_a_watched_limit_refuses_nothing_and_says_what_it_would_have_refused(play: Play, name: str) -> None:
    async def scenario(world: World) -> None:
        await world.client(rate_limit=4)
        await (tenant_limit if name == "tenant" else address_limit)(world, 2, watched=True)
        answers = [await world.token() for _ in range(5)]
        assert [answer.status for answer in answers] == [
            200,
            200,
            200,
            200,
            429,
        ]  # the last by the client's own
        assert policy(answers[3]) == ([b'"minute";q=4;w=60'], [b'"minute";r=0;t=60'])
        watched = await world.events(outcome="watched")
        assert [(event.client_id, event.reason, event.jti) for event in watched] == [
            ("abc", f"rate_{name}", "")
        ] * 2
        assert len(await world.events(outcome="issued")) == 4

    play(scenario)


def test_a_watched_limit_counts_as_it_would_when_enforced(play: Play) -> None:
    async def scenario(world: World) -> None:
        await world.client()
        await tenant_limit(world, 2, watched=True)
        for second in (0, 0, 0, 29, 30, 31):  # the same as in the test of an enforced one
            world.now = NOW + second
            assert (await world.token()).status == 200
        assert [event.at for event in await world.events(outcome="watched")] == [NOW, NOW + 29, NOW + 31]

    play(scenario)


def test_of_two_that_refuse_the_one_that_does_so_longer_is_named(play: Play) -> None:
    async def scenario(world: World) -> None:
        await world.client(rate_limit=6)
        await tenant_limit(world, 1)
        await world.use_up(f"client:{ENVIRONMENT}/abc", 6)
        await world.use_up("tenant:acme", 1)
        assert (await world.token()).values(b"ratelimit-policy") == [b'"tenant";q=1;w=60']

    play(scenario)
