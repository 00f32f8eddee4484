"""Imported credentials: any printable ASCII, both readings of Basic on the RFC mount, bounded work."""

from __future__ import annotations

import json
from urllib.parse import quote_plus

import pytest

from mintmark.crypto.secret_hash import CHEAPEST, hash_password
from mintmark.values.client import Client
from mintmark.values.credential import SecretVersion
from tests.authorization_server.world import AUDIENCE, ENVIRONMENT, NOW, World, basic

ID, SECRET = "Old+Client%41@x", "s%2Bcret+/=: "
FORM = ("content-type", "application/x-www-form-urlencoded")


async def imported(world: World, *secrets: str, **fields: object) -> None:
    await world.add(
        Client(ENVIRONMENT, ID, "Old", allowed={AUDIENCE: ("things:read",)}, imported=True),
        *(
            SecretVersion(
                ENVIRONMENT,
                ID,
                f"i{n:05}",
                "argon2id",
                hash_password(secret, world.entropy, CHEAPEST),
                **fields,  # type: ignore[arg-type]
            )
            for n, secret in enumerate(secrets)
        ),
    )


@pytest.mark.parametrize(
    ("user", "password"),
    [(ID, SECRET), (quote_plus(ID), quote_plus(SECRET))],
    ids=["raw, as most clients send it", "form-encoded, as RFC 6749 wants it"],
)
def test_basic_is_read_both_ways_for_an_imported_client(play, user: str, password: str):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await imported(world, SECRET)
        response = await world.ask(
            "standard", "grant_type=client_credentials", headers=[basic(user, password), FORM]
        )
        assert response.status == 200
        assert (await world.events(outcome="issued"))[-1].client_id == ID

    play(scenario)


def test_an_imported_secret_works_in_the_body(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await imported(world, SECRET)
        body = f"grant_type=client_credentials&client_id={quote_plus(ID)}&client_secret={quote_plus(SECRET)}"
        assert (await world.ask("standard", body)).status == 200

    play(scenario)


def test_two_imported_secrets_may_live_and_each_works(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await imported(world, "first", "second")
        for secret, status in (("first", 200), ("second", 200), ("third", 401)):
            headers = [basic(quote_plus(ID), secret), FORM]
            assert (
                await world.ask("standard", "grant_type=client_credentials", headers=headers)
            ).status == status

    play(scenario)


def test_an_expired_imported_secret_is_refused(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await imported(world, "first", expires_at=NOW)
        headers = [basic(quote_plus(ID), "first"), FORM]
        response = await world.ask("standard", "grant_type=client_credentials", headers=headers)
        assert json.loads(response.body)["error"] == "invalid_client"

    play(scenario)


def test_a_mount_that_admits_no_foreign_secret_never_does_slow_work(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await imported(world, "first")
        body = json.dumps(
            {
                "grant_type": "client_credentials",
                "client_id": ID,
                "client_secret": "first",
                "audience": AUDIENCE,
            }
        )
        response = await world.ask("omnilab", body, headers=[("content-type", "application/json")])
        assert response.status == 401
        assert world.slow_hash.runs == 0
        assert (await world.events(outcome="refused"))[-1].reason == "imported_secret_not_admitted"

    play(scenario)


def test_a_generated_secret_is_never_read_a_second_way(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client("a+b")
        headers = [basic("a+b", world.secrets["a+b"]), FORM]
        response = await world.ask("standard", "grant_type=client_credentials", headers=headers)
        assert response.status == 401

    play(scenario)


def test_a_refusal_is_of_the_client_by_whichever_reading_it_was_found(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await imported(world, SECRET)
        for user in (ID, quote_plus(ID)):
            headers = [basic(user, "wrong"), FORM]
            response = await world.ask("standard", "grant_type=client_credentials", headers=headers)
            assert response.status == 401
        assert [event.client_id for event in await world.events(outcome="refused")] == [ID, ID]

    play(scenario)
