"""Introspection (RFC 7662): who may ask about which token, and what is said."""

from __future__ import annotations

import json

import pytest

from mintmark.authorization_server.introspection import QUESTIONS_PER_MINUTE, TYPE
from mintmark.authorization_server.limits import FAILURES_PER_ADDRESS, FAILURES_PER_IDENTITY
from mintmark.authorization_server.remedies import REMEDIES
from mintmark.crypto.secret_hash import CHEAPEST, digest_secret, hash_password
from mintmark.jose import base64url
from mintmark.jose.access_token import build
from mintmark.jose.jwk import generate
from mintmark.jose.jws import parse_compact
from mintmark.resource_server.introspected import Question, read_answer, write_question
from mintmark.values.client import Client
from mintmark.values.credential import ApiToken, LegacyToken, SecretVersion
from mintmark.values.secret import API_TOKEN, Secret, new_secret
from mintmark.values.tenancy import Api, Environment, SigningKey, Tenant
from mintmark.wire.http import HttpRequest
from tests.authorization_server.endpoints import FORM, ISSUER, Endpoints, token_of
from tests.authorization_server.world import AUDIENCE, ENVIRONMENT, KEY, NOW, OTHER, SECRET_KEY, World

INACTIVE = {"active": False}


async def legacy(world: World, **fields: object) -> LegacyToken:
    digest = hash_password("old secret", world.entropy, CHEAPEST)
    record = LegacyToken(ENVIRONMENT, "old-id", "argon2id", digest, AUDIENCE, ("things:read",), **fields)  # type: ignore[arg-type]
    await world.add(record)
    return record


async def api_token(world: World, **fields: object) -> str:
    text = new_secret(API_TOKEN, "t00001", world.entropy).reveal()
    given = {"audience": AUDIENCE, "scopes": ("things:read",), "created_at": NOW - 9} | fields
    await world.add(ApiToken(ENVIRONMENT, "t00001", digest_secret(SECRET_KEY, text), **given))  # type: ignore[arg-type]
    return text


def test_a_jwt_is_told_to_the_resource_server_that_it_is_for(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard(AUDIENCE, OTHER)
        await world.client()
        token = await token_of(world, extra="&scope=things:read")
        members = await endpoints.introspect(token)
        assert members | {"jti": ""} == {
            "active": True,
            "token_type": "Bearer",
            "scope": "things:read",
            "client_id": "abc",
            "sub": "abc",
            "aud": AUDIENCE,
            "iss": ISSUER,
            "iat": NOW,
            "nbf": NOW,
            "exp": NOW + 3600,
            "jti": "",
            "mm_tenant": "acme",
            "mm_cred": "v00001",
        }

    play(scenario)


@pytest.mark.parametrize("path", ["introspect", "revocations", "revocations/snapshot"])
def test_a_client_that_protects_nothing_is_refused(play, path):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = Endpoints(world)
        await world.client()
        if path == "introspect":
            response = await endpoints.post(path, "abc", token=await token_of(world))
        else:
            response = await endpoints.get(path, "after=0" if path == "revocations" else "", "abc")
        assert response.status == 403
        assert json.loads(response.body)["error"] == "unauthorized_client"
        refused = [event for event in await world.events() if event.outcome == "refused"]
        assert [event.reason for event in refused] == ["not_a_protected_resource"]
        assert refused[0].reason in REMEDIES

    play(scenario)


def test_a_token_for_another_api_is_not_told(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard(OTHER)
        await world.client()
        await legacy(world)
        assert await endpoints.introspect(await token_of(world)) == INACTIVE
        assert await endpoints.introspect(await api_token(world)) == INACTIVE
        assert await endpoints.introspect("old-id:old secret", hint="legacy_basic") == INACTIVE

    play(scenario)


@pytest.mark.parametrize("in_body", [False, True])
def test_both_forms_of_client_authentication_are_taken(play, in_body):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        response = await endpoints.post("introspect", in_body=in_body, token="x")
        assert (response.status, response.body) == (200, b'{"active":false}')
        assert (b"cache-control", b"no-store") in response.headers

    play(scenario)


@pytest.mark.parametrize("path", ["introspect", "revoke", "revocations", "revocations/snapshot"])
def test_without_the_right_credentials_nothing_is_told_and_guesses_are_limited(play, path):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        query = "after=0" if path == "revocations" else ""

        async def ask(client_id: str, secret: str | None):  # type: ignore[no-untyped-def]
            if path.startswith("revocations"):
                return await endpoints.get(path, query, client_id, secret)
            return await endpoints.post(path, client_id, secret, token="x")

        bodies = set()
        for client_id, secret in [
            ("guard", "wrong"),
            ("nobody", "wrong"),
            ("nobody", world.secrets["guard"]),
        ]:
            response = await ask(client_id, secret)
            assert response.status == 401
            assert b"www-authenticate" in dict(response.headers)
            bodies.add(response.body)
        assert len(bodies) == 1
        assert len(world.late) == 3
        for _ in range(FAILURES_PER_IDENTITY - 1):
            await ask("guard", "wrong")
        assert (await ask("guard", None)).status == 429
        for number in range(FAILURES_PER_ADDRESS):
            await ask(f"other-{number}", "wrong")
        assert (await ask("yet-another", "wrong")).status == 429

    play(scenario)


def test_a_request_without_credentials_or_token_is_refused(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        bare = HttpRequest(
            "POST", "/introspect", b"", tuple((n.encode(), v.encode()) for n, v in (FORM,)), b"token=x"
        )
        response = await endpoints.by_path["introspect"].respond(bare, ENVIRONMENT, "192.0.2.1", "r", NOW)
        assert response.status == 401
        assert (await endpoints.post("introspect")).status == 400
        assert (await endpoints.post("introspect", token="")).status == 400
        twice = await endpoints.post("introspect", client_secret="x", token="x")
        assert twice.status == 400, "credentials in two places"
        events = await world.events(kind="introspection")
        assert events[0].reason == "no_credentials"
        with pytest.raises(KeyError):
            await endpoints.by_path["introspect"].respond(bare, "acme/nowhere", "192.0.2.1", "r", NOW)

    play(scenario)


def test_no_token_reaches_the_audit_trail(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        await world.client()
        token = await token_of(world)
        await endpoints.post("introspect", secret="wrong", token=token)
        await endpoints.post("introspect", world.secrets["abc"], "wrong", token=token)
        for event in await world.events(outcome="refused"):
            assert token not in repr(event)
            assert world.secrets["abc"] not in repr(event)

    play(scenario)


def test_a_token_falls_with_any_link_of_its_chain_and_its_asker(play):  # type: ignore[no-untyped-def]
    links = [
        (Tenant, ("acme",), {"enabled": False}),
        (Environment, ("acme", "production"), {"enabled": False}),
        (Api, (ENVIRONMENT, AUDIENCE), {"enabled": False}),
        (Client, (ENVIRONMENT, "abc"), {"enabled": False}),
        (SecretVersion, (ENVIRONMENT, "abc", "v00001"), {"revoked_at": NOW}),
    ]

    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        # One id per client in this world, so the asker gets a secret version of another name.
        await world.client()
        for kind, key, fields in links:
            token = await token_of(world)
            assert (await endpoints.introspect(token))["active"]
            before = await world.store.read(lambda tx, kind=kind, key=key: tx.get(kind, *key))
            await world.change(kind, *key, **fields)
            assert await endpoints.introspect(token) == INACTIVE
            await world.put(before)
            assert await endpoints.introspect(token) == INACTIVE, "what was revoked stays so"
            world.now += 1
        assert (await endpoints.introspect(await token_of(world)))["active"]
        await world.change(Client, ENVIRONMENT, "guard", enabled=False)
        assert (await endpoints.post("introspect", token="x")).status == 401

    play(scenario)


def test_an_opaque_access_token_does_not_come_back_with_its_client(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        client = await world.client()
        await world.change(Api, ENVIRONMENT, AUDIENCE, token_format="opaque")
        token = await token_of(world)
        assert (await endpoints.introspect(token))["exp"] == NOW + 3600
        await world.change(Client, ENVIRONMENT, "abc", enabled=False)
        await world.put(client)
        assert await endpoints.introspect(token) == INACTIVE

    play(scenario)


def test_an_api_token_comes_back_with_its_tenant(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        token = await api_token(world)
        assert "exp" not in await endpoints.introspect(token)
        await world.change(Tenant, "acme", enabled=False)
        assert await endpoints.introspect(token) == INACTIVE
        await world.change(Tenant, "acme", enabled=True)
        assert (await endpoints.introspect(token))["jti"] == "t00001"

    play(scenario)


@pytest.mark.parametrize(
    "change",
    [
        {"typ": "JWT"},
        {"typ": "mintmark-revocation+jwt", "active": False},
        {"typ": "logout+jwt", "active": False},
        {"exp": NOW, "active": False},
        {"exp": NOW + 1},
        {"iss": "https://elsewhere.example", "active": False},
        {"cnf": {"jkt": "x"}, "active": False},
        {"mm_cred": "v00009", "active": False},
        {"client_id": "nobody", "active": False},
        {"key": generate("ES256"), "active": False},
    ],
)
def test_only_what_is_exactly_an_access_token_of_ours_is_active(play, change):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        await world.client()
        fields = dict(change)
        active, typ, key = fields.pop("active", True), fields.pop("typ", "at+jwt"), fields.pop("key", KEY)
        claims = {
            "iss": ISSUER,
            "sub": "abc",
            "aud": AUDIENCE,
            "client_id": "abc",
            "iat": NOW,
            "exp": NOW + 9,
        }
        claims |= {"jti": "j", "mm_tenant": "acme", "mm_cred": "v00001"}
        members = await endpoints.introspect(build({**claims, **fields}, key, typ))
        assert members["active"] is active

    play(scenario)


def test_the_guards_own_question_is_answered_so_that_it_reads_it(play):  # type: ignore[no-untyped-def]
    """Both halves of the wire: the guard's writer and reader with the issuer in between."""

    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        await legacy(world)
        for kind, text in [
            ("opaque", await api_token(world)),
            ("basic", "old-id:old secret"),
            ("opaque", "mmt-x"),
        ]:
            question = Question(kind, Secret(text), b"")  # type: ignore[arg-type]
            asked = write_question(f"{ISSUER}/introspect", question, "guard", Secret(world.secrets["guard"]))
            response = await endpoints.by_path["introspect"].respond(
                asked._replace(path="/introspect"), ENVIRONMENT, "192.0.2.7", "r", NOW
            )
            facts = read_answer(response, ISSUER, {AUDIENCE})
            if text == "mmt-x":
                assert facts is None
                continue
            assert facts is not None
            assert (facts.audience, facts.tenant, facts.scopes) == (AUDIENCE, "acme", ("things:read",))
            assert facts.token_id == ("t00001" if kind == "opaque" else "old-id")

    play(scenario)


def test_a_legacy_token_is_looked_up_only_when_it_is_said_to_be_one(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        await legacy(world)
        runs = world.slow_hash.runs
        assert await endpoints.introspect("old-id:old secret") == INACTIVE
        assert world.slow_hash.runs == runs
        assert (await endpoints.introspect("old-id:old secret", hint="legacy_basic"))["client_id"] == "old-id"

    play(scenario)


def test_guesses_at_a_legacy_token_stop_costing_anything(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        await legacy(world)
        for _ in range(FAILURES_PER_IDENTITY):
            assert await endpoints.introspect("old-id:wrong", hint="legacy_basic") == INACTIVE
        runs = world.slow_hash.runs
        assert await endpoints.introspect("old-id:wrong", hint="legacy_basic") == INACTIVE
        assert await endpoints.introspect("old-id:old secret", hint="legacy_basic") == INACTIVE
        assert world.slow_hash.runs == runs
        token = await api_token(world)
        assert (await endpoints.introspect(token))["active"], "other questions go on"
        world.now += 61
        assert (await endpoints.introspect("old-id:old secret", hint="legacy_basic"))["active"]

    play(scenario)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (f"application/{TYPE}", True),
        (f"application/json;q=0.5, application/{TYPE}; q=1", True),
        (f"application/{TYPE};q=0", False),
        ("application/json", False),
        ("*/*", False),
    ],
)
def test_a_signed_answer_is_given_to_whoever_asks_for_it(play, accept, wanted):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        await world.client()
        token = await token_of(world)
        response = await endpoints.post("introspect", headers=(("accept", accept),), token=token)
        kind = dict(response.headers)[b"content-type"].decode()
        if not wanted:
            assert kind == "application/json"
            return
        assert kind == f"application/{TYPE}"
        parsed = parse_compact(response.body)
        assert parsed.header.typ == TYPE
        assert KEY.public().verify(parsed.signature, parsed.signing_input)
        claims = json.loads(parsed.payload)
        assert {name: claims[name] for name in ("iss", "aud", "iat")} == {
            "iss": ISSUER,
            "aud": "guard",
            "iat": NOW,
        }
        assert claims["token_introspection"]["active"] is True
        assert claims.keys() == {"iss", "aud", "iat", "token_introspection"}, "RFC 9701 §5: no sub, no exp"
        assert await endpoints.introspect(response.body.decode()) == INACTIVE, "it is no access token"

    play(scenario)


def test_without_a_signing_key_a_signed_answer_is_not_possible(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        key = await world.store.read(lambda tx: tx.find(SigningKey))
        await world.remove(*key)
        response = await endpoints.post("introspect", headers=(("accept", f"application/{TYPE}"),), token="x")
        assert response.status == 503
        assert (await endpoints.get("revocations/snapshot")).status == 503
        assert [event.reason for event in await world.events(outcome="refused")] == ["no_signing_key"] * 2

    play(scenario)


def test_questions_are_limited_per_client(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        await world.use_up(f"introspection:{ENVIRONMENT}/guard", QUESTIONS_PER_MINUTE)
        response = await endpoints.post("introspect", token="x")
        assert response.status == 429
        assert b"retry-after" in dict(response.headers)
        world.now += 60
        assert (await endpoints.post("introspect", token="x")).status == 200

    play(scenario)


def test_a_cut_or_changed_token_is_never_active(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        endpoints = await Endpoints(world).with_guard()
        await world.client()
        token = await token_of(world)
        header, payload, _ = token.split(".")
        other = base64url.encode(b'{"alg":"none"}').decode()
        for bad in [
            token[:-1],
            token[1:],
            f"{other}.{payload}.",
            f"{header}.{payload}.",
            token + ".x",
            "x" * 8192,
        ]:
            assert await endpoints.introspect(bad) == INACTIVE

    play(scenario)
