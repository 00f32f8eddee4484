"""Whether an issued token still stands, whatever stood behind it was changed, disabled or removed."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace

from mintmark.authorization_server.token_status import TokenStatus
from mintmark.crypto.secret_hash import CHEAPEST, digest_secret, hash_password
from mintmark.jose.access_token import Expectation, verify
from mintmark.values.client import Client
from mintmark.values.credential import ApiToken, LegacyToken, MachineUser, SecretVersion, SignatureKey
from mintmark.values.secret import API_TOKEN, Secret, new_secret
from mintmark.values.tenancy import Api, Environment, Tenant
from tests.authorization_server.world import AUDIENCE, ENVIRONMENT, KEY, NOW, SECRET_KEY, World, basic

EXPECTED = Expectation("https://auth.example/t/acme/production", frozenset({AUDIENCE}), frozenset({"at+jwt"}))


def status_of(world: World) -> TokenStatus:
    return TokenStatus(world.endpoint.ports, ENVIRONMENT)


def claims_in(response, name: str = "access_token", now: float = NOW):  # type: ignore[no-untyped-def]
    return verify(json.loads(response.body)[name], lambda kid: KEY.public(), EXPECTED, now)


async def api_token(world: World, **fields: object) -> Secret:
    text = new_secret(API_TOKEN, "t00001", world.entropy)
    await world.add(
        ApiToken(
            ENVIRONMENT,
            "t00001",
            digest_secret(SECRET_KEY, text.reveal()),
            AUDIENCE,
            ("things:read",),
            **fields,  # type: ignore[arg-type]
        )
    )
    return text


def test_a_jwt_falls_with_any_link_of_its_chain(play):  # type: ignore[no-untyped-def]
    links = [
        (Tenant, ("acme",), {"enabled": False}),
        (Environment, ("acme", "production"), {"enabled": False}),
        (Api, (ENVIRONMENT, AUDIENCE), {"enabled": False}),
        (Client, (ENVIRONMENT, "abc"), {"enabled": False}),
        (SecretVersion, (ENVIRONMENT, "abc", "v00001"), {"revoked_at": NOW}),
    ]

    async def scenario(world: World) -> None:
        await world.client()
        status = status_of(world)
        for kind, key, fields in links:
            claims = claims_in(await world.token(), now=world.now)
            assert await status.jwt_active(claims, NOW)
            before = await world.store.read(lambda tx, kind=kind, key=key: tx.get(kind, *key))
            await world.change(kind, *key, **fields)
            assert not await status.jwt_active(claims, NOW)
            await world.put(before)
            assert not await status.jwt_active(claims, NOW), "what was revoked stays so"
            world.now += 1
            assert await status.jwt_active(claims_in(await world.token(), now=world.now), NOW)

    play(scenario)


def test_a_jwt_falls_with_its_client_or_its_secret_deleted(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        client = await world.client()
        claims = claims_in(await world.token())
        version = await world.store.read(lambda tx: tx.get(SecretVersion, ENVIRONMENT, "abc", "v00001"))
        await world.remove(version)
        assert not await status_of(world).jwt_active(claims, NOW)
        await world.remove(client)
        assert not await status_of(world).jwt_active(claims, NOW)

    play(scenario)


def test_a_secret_that_ran_out_ends_no_token(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        claims = claims_in(await world.token())
        await world.change(SecretVersion, ENVIRONMENT, "abc", "v00001", expires_at=NOW)
        assert await status_of(world).jwt_active(claims, NOW)

    play(scenario)


def test_a_customers_token_falls_with_its_signature_key(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.signature_key()
        signature = hmac.new(b"shop key", b"7001", hashlib.sha256).hexdigest()
        body = json.dumps({"id": 7001, "signature": signature})
        response = await world.ask("omneo-shopify", body, headers=[("content-type", "application/json")])
        claims = claims_in(response, "token")
        assert claims["sub"] == "7001"
        assert await status_of(world).jwt_active(claims, NOW)
        await world.change(SignatureKey, ENVIRONMENT, "key001", retires_at=NOW)
        assert await status_of(world).jwt_active(claims, NOW)
        await world.change(SignatureKey, ENVIRONMENT, "key001", revoked_at=NOW)
        assert not await status_of(world).jwt_active(claims, NOW)

    play(scenario)


def test_a_login_token_falls_with_its_user_and_survives_a_new_password(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.user(proxy_login=True, proxy_audience=AUDIENCE)
        response = await world.ask("omneo-proxy", "", headers=[basic("bot@brand.example", "pass word")])
        claims = claims_in(response, "token")
        digest = hash_password("another", world.entropy, CHEAPEST)
        await world.change(MachineUser, ENVIRONMENT, "u-1", digest=digest)
        assert await status_of(world).jwt_active(claims, NOW)
        await world.change(MachineUser, ENVIRONMENT, "u-1", enabled=False)
        assert not await status_of(world).jwt_active(claims, NOW)

    play(scenario)


def test_an_api_token_is_good_to_the_second_before_its_end(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        text = await api_token(world, expires_at=NOW + 10)
        status = status_of(world)
        facts = await status.opaque(text, NOW + 9)
        assert facts is not None
        assert (facts.audience, facts.scopes, facts.token_id) == (AUDIENCE, ("things:read",), "t00001")
        await world.events()
        assert await world.store.read(lambda tx: tx.last_use(ENVIRONMENT, "t00001")) == (NOW + 9, "")
        assert await status.opaque(text, NOW + 10) is None

    play(scenario)


def test_every_cut_and_every_changed_character_of_an_api_token_is_refused(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        text = (await api_token(world)).reveal()
        status = status_of(world)
        for index in range(len(text)):
            changed = text[:index] + ("x" if text[index] != "x" else "y") + text[index + 1 :]
            assert await status.opaque(Secret(changed), NOW) is None
            assert await status.opaque(Secret(text[:index]), NOW) is None
            assert await status.opaque(Secret(text[index + 1 :]), NOW) is None
        same_id = new_secret(API_TOKEN, "t00001", world.entropy)
        assert await status.opaque(same_id, NOW) is None
        assert await status.opaque(Secret(text), NOW) is not None

    play(scenario)


def test_an_api_token_falls_with_its_user_its_api_and_its_tenant(play):  # type: ignore[no-untyped-def]
    links = [
        (Tenant, ("acme",), {"enabled": False}),
        (Api, (ENVIRONMENT, AUDIENCE), {"enabled": False}),
        (MachineUser, (ENVIRONMENT, "u-1"), {"enabled": False}),
        (ApiToken, (ENVIRONMENT, "t00001"), {"revoked_at": NOW}),
    ]

    async def scenario(world: World) -> None:
        await world.user()
        text = await api_token(world, user_id="u-1")
        status = status_of(world)
        for kind, key, fields in links:
            assert await status.opaque(text, NOW) is not None
            before = await world.store.read(lambda tx, kind=kind, key=key: tx.get(kind, *key))
            await world.change(kind, *key, **fields)
            assert await status.opaque(text, NOW) is None
            await world.put(before)

    play(scenario)


def test_an_opaque_access_token_falls_with_its_client(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        await world.change(Api, ENVIRONMENT, AUDIENCE, token_format="opaque")
        text = Secret(json.loads((await world.token()).body)["access_token"])
        facts = await status_of(world).opaque(text, NOW)
        assert facts is not None
        assert (facts.client_id, facts.expires_at) == ("abc", NOW + 3600)
        await world.change(Client, ENVIRONMENT, "abc", enabled=False)
        assert await status_of(world).opaque(text, NOW) is None

    play(scenario)


def test_a_legacy_token_is_checked_by_id_and_secret(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        digest = hash_password("old secret", world.entropy, CHEAPEST)
        record = LegacyToken(ENVIRONMENT, "old-id", "argon2id", digest, AUDIENCE, ("things:read",))
        await world.add(record)
        status = status_of(world)
        facts = await status.basic("old-id", Secret("old secret"), NOW)
        assert facts is not None
        assert facts.client_id == "old-id"
        runs = world.slow_hash.runs
        assert await status.basic("old-id", Secret("wrong"), NOW) is None
        assert await status.basic("no-id", Secret("old secret"), NOW) is None
        assert world.slow_hash.runs == runs + 2
        await world.put(replace(record, revoked_at=NOW))
        assert await status.basic("old-id", Secret("old secret"), NOW) is None

    play(scenario)


def test_an_unknown_environment_has_no_live_token(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        text = await api_token(world)
        status = TokenStatus(world.endpoint.ports, "acme/staging")
        assert await status.opaque(text, NOW) is None
        assert not await status.jwt_active({"aud": AUDIENCE}, NOW)

    play(scenario)
