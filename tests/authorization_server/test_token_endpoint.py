"""What holds for every token: durable before it leaves, judged again when the world changed, counted exactly."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from mintmark.authorization_server.limits import DAY
from mintmark.authorization_server.ports import Committed, Stale, StorageUnavailable
from mintmark.crypto.secret_hash import digest_secret
from mintmark.jose.access_token import Expectation, verify
from mintmark.storage.engines.sqlite import open_sqlite
from mintmark.storage.store import SqlStore
from mintmark.values.client import Client
from mintmark.values.credential import SecretVersion
from mintmark.values.secret import CLIENT_SECRET, new_secret
from mintmark.values.tenancy import Api, Environment, SigningKey, Tenant
from tests.authorization_server.world import (
    AUDIENCE,
    ENVIRONMENT,
    KEY,
    NOW,
    OTHER,
    SECRET_KEY,
    World,
    basic,
    secret_of_nobody,
)

ISSUER = "https://auth.example/t/acme/production"


def claims_of(response):  # type: ignore[no-untyped-def]
    token = json.loads(response.body)["access_token"]
    expected = Expectation(ISSUER, frozenset({AUDIENCE}), frozenset({"at+jwt"}))
    return verify(token, lambda kid: KEY.public(), expected, NOW)


def error_of(response):  # type: ignore[no-untyped-def]
    return response.status, json.loads(response.body)["error"]


def test_a_jwt_carries_the_claims_of_rfc_9068_and_who_obtained_it(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        claims = claims_of(await world.token())
        assert {name: claims[name] for name in claims if name != "jti"} == {
            "iss": ISSUER,
            "sub": "abc",
            "aud": AUDIENCE,
            "client_id": "abc",
            "iat": NOW,
            "nbf": NOW,
            "exp": NOW + 3600,
            "scope": "things:read things:write",
            "mm_tenant": "acme",
            "mm_cred": "v00001",
        }

    play(scenario)


def test_every_token_has_its_audit_event_before_it_leaves(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        responses = await asyncio.gather(*(world.token(request_id=f"r-{n}") for n in range(20)))
        issued = {claims_of(response)["jti"] for response in responses}
        events = await world.events(outcome="issued")
        assert {event.jti for event in events} == issued
        assert {event.request_id for event in events} == {f"r-{n}" for n in range(20)}
        used = await world.store.read(lambda tx: tx.used(f"client:{ENVIRONMENT}/abc", NOW // DAY))
        assert used == 20

    play(scenario)


def test_a_daily_limit_of_three_gives_exactly_three_tokens(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(daily_token_limit=3)
        statuses = [(await world.token()).status for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        refused = await world.token()
        assert error_of(refused) == (429, "quota_exceeded")
        assert refused.values(b"retry-after") == [str(DAY - NOW % DAY).encode()]
        assert refused.values(b"ratelimit") == [f'"day";r=0;t={DAY - NOW % DAY}'.encode()]

    play(scenario)


def test_parallel_requests_never_pass_the_daily_limit(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(daily_token_limit=7)
        responses = await asyncio.gather(*(world.token() for _ in range(30)))
        assert sorted(response.status for response in responses) == [200] * 7 + [429] * 23

    play(scenario)


def test_the_day_begins_anew_at_midnight_utc(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(daily_token_limit=1)
        midnight = NOW - NOW % DAY + DAY
        world.now = midnight - 1
        assert [(await world.token()).status for _ in range(2)] == [200, 429]
        world.now = midnight
        assert [(await world.token()).status for _ in range(2)] == [200, 429]

    play(scenario)


def test_a_raised_limit_counts_at_once(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(daily_token_limit=1)
        assert [(await world.token()).status for _ in range(2)] == [200, 429]
        await world.change(Client, ENVIRONMENT, "abc", daily_token_limit=2)
        assert [(await world.token()).status for _ in range(2)] == [200, 429]

    play(scenario)


def test_a_tenant_limit_stops_all_of_its_clients(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.change(Tenant, "acme", daily_token_limit=2)
        await world.client("abc")
        await world.client("def")
        assert [(await world.token(c)).status for c in ("abc", "def", "abc", "def")] == [200, 200, 429, 429]
        assert {event.reason for event in await world.events(outcome="refused")} == {"tenant_daily_limit"}

    play(scenario)


def test_an_answer_says_what_is_left_of_the_minute_and_the_day(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(daily_token_limit=5, rate_limit=60)
        response = await world.token()
        assert response.values(b"ratelimit-policy") == [b'"minute";q=60;w=60, "day";q=5;w=86400']
        left = DAY - NOW % DAY
        assert response.values(b"ratelimit") == [f'"minute";r=59;t=1, "day";r=4;t={left}'.encode()]

    play(scenario)


def test_a_client_faster_than_its_rate_is_told_when_to_come_back(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(rate_limit=2)
        assert [(await world.token()).status for _ in range(3)] == [200, 200, 429]
        refused = await world.token()
        assert error_of(refused) == (429, "rate_limited")
        wait = int(refused.values(b"retry-after")[0])
        world.now += wait - 1
        assert (await world.token()).status == 429
        world.now += 1
        assert (await world.token()).status == 200

    play(scenario)


def test_guessing_is_limited_per_address_and_does_not_lock_the_client_out(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        nobody = secret_of_nobody(world.entropy).reveal()
        body = f"grant_type=client_credentials&client_id=abc&client_secret={nobody}"
        guesses = [(await world.ask("standard", body, peer="203.0.113.9")).status for _ in range(12)]
        assert guesses == [401] * 10 + [429] * 2
        assert (await world.token(peer="192.0.2.1")).status == 200
        locked = await world.token(peer="203.0.113.9")
        assert locked.values(b"retry-after") == [b"6"]
        world.now += 5
        assert (await world.token(peer="203.0.113.9")).status == 429
        world.now += 1
        assert (await world.token(peer="203.0.113.9")).status == 200

    play(scenario)


def test_guesses_that_keep_their_distance_are_limited_as_quick_ones_are(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        nobody = secret_of_nobody(world.entropy).reveal()
        body = f"grant_type=client_credentials&client_id=abc&client_secret={nobody}"
        statuses = []
        for _ in range(120):  # in 90 seconds: ten at once, and one more each time that six are over
            statuses.append((await world.ask("standard", body, peer="203.0.113.9")).status)
            world.now += 0.75
        assert statuses.count(401) == 10 + 90 // 6 - 1
        assert statuses.count(401) + statuses.count(429) == len(statuses)

    play(scenario)


def test_guessing_over_many_ids_from_one_address_ends(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        nobody = secret_of_nobody(world.entropy).reveal()
        statuses = []
        for n in range(102):
            body = f"grant_type=client_credentials&client_id=id{n}&client_secret={nobody}"
            statuses.append((await world.ask("standard", body, peer="2001:db8::1")).status)
        assert statuses == [401] * 100 + [429] * 2
        body = f"grant_type=client_credentials&client_id=id&client_secret={nobody}"
        assert (await world.ask("standard", body, peer="2001:db8::2")).status == 429
        assert (await world.ask("standard", body, peer="2001:db8:0:1::2")).status == 401

    play(scenario)


def test_unknown_id_and_wrong_secret_look_alike(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        nobody = secret_of_nobody(world.entropy).reveal()
        answers = []
        for client_id, secret in (("abc", nobody), ("zzz", nobody), ("abc", "foreign"), ("zzz", "foreign")):
            runs = world.slow_hash.runs
            response = await world.ask(
                "standard", f"grant_type=client_credentials&client_id={client_id}&client_secret={secret}"
            )
            answers.append((response, world.slow_hash.runs - runs))
        assert answers[0] == answers[1]
        assert answers[2] == answers[3]
        assert answers[2][1] == 2
        assert answers[0][1] == 0
        assert answers[0][0] == answers[2][0]
        assert world.late == [NOW] * 4

    play(scenario)


def test_a_stored_digest_is_not_a_secret(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        version = await world.store.read(lambda tx: tx.get(SecretVersion, ENVIRONMENT, "abc", "v00001"))
        assert version is not None
        for mount in ("standard", "omnissa"):
            headers = [basic("abc", version.digest), ("content-type", "application/x-www-form-urlencoded")]
            response = await world.ask(mount, "grant_type=client_credentials", headers=headers)
            assert error_of(response) == (401, "invalid_client")

    play(scenario)


def test_each_link_of_the_chain_when_disabled_refuses_at_once(play):  # type: ignore[no-untyped-def]
    changes = {
        "client_disabled": (Client, (ENVIRONMENT, "abc"), {"enabled": False}),
        "tenant_disabled": (Tenant, ("acme",), {"enabled": False}),
        "environment_disabled": (Environment, ("acme", "production"), {"enabled": False}),
        "api_disabled": (Api, (ENVIRONMENT, AUDIENCE), {"enabled": False}),
        "secret_revoked": (SecretVersion, (ENVIRONMENT, "abc", "v00001"), {"revoked_at": NOW}),
        "secret_expired": (SecretVersion, (ENVIRONMENT, "abc", "v00001"), {"expires_at": NOW}),
    }

    async def scenario(world: World) -> None:
        await world.client()
        for reason, (kind, key, fields) in changes.items():
            assert (await world.token()).status == 200
            before = await world.store.read(lambda tx, kind=kind, key=key: tx.get(kind, *key))
            await world.change(kind, *key, **fields)
            assert (await world.token()).status in (400, 401)
            assert (await world.events(outcome="refused"))[-1].reason == reason
            await world.put(before)

    play(scenario)


def test_an_expiring_secret_works_to_the_last_second(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        await world.change(SecretVersion, ENVIRONMENT, "abc", "v00001", expires_at=NOW + 10)
        statuses = []
        for now in (NOW + 9, NOW + 10, NOW + 11):
            world.now = now
            statuses.append((await world.token()).status)
        assert statuses == [200, 401, 401]

    play(scenario)


def test_a_client_deleted_while_its_token_is_signed_gets_none(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        client = await world.client()
        assert (await world.token()).status == 200
        commit = world.ledger.commit

        async def delete_first(issuance):  # type: ignore[no-untyped-def]
            world.ledger.commit = commit  # type: ignore[method-assign]
            await world.remove(client)
            return await commit(issuance)

        world.ledger.commit = delete_first  # type: ignore[method-assign]
        assert error_of(await world.token()) == (401, "invalid_client")
        assert len(await world.events(outcome="issued")) == 1

    play(scenario)


def test_a_change_that_leaves_the_client_good_costs_one_more_judgement(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(rate_limit=5)
        commit = world.ledger.commit

        async def rename_first(issuance):  # type: ignore[no-untyped-def]
            world.ledger.commit = commit  # type: ignore[method-assign]
            await world.change(Client, ENVIRONMENT, "abc", client_name="renamed")
            return await commit(issuance)

        world.ledger.commit = rename_first  # type: ignore[method-assign]
        response = await world.token()
        assert response.status == 200
        assert response.values(b"ratelimit")[0].startswith(b'"minute";r=4;')

    play(scenario)


def test_a_secret_that_another_node_has_added_is_good_here_at_once(play, tmp_path):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        assert (await world.token()).status == 200
        added = new_secret(CLIENT_SECRET, "v00002", world.entropy).reveal()
        version = SecretVersion(ENVIRONMENT, "abc", "v00002", "hmac", digest_secret(SECRET_KEY, added))
        with closing(open_sqlite(tmp_path / "world.sqlite", bytes(32))) as database:
            await SqlStore(database).write(lambda tx: tx.add(version, now=NOW))
        world.secrets["abc"] = added
        assert (await world.token()).status == 200

    play(scenario)


def test_what_another_node_has_set_up_is_there_at_once(play, tmp_path):  # type: ignore[no-untyped-def]
    """A new API, and a permission that a client was given, are relied on by whoever was told that they are there."""

    async def scenario(world: World) -> None:
        client = await world.client()
        assert (await world.token()).status == 200
        reports = "https://reports.acme.example"
        allowed = {**client.allowed, AUDIENCE: ("things:read", "things:delete"), reports: ("reports:read",)}
        with closing(open_sqlite(tmp_path / "world.sqlite", bytes(32))) as database:
            elsewhere = SqlStore(database)
            for work in (
                lambda tx: tx.put(replace(client, allowed=allowed), now=NOW),
                lambda tx: tx.add(Api(ENVIRONMENT, reports, "Reports", {"reports:read": "Read."}), now=NOW),
            ):
                await elsewhere.write(work)
        asked = [
            await world.token(extra=f"&audience={reports}"),
            await world.token(extra=f"&audience={AUDIENCE}&scope=things:delete"),
            await world.token(extra=f"&audience={AUDIENCE}&scope=things:write"),
        ]
        assert [response.status for response in asked] == [200, 200, 400]
        assert error_of(asked[2]) == (400, "invalid_scope")

    play(scenario)


def test_who_is_judged_again_after_a_look_pays_once(play, tmp_path):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(rate_limit=8)
        await world.change(Api, ENVIRONMENT, AUDIENCE, enabled=False)
        assert error_of(await world.token()) == (400, "invalid_target")
        world.now += 60
        with closing(open_sqlite(tmp_path / "world.sqlite", bytes(32))) as database:
            api = Api(ENVIRONMENT, AUDIENCE, "Things", {"things:read": "Read."})
            await SqlStore(database).write(lambda tx: tx.put(api, now=NOW))
        responses = await asyncio.gather(*[world.token() for _ in range(8)])
        assert [response.status for response in responses] == [200] * 8
        assert (await world.token()).status == 429

    play(scenario)


def test_what_no_operator_can_mend_costs_no_look_at_other_nodes_changes(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()

        async def look(seconds: float) -> bool:
            raise AssertionError("nothing that is set up can make this right")

        world.directory.settle = look  # type: ignore[method-assign]
        for scope in ("&scope=a&scope=b", "&scope=a%20%20b", "&scope=%22"):
            assert (await world.token(extra=scope)).status == 400
        assert (await world.ask("oleria", "grant_type=client_credentials&scope=other")).status == 400

    play(scenario)


@pytest.mark.parametrize(("client_id", "looks"), [("abc", 1), ("nobody", 0)])
def test_a_wrong_secret_costs_one_look_at_other_nodes_changes(play, client_id, looks):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        assert (await world.token()).status == 200
        seen = 0
        settle = world.directory.settle

        async def counted(seconds: float) -> bool:
            nonlocal seen
            seen += 1
            return await settle(seconds)

        world.directory.settle = counted  # type: ignore[method-assign]
        world.secrets[client_id] = new_secret(CLIENT_SECRET, "v00009", world.entropy).reveal()
        assert error_of(await world.token(client_id)) == (401, "invalid_client")
        assert seen == looks

    play(scenario)


def test_a_world_that_never_stands_still_is_answered_with_503(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()

        async def stale(issuance):  # type: ignore[no-untyped-def]
            return Stale()

        world.ledger.commit = stale  # type: ignore[method-assign]
        assert error_of(await world.token()) == (503, "temporarily_unavailable")

    play(scenario)


def test_what_cannot_be_made_durable_is_refused_with_503_and_works_again(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        commit = world.ledger.commit

        async def full(issuance):  # type: ignore[no-untyped-def]
            raise StorageUnavailable("The database cannot be used: disk full.")

        world.ledger.commit = full  # type: ignore[method-assign]
        response = await world.token()
        assert error_of(response) == (503, "temporarily_unavailable")
        assert response.values(b"retry-after") == [b"5"]
        world.ledger.commit = commit  # type: ignore[method-assign]
        assert (await world.token()).status == 200

    play(scenario)


def test_committed_counts_as_issued_though_the_caller_hung_up(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        await world.directory.registration(ENVIRONMENT, "abc")
        started = asyncio.Event()
        commit = world.ledger.commit

        async def seen(issuance):  # type: ignore[no-untyped-def]
            waiting = asyncio.ensure_future(commit(issuance))
            started.set()
            outcome = await waiting
            assert isinstance(outcome, Committed)
            return outcome

        world.ledger.commit = seen  # type: ignore[method-assign]
        asking = asyncio.ensure_future(world.token())
        await started.wait()
        await asyncio.sleep(0)
        asking.cancel()
        world.ledger.commit = commit  # type: ignore[method-assign]
        assert (await world.token()).status == 200
        assert len(await world.events(outcome="issued")) == 2

    play(scenario)


def test_a_retired_mount_is_gone_from_its_second_on(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        view = world.directory.environment(ENVIRONMENT)
        assert view is not None
        from dataclasses import replace

        mounts = tuple(
            replace(mount, ends_at=NOW + 10) if mount.path == "/standard" else mount
            for mount in view.environment.mounts
        )
        await world.change(Environment, "acme", "production", mounts=mounts)
        statuses = []
        for now in (NOW + 9, NOW + 10, NOW + 11):
            world.now = now
            statuses.append((await world.token()).status)
        assert statuses == [200, 410, 410]
        assert (await world.events(outcome="refused"))[-1].reason == "mount_ended"

    play(scenario)


def test_the_only_allowed_audience_need_not_be_named_and_several_must(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client(allowed={AUDIENCE: ("things:read",), OTHER: ("others:read",)})
        assert error_of(await world.token()) == (400, "invalid_target")
        response = await world.token(extra=f"&audience={OTHER}")
        assert response.status == 200
        assert (await world.events(outcome="issued"))[-1].audience == OTHER

    play(scenario)


@pytest.mark.parametrize(
    "claimed",
    ["{secret}", "abc:{secret}", "Basic {secret}", " {secret} ", "{half}", "Bearer {token}", "x={token}.y"],
)
def test_a_secret_or_token_given_as_the_id_is_not_audited_in_clear(play, claimed):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        secret = world.secrets["abc"]
        token = json.loads((await world.token()).body)["access_token"]
        text = claimed.format(secret=secret, half=secret[:25], token=token)
        for body in (
            urlencode({"grant_type": "client_credentials", "client_id": text, "client_secret": "x"}),
            urlencode(
                {
                    "grant_type": "client_credentials",
                    "client_id": "abc",
                    "client_secret": "x",
                    "scope": f"a {text}",
                    "audience": text,
                }
            ),
        ):
            await world.ask("standard", body)
        for event in await world.events(outcome="refused"):
            kept = repr(event)
            assert secret not in kept
            assert secret[:25] not in kept
            assert token[30:] not in kept
            assert "***" in kept

    play(scenario)


def test_an_environment_whose_keys_cannot_be_used_answers_503(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        await world.signature_key()
        await world.change(SigningKey, ENVIRONMENT, KEY.kid, retires_at=NOW)
        response = await world.token()
        assert error_of(response) == (503, "temporarily_unavailable")
        assert (await world.events(outcome="refused"))[-1].reason == "keys_unusable"

    play(scenario)


def test_a_body_that_is_too_large_is_refused_and_audited(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        response = await world.ask("standard", b"x" * 20_000)
        assert error_of(response) == (413, "invalid_request")
        assert (await world.events(outcome="refused"))[-1].reason == "too_large"

    play(scenario)


def test_an_opaque_token_is_stored_with_its_event(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        await world.change(Api, ENVIRONMENT, AUDIENCE, token_format="opaque")
        answer = json.loads((await world.token()).body)
        assert answer["access_token"].startswith("mmt")
        event = (await world.events(outcome="issued"))[-1]
        token = await world.directory.api_token(ENVIRONMENT, event.jti)
        assert token is not None
        assert token.client_id == "abc"
        assert answer["access_token"] not in repr(token)

    play(scenario)
