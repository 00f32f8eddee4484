"""A request that comes again byte for byte is judged as before, and only as long as nothing it rests on has changed."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from weakref import ref

import pytest

from mintmark.authorization_server import token_endpoint
from mintmark.authorization_server.lately import Lately
from mintmark.dialect import catalogue
from mintmark.values.client import Client
from mintmark.values.credential import SecretVersion
from mintmark.values.tenancy import Api, Environment, Tenant
from mintmark.wire.http import HttpRequest
from tests.authorization_server.world import AUDIENCE, ENVIRONMENT, NOW, World, basic, secret_of_nobody

STANDARD = catalogue().get("standard")
FORM = (b"content-type", b"application/x-www-form-urlencoded")
Play = Callable[[Any], None]


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[HttpRequest]:
    """Every request that was read, that is: judged anew, or refused."""
    seen: list[HttpRequest] = []
    read = token_endpoint.read_request

    def remember(dialect: Any, request: HttpRequest) -> Any:
        seen.append(request)
        return read(dialect, request)

    monkeypatch.setattr(token_endpoint, "read_request", remember)
    return seen


def test_the_same_request_is_read_once(play: Play, readings: list[HttpRequest]) -> None:
    async def scenario(world: World) -> None:
        await world.client()
        responses = [await world.token() for _ in range(3)]
        assert [response.status for response in responses] == [200] * 3
        assert len({response.body for response in responses}) == 3
        assert len(readings) == 1
        assert len(await world.events(outcome="issued")) == 3

    play(scenario)


@pytest.mark.parametrize(
    ("kind", "key", "fields", "status"),
    [
        (Client, (ENVIRONMENT, "abc"), {"enabled": False}, 401),
        (Client, (ENVIRONMENT, "abc"), {"client_name": "renamed"}, 200),
        (SecretVersion, (ENVIRONMENT, "abc", "v00001"), {"revoked_at": NOW}, 401),
        (Tenant, ("acme",), {"enabled": False}, 401),
        (Environment, ("acme", "production"), {"enabled": False}, 401),
        (Api, (ENVIRONMENT, AUDIENCE), {"enabled": False}, 400),
    ],
)
def test_any_change_is_judged_anew(
    play: Play, readings: list[HttpRequest], kind: type, key: tuple[str, ...], fields: Any, status: int
) -> None:
    async def scenario(world: World) -> None:
        await world.client()
        await world.token()
        await world.change(kind, *key, **fields)
        before = len(readings)
        assert (await world.token()).status == status
        assert len(readings) > before

    play(scenario)


@pytest.mark.parametrize("end", ["expires_at", "retires_at", "revoked_at"])
def test_a_secret_that_ends_is_not_remembered_beyond_its_end(play: Play, end: str) -> None:
    async def scenario(world: World) -> None:
        await world.client()
        await world.change(SecretVersion, ENVIRONMENT, "abc", "v00001", **{end: NOW + 10})
        statuses = []
        for now in (NOW, NOW + 9, NOW + 10, NOW + 11):
            world.now = now
            statuses.append((await world.token()).status)
        assert statuses == [200, 200, 401, 401]

    play(scenario)


def test_a_remembered_client_is_paced_and_its_address_limited_all_the_same(play: Play) -> None:
    async def scenario(world: World) -> None:
        await world.client(rate_limit=30)
        assert (await world.token(peer="203.0.113.9")).status == 200
        wrong = secret_of_nobody(world.entropy).reveal()
        for _ in range(10):
            await world.ask(
                "standard",
                f"grant_type=client_credentials&client_id=abc&client_secret={wrong}",
                peer="203.0.113.9",
            )
        assert (await world.token(peer="203.0.113.9")).status == 429
        # Refused for guesses at its address it took nothing of the client's minute.
        assert [(await world.token()).status for _ in range(30)] == [200] * 29 + [429]

    play(scenario)


@pytest.mark.parametrize("guessed", ["abc", "others"])
def test_guesses_at_its_address_take_nothing_of_a_clients_minute(play: Play, guessed: str) -> None:
    async def scenario(world: World) -> None:
        await world.client(rate_limit=30)
        assert (await world.token()).status == 200
        wrong = secret_of_nobody(world.entropy).reveal()
        names = ["abc"] * 10 if guessed == "abc" else [f"guess{n // 10}" for n in range(100)]
        for name in names:
            await world.ask(
                "standard", f"grant_type=client_credentials&client_id={name}&client_secret={wrong}"
            )
        assert [(await world.token()).status for _ in range(40)] == [429] * 40
        assert [(await world.token(peer="203.0.113.9")).status for _ in range(30)] == [200] * 29 + [429]
        assert {"failed_attempts", "rate_client"} <= {event.reason for event in await world.events()}

    play(scenario)


def test_a_refused_request_is_not_remembered(play: Play, readings: list[HttpRequest]) -> None:
    async def scenario(world: World) -> None:
        await world.client()
        for _ in range(2):
            assert (await world.token(extra="&scope=nonsense")).status == 400
        assert len(readings) == 4  # each judged, and read again for the audit trail

    play(scenario)


def test_an_imported_secret_and_a_users_password_are_checked_each_time(play: Play) -> None:
    async def scenario(world: World) -> None:
        await world.client(needs_user=True)
        await world.user()
        body = (
            f"grant_type=client_credentials&client_id=abc&client_secret={world.secrets['abc']}"
            "&username=bot%40brand.example&password=pass+word&scope=*"
        )
        for runs in (1, 2):
            assert (await world.ask("omneo", body)).status == 200
            assert world.slow_hash.runs == runs

    play(scenario)


def test_requests_that_differ_in_what_is_read_are_different() -> None:
    lately = Lately(bytes(32))
    one = HttpRequest(
        "POST", "/standard", b"", (FORM, (b"host", b"a"), (b"authorization", b"Basic YTpi")), b"x=1"
    )
    names = {
        lately.name("acme/production", "/standard", STANDARD, request)
        for request in (
            one,
            one._replace(body=b"x=2"),
            one._replace(body=b"x=", query=b"1"),
            one._replace(headers=(FORM, (b"authorization", b"Basic YTpj"))),
            one._replace(
                headers=(FORM, (b"authorization", b"Basic YTpi"), (b"authorization", b"Basic YTpi"))
            ),
            one._replace(headers=(FORM,)),
        )
    }
    assert len(names) == 6
    again = one._replace(
        headers=(FORM, (b"host", b"b"), (b"authorization", b"Basic YTpi"), (b"traceparent", b"1"))
    )
    assert lately.name("acme/production", "/standard", STANDARD, again) == lately.name(
        "acme/production", "/standard", STANDARD, one
    )
    assert lately.name("acme/staging", "/standard", STANDARD, one) not in names
    assert lately.name("acme/production", "/other", STANDARD, one) not in names
    assert Lately(bytes(31)).name("acme/production", "/standard", STANDARD, one) not in names


def test_memory_is_bounded_and_what_is_used_stays(play: Play) -> None:
    async def scenario(world: World) -> None:
        await world.client()
        view = world.directory.environment(ENVIRONMENT)
        registration = await world.directory.registration(ENVIRONMENT, "abc")
        assert view is not None
        from mintmark.authorization_server.grants.judgement import Judgement

        judgement = Judgement(None, (), (), None, rests_on=registration, holds_until=NOW + 1, view=ref(view))  # type: ignore[arg-type]
        lately = Lately(bytes(32), capacity=4)
        for n in range(100):
            lately.remember(b"%d" % n, judgement)
            assert lately.find(b"0", view, NOW) is not None
        assert lately.find(b"1", view, NOW) is None
        assert lately.find(b"99", view, NOW + 1) is None
        assert lately.find(b"99", replace(view), NOW) is None

    play(scenario)


def test_an_environment_that_was_replaced_is_kept_in_memory_by_no_judgement(play: Play) -> None:
    """Its keyring holds private keys, perhaps of a key that was withdrawn."""

    async def scenario(world: World) -> None:
        await world.client()
        await world.change(Environment, "acme", "production", reissue_seconds=60)
        assert [(await world.token()).status for _ in range(2)] == [200, 200]
        view = world.directory.environment(ENVIRONMENT)
        assert view is not None
        seen = ref(view)
        del view
        await world.change(Environment, "acme", "production", reissue_seconds=61)
        gc.collect()
        assert seen() is None
        assert len(world.endpoint.reissues) == 1

    play(scenario)


def test_a_header_credential_is_remembered_as_one_of_the_body(
    play: Play, readings: list[HttpRequest]
) -> None:
    async def scenario(world: World) -> None:
        await world.client()
        headers = [basic("abc", world.secrets["abc"]), ("content-type", "application/x-www-form-urlencoded")]
        for _ in range(2):
            response = await world.ask("standard", "grant_type=client_credentials", headers=headers)
            assert response.status == 200
        assert len(readings) == 1

    play(scenario)
