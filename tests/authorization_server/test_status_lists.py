"""Status lists as a foreign verifier reads them: a token's bit is set by every act that ends it, and by no other."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mintmark.authorization_server import status_lists as module
from mintmark.authorization_server.ports import AuditQuery, StorageUnavailable
from mintmark.authorization_server.status_lists import LIFE, PAUSE, TTL, PublicEndpoint, StatusLists, encoded
from mintmark.authorization_server.token_endpoint import TokenEndpoint
from mintmark.jose.access_token import Expectation, verify
from mintmark.jose.jws import TokenFault
from mintmark.storage.issued_tokens import SqlIssuedTokens
from mintmark.storage.ledger import SqlLedger
from mintmark.values.client import Client
from mintmark.values.credential import MachineUser, SecretVersion
from mintmark.values.tenancy import Api, Environment, Tenant
from mintmark.wire.http import HttpRequest, HttpResponse
from tests.authorization_server.endpoints import ISSUER, Endpoints, token_of
from tests.authorization_server.test_grants import omneo
from tests.authorization_server.world import AUDIENCE, ENVIRONMENT, KEY, NOW, World

VECTORS = json.loads((Path(__file__).parent / "status_lists.json").read_text())["lists"]
JWT = "application/statuslist+jwt"


class Lists:
    """A worker's lists, asked as the web would. `looks`: the stretches of numbers that it had searched."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.looks: list[tuple[tuple[int, int], int]] = []
        self.broken = False
        self.issued = SqlIssuedTokens(world.store._database)
        lists = StatusLists(world.endpoint.ports, self, lambda: world.now, asyncio.to_thread)
        self.one = PublicEndpoint(world.directory, lists.one)
        self.all = PublicEndpoint(world.directory, lists.aggregation)

    async def numbers_since(self, environment_id: str, since: float) -> tuple[int, int] | None:
        if self.broken:
            raise StorageUnavailable("away")
        return await self.issued.numbers_since(environment_id, since)

    async def ended(
        self, environment_id: str, numbers: tuple[int, int], after: int, found: Callable[[int], object]
    ) -> tuple[int, int]:
        if self.broken:
            raise StorageUnavailable("away")
        self.looks.append((numbers, after))
        return await self.issued.ended(environment_id, numbers, after, found)

    async def get(
        self, uri: str, query: str = "", environment: str = ENVIRONMENT, **headers: str
    ) -> HttpResponse:
        sent = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
        request = HttpRequest("GET", uri.removeprefix("https://auth.example"), query.encode(), sent)
        return await self.one.respond(request, environment, "192.0.2.9", "request-1", self.world.now)

    async def aggregation(self) -> HttpResponse:
        request = HttpRequest("GET", "/status-lists")
        return await self.all.respond(request, ENVIRONMENT, "192.0.2.9", "request-1", self.world.now)

    async def status(self, token: str) -> int:
        """As a verifier that fetches for every token: 0 is valid."""
        place = claims_of(token)["status"]["status_list"]
        response = await self.get(place["uri"])
        assert response.status == 200, response.body
        claims = claims_of(response.body.decode())
        assert claims["sub"] == place["uri"]
        return bit(claims["status_list"]["lst"], place["idx"])


def claims_of(token: str) -> Any:
    return json.loads(unpadded(token.split(".")[1]))


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def bit(lst: str, idx: int) -> int:
    """As the specification says; nothing of ours."""
    return zlib.decompress(unpadded(lst))[idx // 8] >> idx % 8 & 1


async def listed(world: World, **client: object) -> Lists:
    """With the client `abc`, whose tokens for AUDIENCE stand on lists."""
    await world.change(Api, ENVIRONMENT, AUDIENCE, status_list=True)
    await world.client(**client)  # type: ignore[arg-type]
    return Lists(world)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["size"]))
def test_lists_are_encoded_as_in_the_vectors_of_the_specification(vector: Any) -> None:
    bits = bytearray(vector["size"] // 8)
    for idx in vector["invalid"]:
        bits[idx >> 3] |= 1 << (idx & 7)
    lst = encoded(bytes(bits))
    assert zlib.decompress(unpadded(lst)) == zlib.decompress(unpadded(vector["lst"]))
    assert all(bit(lst, idx) for idx in vector["invalid"])


def test_a_token_says_where_it_stands_only_if_its_api_has_it_so(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        assert "status" not in claims_of(await token_of(world))
        await world.change(Api, ENVIRONMENT, AUDIENCE, status_list=True)
        claims = [claims_of(await token_of(world)) for _ in range(3)]
        places = [one["status"] for one in claims]
        assert [sorted(place) for place in places] == [["status_list"]] * 3
        assert [sorted(place["status_list"]) for place in places] == [["idx", "uri"]] * 3
        assert len({place["status_list"]["idx"] for place in places}) == 3
        assert len({place["status_list"]["uri"] for place in places}) == 1
        assert {one["jti"] for one in claims} == {event.jti for event in (await world.events())[-3:]}

    play(scenario)


def test_tokens_of_one_group_commit_each_have_their_own_index(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        lists = await listed(world)
        tokens = await asyncio.gather(*(token_of(world) for _ in range(40)))
        places = [claims_of(token)["status"]["status_list"] for token in tokens]
        assert len({(place["uri"], place["idx"]) for place in places}) == 40
        await Endpoints(world).post("revoke", "abc", token=tokens[17])
        assert [await lists.status(token) for token in tokens] == [0] * 17 + [1] + [0] * 22

    play(scenario)


def test_every_act_of_revocation_sets_the_bit_and_enabling_again_does_not_clear_it(play):  # type: ignore[no-untyped-def]
    acts = {
        "client": (Client, (ENVIRONMENT, "abc"), {"enabled": False}),
        "secret": (SecretVersion, (ENVIRONMENT, "abc", "v00001"), {"revoked_at": NOW}),
        "API": (Api, (ENVIRONMENT, AUDIENCE), {"enabled": False}),
        "tenant": (Tenant, ("acme",), {"enabled": False}),
        "environment": (Environment, ("acme", "production"), {"enabled": False}),
    }

    async def scenario(world: World) -> None:
        lists = await listed(world)
        for name, (kind, key, change) in acts.items():
            token = await token_of(world)
            assert await lists.status(token) == 0, name
            before = await world.store.read(lambda tx, kind=kind, key=key: tx.get(kind, *key))
            await world.change(kind, *key, **change)
            world.now += PAUSE
            assert await lists.status(token) == 1, name
            await world.put(before)
            world.now += PAUSE
            assert await lists.status(token) == 1, f"{name}, enabled again"
            assert await lists.status(await token_of(world)) == 0, f"{name}, a new token"
            assert await Lists(world).status(token) == 1, f"{name}, another worker"

    play(scenario)


def test_a_machine_users_tokens_end_with_the_user(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        lists = await listed(world, needs_user=True)
        user = await world.user()
        response = await omneo(world)
        token = json.loads(response.body)["access_token"]
        assert await lists.status(token) == 0
        await world.change(MachineUser, ENVIRONMENT, user.id, enabled=False)
        world.now += PAUSE
        assert await lists.status(token) == 1

    play(scenario)


def test_one_token_is_revoked_and_no_other(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        lists = await listed(world)
        endpoints = Endpoints(world)
        first, second = await token_of(world), await token_of(world)
        assert (await endpoints.post("revoke", "abc", token=first)).status == 200
        assert (await lists.status(first), await lists.status(second)) == (1, 0)
        world.now += PAUSE
        third = await token_of(world)
        await endpoints.post("revoke", "abc", token=third)
        assert [await lists.status(token) for token in (first, second, third)] == [1, 0, 1]

    play(scenario)


def test_a_list_is_a_signed_statement_that_is_no_access_token(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        lists = await listed(world)
        place = claims_of(await token_of(world))["status"]["status_list"]
        response = await lists.get(place["uri"], accept=JWT)
        assert (response.status, response.values(b"content-type")) == (200, [JWT.encode()])
        assert response.values(b"cache-control") == [b"public, max-age=15"]
        assert response.values(b"access-control-allow-origin") == [b"*"]
        text = response.body.decode()
        header = json.loads(unpadded(text.split(".")[0]))
        assert header == {"alg": "ES256", "typ": "statuslist+jwt", "kid": KEY.kid}
        claims = claims_of(text)
        assert sorted(claims) == ["exp", "iat", "iss", "status_list", "sub", "ttl"]
        assert (claims["iss"], claims["sub"]) == (ISSUER, place["uri"])
        assert (claims["iat"], claims["exp"], claims["ttl"]) == (NOW, NOW + LIFE, TTL)
        assert (
            claims["status_list"]["bits"],
            len(zlib.decompress(unpadded(claims["status_list"]["lst"]))),
        ) == (
            1,
            1 << 17,
        )
        expected = Expectation(ISSUER, frozenset({AUDIENCE}), frozenset({"at+jwt", "jwt"}))
        with pytest.raises(TokenFault) as caught:
            verify(text, lambda kid: KEY.public(), expected, NOW)
        assert caught.value.reason == "wrong_type"

    play(scenario)


def test_a_list_is_signed_anew_after_its_ttl_or_a_revocation_and_not_before(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        lists = await listed(world)
        token = await token_of(world)
        uri = claims_of(token)["status"]["status_list"]["uri"]
        first = await lists.get(uri)
        world.now += TTL - 1
        assert (await lists.get(uri)).body == first.body
        assert len(lists.looks) == 1
        world.now += 1
        renewed = await lists.get(uri)
        assert claims_of(renewed.body.decode())["iat"] == NOW + TTL
        await Endpoints(world).post("revoke", "abc", token=token)
        world.now += PAUSE - 1
        assert (await lists.get(uri)).body == renewed.body, "a storm of revocations costs one look in a while"
        world.now += 1
        assert await lists.status(token) == 1

    play(scenario)


def test_only_what_is_new_is_looked_at_again(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        lists = await listed(world)
        endpoints = Endpoints(world)
        first = await token_of(world)
        assert await lists.status(first) == 0
        ((_, last), after) = lists.looks.pop()
        assert after == 0
        ((seen, _),) = await world.store.events(AuditQuery(limit=1))
        await endpoints.post("revoke", "abc", token=first)
        second = await token_of(world)
        world.now += PAUSE
        assert await lists.status(second) == 0
        assert lists.looks == [((0, seen), 0), ((seen + 1, last), 0)]
        lists.looks.clear()
        await endpoints.post("revoke", "abc", token=second)
        world.now += PAUSE
        assert await lists.status(second) == 1
        assert [look[1] for look in lists.looks] == [1, 0], "by what was revoked since"
        lists.looks.clear()
        world.now += TTL
        assert await lists.status(second) == 1
        assert len(lists.looks) == 1, "without a revocation only new tokens"

    play(scenario)


def test_who_asks_at_the_same_time_shares_one_look(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        lists = await listed(world)
        token = await token_of(world)
        assert await asyncio.gather(*(lists.status(token) for _ in range(20))) == [0] * 20
        assert len(lists.looks) == 1

    play(scenario)


def test_the_answer_is_cached_by_etag_and_packed_on_request(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        lists = await listed(world)
        uri = claims_of(await token_of(world))["status"]["status_list"]["uri"]
        plain = await lists.get(uri)
        packed = await lists.get(uri, accept_encoding="br, gzip;q=0.5")
        assert packed.values(b"content-encoding") == [b"gzip"]
        assert gzip.decompress(packed.body) == plain.body
        (etag,), (other,) = plain.values(b"etag"), packed.values(b"etag")
        assert etag != other
        assert b"Accept-Encoding" in plain.values(b"vary")[0]
        for known in (etag.decode(), f'"x", W/{etag.decode()}', "*"):
            again = await lists.get(uri, if_none_match=known)
            assert (again.status, again.body, again.values(b"etag")) == (304, b"", [etag])
        assert (await lists.get(uri, if_none_match=other.decode())).status == 200
        assert (await lists.get(uri, accept_encoding="gzip;q=0, *")).values(b"content-encoding") == []

    play(scenario)


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (JWT, 200),
        ("*/*", 200),
        ("application/*;q=0.2", 200),
        (f"application/statuslist+cwt, {JWT};q=0.9", 200),
        ("application/statuslist+cwt", 406),
        (f"{JWT};q=0", 406),
        ("text/html", 406),
    ],
)
def test_a_verifier_that_takes_no_jwt_is_told_so(play, accept, status):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        lists = await listed(world)
        uri = claims_of(await token_of(world))["status"]["status_list"]["uri"]
        assert (await lists.get(uri, accept=accept)).status == status

    play(scenario)


def test_there_are_no_lists_of_the_past_of_others_or_of_nobody(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        lists = await listed(world)
        uri = claims_of(await token_of(world))["status"]["status_list"]["uri"]
        assert (await lists.get(uri, "time=1700000000")).status == 501
        assert (await lists.get(uri, "times=1")).status == 200
        for bad in (f"{uri}A", f"{uri[:-1]}", f"{ISSUER}/status-lists/", f"{ISSUER}/status-lists/0"):
            response = await lists.get(bad)
            assert (response.status, response.values(b"cache-control")) == (404, [b"no-store"]), bad
        assert (await lists.get(uri, environment="acme/staging")).status == 404

    play(scenario)


def test_a_list_is_gone_when_its_last_token_is_over(play, monkeypatch):  # type: ignore[no-untyped-def]
    monkeypatch.setattr(module, "SIZE", 1)  # one token, one list

    async def scenario(world: World) -> None:
        lists = await listed(world)
        index = module.status_index(world.endpoint.ports.secret_key, ISSUER)
        await token_of(world)
        numbers = await lists.numbers_since(ENVIRONMENT, 0)
        assert numbers is not None
        old = index.uri + index.name(numbers[1])
        assert (await lists.get(old)).status == 200
        world.now += 86400 + module.SKEW + 1
        assert (await lists.get(old)).status == 404
        await token_of(world)
        assert (await lists.get(old)).status == 404

    monkeypatch.setattr(module, "shuffled", lambda number, rounds: number)
    play(scenario)


def test_the_aggregation_names_the_lists_that_live_tokens_stand_on(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        lists = await listed(world)
        nothing = await lists.aggregation()
        assert json.loads(nothing.body) == {"status_lists": []}
        uri = claims_of(await token_of(world))["status"]["status_list"]["uri"]
        response = await lists.aggregation()
        assert json.loads(response.body) == {"status_lists": [uri]}
        assert response.values(b"content-type") == [b"application/json"]
        await world.change(Api, ENVIRONMENT, AUDIENCE, status_list=False)
        assert (await lists.aggregation()).status == 404
        assert (await lists.get(uri)).status == 200, "tokens that were issued before still stand there"

    play(scenario)


def test_a_list_outlives_an_outage_of_the_database_up_to_its_end(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        lists = await listed(world)
        uri = claims_of(await token_of(world))["status"]["status_list"]["uri"]
        first = await lists.get(uri)
        lists.broken = True
        world.now += TTL - 1
        assert (await lists.get(uri)).body == first.body
        lists.broken = False
        assert (await lists.get(uri)).status == 200
        lists.broken = True
        other = Lists(world)
        other.broken = True
        response = await other.get(uri)
        assert (response.status, response.values(b"retry-after")) == (503, [b"5"])
        lists.broken = False
        world.now += 1
        assert claims_of((await lists.get(uri)).body.decode())["iat"] == world.now

    play(scenario)


def test_only_so_many_lists_are_kept_and_all_are_right(play, monkeypatch):  # type: ignore[no-untyped-def]
    monkeypatch.setattr(module, "MOST_LISTS", 2)

    async def scenario(world: World) -> None:
        lists = await listed(world)
        token = await token_of(world)
        await Endpoints(world).post("revoke", "abc", token=token)
        index = module.status_index(world.endpoint.ports.secret_key, ISSUER)
        for order in (1, 2, 3):
            assert (await lists.get(index.uri + index.name(order))).status == 200
        assert await lists.status(token) == 1

    play(scenario)


def test_several_workers_never_give_an_index_twice(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await listed(world)
        other = SqlLedger(world.store._database, clock=lambda: world.now)
        endpoints = (world.endpoint, TokenEndpoint(replace(world.endpoint.ports, ledger=other)))

        async def through(endpoint: TokenEndpoint) -> Any:
            world.endpoint = endpoint
            answer = world.token()
            return claims_of(json.loads((await answer).body)["access_token"])["status"]["status_list"]

        places = await asyncio.gather(*(through(endpoints[number % 2]) for number in range(60)))
        assert len({place["idx"] for place in places}) == 60
        await other.close()

    play(scenario)
