"""The token of before, given out again: only while it is as good as a new one, audited each time, and never counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mintmark.authorization_server.ports import Committed, Issuance, OverQuota, Stale
from mintmark.authorization_server.reissues import Reissues
from mintmark.jose.jwk import generate
from mintmark.jose.keyring import Keyring, SigningKeyLife
from mintmark.values.client import Client
from mintmark.values.credential import SecretVersion
from mintmark.values.revocation import Revocation
from mintmark.values.tenancy import Api, Environment, SigningKey, Tenant
from mintmark.wire.http import HttpResponse
from tests.authorization_server.world import AUDIENCE, ENVIRONMENT, KEY, NOW, World

Play = Callable[[Any], None]
LEFT, LIFETIME = 600, 3600


def told(response: HttpResponse) -> dict[str, Any]:
    assert response.status == 200
    answer: dict[str, Any] = json.loads(response.body)
    return answer


async def begun(world: World, **fields: Any) -> str:
    """A token in an environment that gives tokens again."""
    await world.client(**fields)
    await world.change(Environment, "acme", "production", reissue_seconds=LEFT)
    return str(told(await world.token())["access_token"])


async def revoke(world: World, jti: str) -> None:
    await world.store.write(lambda tx: tx.revoke(ENVIRONMENT, Revocation("token", jti), now=world.now))


def test_off_by_default_each_request_is_given_a_new_one(play: Play) -> None:
    async def scenario(world: World) -> None:
        await world.client()
        assert len({told(await world.token())["access_token"] for _ in range(3)}) == 3
        assert len(world.endpoint.reissues) == 0

    play(scenario)


def test_the_same_token_is_given_until_too_little_of_it_is_left(play: Play) -> None:
    async def scenario(world: World) -> None:
        first = await begun(world)
        end = NOW + LIFETIME
        answers = []
        for now in (NOW, NOW + 1, end - LEFT - 1, end - LEFT, end - LEFT + 1):
            world.now = now
            answers.append(told(await world.token()))
        assert [answer["access_token"] == first for answer in answers] == [True, True, True, True, False]
        assert [answer["expires_in"] for answer in answers] == [
            LIFETIME,
            LIFETIME - 1,
            LEFT + 1,
            LEFT,
            LIFETIME,
        ]
        world.now -= 1  # a clock set back: what was issued later is not valid yet
        assert told(await world.token())["access_token"] not in {answers[-1]["access_token"]}

    play(scenario)


def test_each_delivery_is_an_event_of_the_same_token_and_none_is_counted(play: Play) -> None:
    async def scenario(world: World) -> None:
        await begun(world, daily_token_limit=1)
        for _ in range(4):
            answer = await world.token()
            told(answer)
            assert answer.values(b"ratelimit-policy") == [b'"minute";q=600;w=60']
        events = await world.events(outcome="issued")
        assert [event.reason for event in events] == ["", *["reissued"] * 4]
        assert len({event.jti for event in events}) == 1
        used = await world.store.read(lambda tx: tx.used(f"client:{ENVIRONMENT}/abc", NOW // 86400))
        assert used == 1
        assert (await world.token(extra="&scope=things:read")).status == 429  # a new one is beyond the day

    play(scenario)


def test_a_limit_that_is_set_later_counts_tokens_and_not_deliveries(play: Play) -> None:
    async def scenario(world: World) -> None:
        await begun(world)
        for _ in range(3):
            told(await world.token())
        assert len(await world.events(outcome="issued")) == 4
        await world.change(Client, ENVIRONMENT, "abc", daily_token_limit=5)
        used = await world.store.read(lambda tx: tx.used(f"client:{ENVIRONMENT}/abc", NOW // 86400))
        assert used == 1

    play(scenario)


def test_another_scope_another_client_and_another_mount_are_given_another(play: Play) -> None:
    async def scenario(world: World) -> None:
        first = await begun(world)
        await world.client("other")
        others = [
            await world.token(extra="&scope=things:read"),
            await world.token("other"),
            await world.token(extra="&audience=https%3A%2F%2Fapi.example"),
        ]
        assert first not in {told(answer)["access_token"] for answer in others}
        assert told(await world.token())["access_token"] == first

    play(scenario)


@pytest.mark.parametrize(
    ("kind", "key", "fields", "status"),
    [
        (Client, (ENVIRONMENT, "abc"), {"enabled": False}, 401),
        (Client, (ENVIRONMENT, "abc"), {"client_name": "renamed"}, 200),
        (Client, (ENVIRONMENT, "abc"), {"allowed": {AUDIENCE: ("things:read",)}}, 200),
        (SecretVersion, (ENVIRONMENT, "abc", "v00001"), {"revoked_at": NOW}, 401),
        (SecretVersion, (ENVIRONMENT, "abc", "v00001"), {"expires_at": NOW}, 401),
        (Tenant, ("acme",), {"enabled": False}, 401),
        (Environment, ("acme", "production"), {"enabled": False}, 401),
        (Environment, ("acme", "production"), {"reissue_seconds": 0}, 200),
        (Api, (ENVIRONMENT, AUDIENCE), {"enabled": False}, 400),
        (Api, (ENVIRONMENT, AUDIENCE), {"token_lifetime": 60}, 200),
        (Api, (ENVIRONMENT, AUDIENCE), {"claims": {"plan": "gold"}}, 200),
    ],
)
def test_no_change_is_survived(
    play: Play, kind: type, key: tuple[str, ...], fields: dict[str, Any], status: int
) -> None:
    async def scenario(world: World) -> None:
        first = await begun(world)
        await world.change(kind, *key, **fields)
        answer = await world.token()
        assert answer.status == status
        if status == 200:
            assert told(answer)["access_token"] != first

    play(scenario)


def test_a_token_that_was_revoked_by_its_id_is_never_given_again(play: Play) -> None:
    async def scenario(world: World) -> None:
        first = await begun(world)
        (event,) = await world.events(outcome="issued")
        await revoke(world, "somebody-elses")
        assert told(await world.token())["access_token"] == first
        await revoke(world, event.jti)
        second = told(await world.token())["access_token"]
        assert second != first
        assert told(await world.token())["access_token"] == second

    play(scenario)


def test_a_revocation_between_the_look_and_the_commit_wins(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(world: World) -> None:
        first = await begun(world)
        (event,) = await world.events(outcome="issued")
        commit = type(world.ledger).commit
        late = [event.jti]

        async def delayed(self: Any, issuance: Issuance) -> Committed | Stale | OverQuota:
            if late:  # by another node, of which this one has not heard
                await revoke(world, late.pop())
            return await commit(self, issuance)

        monkeypatch.setattr(type(world.ledger), "commit", delayed)
        assert told(await world.token())["access_token"] != first
        assert not late
        assert [each.reason for each in await world.events(outcome="issued")] == ["", ""]

    play(scenario)


def test_an_opaque_token_is_always_new(play: Play) -> None:
    async def scenario(world: World) -> None:
        await world.change(Api, ENVIRONMENT, AUDIENCE, token_format="opaque")
        first = await begun(world)
        assert told(await world.token())["access_token"] != first
        assert len(world.endpoint.reissues) == 0

    play(scenario)


def test_a_key_that_signs_no_more_ends_what_it_signed(play: Play) -> None:
    async def scenario(world: World) -> None:
        first = await begun(world)
        view = world.directory.environment(ENVIRONMENT)
        assert view is not None
        name = next(iter(world.endpoint.reissues._given._new))
        given = world.endpoint.reissues._given._new[name]
        log = world.directory.revocations(ENVIRONMENT)
        fresh = generate("ES256")
        record = SigningKey(ENVIRONMENT, KEY.kid, "ES256", json.dumps(KEY.public().jwk()), "", 0, 0)
        change = NOW + 100
        keys = (
            SigningKeyLife(replace(record, retires_at=change), KEY),
            SigningKeyLife(
                replace(record, kid=fresh.kid, public=json.dumps(fresh.public().jwk()), signs_at=change),
                fresh,
            ),
        )
        turned = replace(view, keyring=Keyring(keys))
        again = [
            world.endpoint.reissues.find(name, given.judged, turned, now, log) is not None
            for now in (change - 1, change, change + 1)
        ]
        assert again == [True, False, False]
        assert (
            world.endpoint.reissues.find(name, given.judged, replace(view, keyring=Keyring(())), NOW, log)
            is None
        )
        assert given.token.reveal() == first
        assert first not in repr(given)

    play(scenario)


def test_no_more_are_kept_than_twice_the_capacity(play: Play) -> None:
    async def scenario(world: World) -> None:
        await begun(world)
        given = next(iter(world.endpoint.reissues._given._new.values()))
        reissues = Reissues(capacity=5)
        for number in range(100):
            reissues.keep(b"%d" % number, given)
            assert len(reissues) <= 10
        view, log = world.directory.environment(ENVIRONMENT), world.directory.revocations(ENVIRONMENT)
        assert view is not None
        assert reissues.find(b"99", given.judged, view, NOW, log) is given
        assert reissues.find(b"0", given.judged, view, NOW, log) is None
        assert reissues.find(b"99", given.judged._replace(), view, NOW, log) is None  # equal is not the same

    play(scenario)
