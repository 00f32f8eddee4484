"""Revocation (RFC 7009): a client ends its own tokens, and learns nothing of others'."""

from __future__ import annotations

import json

import pytest

from mintmark.authorization_server.ports import StorageUnavailable
from mintmark.authorization_server.revocation import REVOCATIONS_PER_MINUTE
from mintmark.values.credential import ApiToken
from mintmark.values.tenancy import Api
from tests.authorization_server.endpoints import Endpoints, token_of
from tests.authorization_server.world import AUDIENCE, ENVIRONMENT, NOW, World

FORMATS = ["jwt", "opaque"]


async def prepared(world: World, token_format: str) -> tuple[Endpoints, str]:
    endpoints = await Endpoints(world).with_guard()
    await world.client()
    await world.change(Api, ENVIRONMENT, AUDIENCE, token_format=token_format)
    return endpoints, await token_of(world)


@pytest.mark.parametrize("token_format", FORMATS)
def test_a_client_ends_its_own_token_and_no_other_of_its(play, token_format):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints, token = await prepared(world, token_format)
        another = await token_of(world)
        response = await endpoints.post("revoke", "abc", token=token)
        assert (response.status, response.body) == (200, b"")
        assert await endpoints.introspect(token) == {"active": False}
        assert (await endpoints.introspect(another))["active"]
        log = world.directory.revocations(ENVIRONMENT)
        assert log is not None
        (entry,) = log.entries()
        assert (entry.kind, entry.until) == ("token", NOW + 3600)
        (event,) = await world.events(kind="revocation")
        assert (event.outcome, event.client_id, event.jti) == ("done", "abc", entry.id)

    play(scenario)


@pytest.mark.parametrize("token_format", FORMATS)
def test_a_second_time_writes_nothing(play, token_format):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints, token = await prepared(world, token_format)
        for _ in range(3):
            assert (await endpoints.post("revoke", "abc", token=token)).status == 200
        assert len(await world.events(kind="revocation")) == 1

    play(scenario)


@pytest.mark.parametrize("token_format", FORMATS)
def test_a_token_of_another_client_is_refused_and_stands(play, token_format):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints, token = await prepared(world, token_format)
        response = await endpoints.post("revoke", "guard", token=token)
        assert response.status == 400
        assert json.loads(response.body)["error"] == "unauthorized_client"
        assert (await endpoints.introspect(token))["active"]
        assert [event.reason for event in await world.events(outcome="refused")] == [
            "token_of_another_client"
        ]

    play(scenario)


@pytest.mark.parametrize("token_format", FORMATS)
def test_what_is_unknown_changed_or_over_is_200(play, token_format):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints, token = await prepared(world, token_format)
        changed = token[:-1] + ("A" if token[-1] != "A" else "B")
        for text in ["x", "a.b.c", changed, token[:-1]]:
            assert (
                await endpoints.post("revoke", "abc", token=text, token_type_hint="refresh_token")
            ).status == 200
        assert (await endpoints.introspect(token))["active"]
        world.now += 3600
        assert (await endpoints.post("revoke", "abc", token=token)).status == 200
        assert await world.events(kind="revocation") == []

    play(scenario)


def test_an_opaque_token_of_an_administrator_is_no_clients_own(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints, token = await prepared(world, "opaque")
        await world.change(ApiToken, ENVIRONMENT, token[3:9], client_id=None)
        assert (await endpoints.post("revoke", "abc", token=token)).status == 400

    play(scenario)


def test_an_environment_without_apis_has_no_token_to_end(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints, token = await prepared(world, "jwt")
        await world.remove(*await world.store.read(lambda tx: tx.find(Api)))
        assert (await endpoints.post("revoke", "abc", token=token)).status == 200

    play(scenario)


def test_when_nothing_can_be_written_the_client_is_told_to_come_again(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints, token = await prepared(world, "jwt")

        async def full(work):  # type: ignore[no-untyped-def]
            raise StorageUnavailable("The disk is full.")

        write, world.store.write = world.store.write, full  # type: ignore[method-assign]
        response = await endpoints.post("revoke", "abc", token=token)
        assert response.status == 503
        assert b"retry-after" in dict(response.headers)
        world.store.write = write  # type: ignore[method-assign]
        assert (await endpoints.introspect(token))["active"]

    play(scenario)


def test_revocations_are_limited_per_client(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints, token = await prepared(world, "jwt")
        await world.use_up(f"revocation:{ENVIRONMENT}/abc", REVOCATIONS_PER_MINUTE)
        assert (await endpoints.post("revoke", "abc", token=token)).status == 429

    play(scenario)
