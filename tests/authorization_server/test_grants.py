"""Omneo's grants: a machine user beside the client, a signed customer id, a proxy login; and Oleria's fixed scope."""

from __future__ import annotations

import hashlib
import hmac
import json
from urllib.parse import urlencode

from mintmark.values.client import Client
from mintmark.values.credential import MachineUser, SignatureKey
from mintmark.values.tenancy import Api
from tests.authorization_server.world import AUDIENCE, ENVIRONMENT, NOW, World, basic

JSON = [("content-type", "application/json")]


def error_of(response):  # type: ignore[no-untyped-def]
    return response.status, json.loads(response.body)["error"]


async def omneo(world: World, password: str = "pass word", scope: str = "*", **more: str):  # type: ignore[no-untyped-def]
    fields = {
        "grant_type": "client_credentials",
        "client_id": "abc",
        "client_secret": world.secrets["abc"],
        "username": "bot@brand.example",
        "password": password,
        "scope": scope,
    } | more
    return await world.ask("omneo", urlencode(fields))


def signed(world: World, subject: object, key: bytes = b"shop key") -> str:
    signature = hmac.new(key, str(subject).encode(), hashlib.sha256).hexdigest()
    return json.dumps({"id": subject, "signature": signature})


def test_a_star_grants_what_client_user_and_api_have_in_common(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(allowed={AUDIENCE: ("things:read", "things:write")}, needs_user=True)
        await world.user(scopes=("things:write", "things:delete"))
        response = await omneo(world)
        assert response.status == 200
        event = (await world.events(outcome="issued"))[-1]
        assert (event.scope, event.user_id, event.subject) == ("things:write", "u-1", "u-1")
        assert json.loads(response.body)["scope"] == "things:write"

    play(scenario)


def test_a_named_scope_is_cut_down_to_what_both_have(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(needs_user=True)
        await world.user(scopes=("things:read",))
        response = await omneo(world, scope="things:read things:write")
        assert json.loads(response.body)["scope"] == "things:read"
        assert error_of(await omneo(world, scope="things:write")) == (400, "invalid_scope")

    play(scenario)


def test_a_wrong_client_and_a_wrong_user_are_told_apart(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(needs_user=True)
        await world.user()
        assert error_of(await omneo(world, client_secret="wrong")) == (401, "invalid_client")
        wrong = await omneo(world, password="wrong")
        unknown = await omneo(world, username="nobody@brand.example")
        assert error_of(wrong) == (400, "invalid_grant")
        assert (wrong.status, wrong.body, wrong.headers) == (unknown.status, unknown.body, unknown.headers)
        reasons = [event.reason for event in await world.events(outcome="refused")]
        assert reasons[1:] == ["wrong_password", "unknown_user"]

    play(scenario)


def test_a_client_that_needs_a_user_gets_nothing_alone(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(needs_user=True)
        assert error_of(await world.token()) == (400, "invalid_request")
        assert (await world.events(outcome="refused"))[-1].reason == "user_missing"

    play(scenario)


def test_a_disabled_user_is_refused(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(needs_user=True)
        await world.user()
        await world.change(MachineUser, ENVIRONMENT, "u-1", enabled=False)
        assert error_of(await omneo(world)) == (400, "invalid_grant")

    play(scenario)


def test_a_signed_customer_id_brings_a_token_of_that_customer(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.signature_key()
        for subject in (7001, "7001"):
            response = await world.ask("omneo-shopify", signed(world, subject), headers=JSON)
            assert response.status == 200
            assert response.values(b"ratelimit-policy") == [b'"minute";q=20;w=60']
            assert set(json.loads(response.body)) == {"token"}
        event = (await world.events(outcome="issued"))[-1]
        assert (event.subject, event.scope, event.credential_id) == ("7001", "things:read", "key001")

    play(scenario)


def test_a_wrong_signature_is_refused(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.signature_key()
        body = signed(world, 7001, b"another key")
        assert error_of(await world.ask("omneo-shopify", body, headers=JSON)) == (400, "invalid_grant")
        swapped = json.dumps({**json.loads(signed(world, 7001)), "id": 7002})
        assert error_of(await world.ask("omneo-shopify", swapped, headers=JSON)) == (400, "invalid_grant")

    play(scenario)


def test_an_id_that_is_no_customer_id_is_refused(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.signature_key()
        for subject in ("0", "-1", "07001", "7001 ", "abc", "٧", "1" * 21):
            body = signed(world, subject)
            assert error_of(await world.ask("omneo-shopify", body, headers=JSON)) == (400, "invalid_request")
        body = json.dumps({"id": 7001, "signature": "no hex"})
        assert error_of(await world.ask("omneo-shopify", body, headers=JSON)) == (400, "invalid_request")

    play(scenario)


def test_two_signature_keys_live_while_rotating_and_the_old_one_ends(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.signature_key("key001", b"old", retires_at=NOW + 10)
        await world.signature_key("key002", b"new", created_at=NOW)
        statuses = []
        for now in (NOW + 9, NOW + 10):
            world.now = now
            for key in (b"old", b"new"):
                statuses.append(
                    (await world.ask("omneo-shopify", signed(world, 7, key), headers=JSON)).status
                )
        assert statuses == [200, 200, 400, 200]

    play(scenario)


def test_exchanges_are_limited_per_customer_and_address(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.signature_key()
        statuses = [
            (await world.ask("omneo-shopify", signed(world, 7001), headers=JSON)).status for _ in range(21)
        ]
        assert statuses == [200] * 20 + [429]
        refused = await world.ask("omneo-shopify", signed(world, 7001), headers=JSON)
        assert refused.values(b"ratelimit-policy") == [b'"minute";q=20;w=60']
        assert (await world.ask("omneo-shopify", signed(world, 7002), headers=JSON)).status == 200
        other = await world.ask("omneo-shopify", signed(world, 7001), headers=JSON, peer="192.0.2.77")
        assert other.status == 200

    play(scenario)


def test_a_signature_token_lives_an_hour_at_most(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.change(Api, ENVIRONMENT, AUDIENCE, token_format="opaque")
        await world.signature_key(lifetime=86400)
        await world.ask("omneo-shopify", signed(world, 7001), headers=JSON)
        event = (await world.events(outcome="issued"))[-1]
        token = await world.directory.api_token(ENVIRONMENT, event.jti)
        assert token is not None
        assert token.expires_at == NOW + 3600

    play(scenario)


def test_a_revoked_signature_key_is_refused_at_once(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.signature_key()
        assert (await world.ask("omneo-shopify", signed(world, 7001), headers=JSON)).status == 200
        await world.change(SignatureKey, ENVIRONMENT, "key001", revoked_at=NOW)
        assert (await world.ask("omneo-shopify", signed(world, 7001), headers=JSON)).status == 400

    play(scenario)


def test_a_proxy_login_answers_token_and_expiry(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.user(proxy_login=True, proxy_audience=AUDIENCE, scopes=("things:read",))
        response = await world.ask("omneo-proxy", "", headers=[basic("bot@brand.example", "pass word")])
        answer = json.loads(response.body)
        assert response.status == 200
        assert set(answer) == {"token", "expiry"}
        assert answer["expiry"] == "2027-01-15T09:00:00Z"
        assert (await world.events(outcome="issued"))[-1].scope == "things:read"

    play(scenario)


def test_a_proxy_login_is_for_marked_users_only(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.user()
        headers = [basic("bot@brand.example", "pass word")]
        refused = await world.ask("omneo-proxy", "", headers=headers)
        assert refused.status == 401
        assert refused.values(b"www-authenticate")
        wrong = await world.ask("omneo-proxy", "", headers=[basic("bot@brand.example", "wrong")])
        assert (wrong.status, wrong.body) == (refused.status, refused.body)
        assert (await world.ask("omneo-proxy", "")).status in (400, 401)

    play(scenario)


def test_logins_that_are_refused_for_their_api_count_as_others_do(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.user(proxy_login=True, proxy_audience=AUDIENCE, scopes=("things:read",))
        await world.change(Api, ENVIRONMENT, AUDIENCE, enabled=False)
        headers = [basic("bot@brand.example", "pass word")]
        statuses = [(await world.ask("omneo-proxy", "", headers=headers)).status for _ in range(21)]
        assert statuses == [400] * 20 + [429]

    play(scenario)


def test_a_star_in_a_users_scopes_stands_for_all_at_a_proxy_login(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.user(proxy_login=True, proxy_audience=AUDIENCE)
        await world.ask("omneo-proxy", "", headers=[basic("bot@brand.example", "pass word")])
        assert (await world.events(outcome="issued"))[-1].scope == "things:read things:write things:delete"

    play(scenario)


def test_an_api_with_a_required_scope_takes_exactly_that_one(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(allowed={AUDIENCE: ("base", "things:read")})
        await world.change(
            Api,
            ENVIRONMENT,
            AUDIENCE,
            required_scope="base",
            scopes={"base": "Base.", "things:read": "Read."},
        )
        form = f"grant_type=client_credentials&client_id=abc&client_secret={world.secrets['abc']}"
        assert (await world.ask("oleria", form + "&scope=base")).status == 200
        assert (await world.events(outcome="issued"))[-1].scope == "base things:read"
        assert error_of(await world.ask("oleria", form)) == (400, "invalid_request")
        assert error_of(await world.ask("oleria", form + "&scope=things:read")) == (400, "invalid_scope")
        assert error_of(await world.ask("oleria", form + "&scope=base+things:read")) == (400, "invalid_scope")
        assert error_of(await world.ask("standard", form)) == (400, "invalid_scope")

    play(scenario)


def test_a_client_without_the_grant_is_unauthorized(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(grant_types=())
        assert error_of(await world.token()) == (400, "unauthorized_client")

    play(scenario)


def test_a_client_whose_scopes_have_left_the_api_is_told_so(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        await world.change(Api, ENVIRONMENT, AUDIENCE, scopes={"things:delete": "Delete."})
        assert error_of(await world.token()) == (400, "invalid_scope")

    play(scenario)


def test_half_a_user_is_a_bad_request(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(needs_user=False)
        response = await omneo(world, password="")
        assert error_of(response) == (400, "invalid_request")
        assert (await world.store.read(lambda tx: tx.get(Client, ENVIRONMENT, "abc"))) is not None

    play(scenario)
