"""Opening an installation: with the key its data was made with, or not at all; a damaged keyring stops nobody else."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator, MutableMapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from mintmark.authorization_server.administration import apis, clients, environments, tenants
from mintmark.authorization_server.ports import Transaction
from mintmark.cli.services import InitOptions, Place, UsageFault
from mintmark.compose.init import init
from mintmark.compose.installation import Installation, open_installation
from mintmark.compose.main import _open
from mintmark.compose.private_files import write_private
from mintmark.compose.server import Server
from mintmark.config import load_settings
from mintmark.storage import key_encryption_key, schema
from mintmark.values.secret import Secret
from mintmark.values.tenancy import Mount, SigningKey
from mintmark.wire.http import HttpRequest

ISSUER = "http://127.0.0.1:8080/t"
OTHER = "Ym90aGVyIGtleSwgb2YgMzIgYnl0ZXMsIG5vdCB0aGU="


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An installation in which nothing is sealed yet."""
    config = tmp_path / "mintmark.toml"
    config.write_text('database = "mintmark.db"\nkey_encryption_key = "file:mintmark.key"\n')
    key_encryption_key.create_file(tmp_path / "mintmark.key", lambda count: b"k" * count)
    with open_installation(load_settings(config), schema.create):
        pass
    return Place(config=config)


def opened(place: Place) -> Any:
    assert place.config is not None
    return open_installation(load_settings(place.config))


def take_another_key(place: Place) -> None:
    assert place.config is not None
    write_private(place.config.with_name("mintmark.key"), OTHER)


def forget_the_key_id(place: Place) -> None:
    """As a database is after an upgrade from a version that kept none."""
    assert place.config is not None
    with closing(sqlite3.connect(place.config.with_name("mintmark.db"))) as connection, connection:
        connection.execute("DELETE FROM sealing_key")


def provision(installation: Installation) -> None:
    """Two environments with an API each, whose signing keys are sealed."""
    act = installation.act("test")

    def work(tx: Transaction) -> None:
        tenants.create(tx, act, handle="acme", name="Acme")
        for name in ("production", "staging"):
            environments.create(
                tx,
                act,
                tenant="acme",
                name=name,
                issuer=f"{ISSUER}/acme/{name}",
                dialects=installation.dialects,
                mounts=(Mount("/oauth/token", "standard"),),
            )
            apis.create(
                tx,
                act,
                environment=f"acme/{name}",
                audience="https://api.example",
                name="A",
                scopes={"read": ""},
            )

    asyncio.run(installation.store.write(work))


def test_init_listens_where_a_url_of_this_machine_leads(tmp_path: Path) -> None:
    init(InitOptions(tmp_path, password=Secret("a long password"), public_url="http://127.0.0.1:18431"))
    settings = load_settings(tmp_path / "mintmark.toml")
    assert (settings.public_url, settings.listen) == ("http://127.0.0.1:18431", "127.0.0.1:18431")


def test_another_key_is_refused_before_anything_is_sealed(place: Place) -> None:
    take_another_key(place)
    with pytest.raises(UsageFault, match="made with the key-encryption key") as caught, opened(place):
        pass
    assert str(caught.value).count("\n") == 0


def test_administration_refuses_another_key_before_any_work(place: Place) -> None:
    take_another_key(place)

    async def work() -> None:
        async with _open(place) as services:
            pytest.fail(f"this was opened: {services}")

    with pytest.raises(UsageFault, match="configure the key"):
        asyncio.run(work())


def test_an_upgraded_database_is_judged_by_what_is_sealed_in_it(place: Place) -> None:
    with opened(place) as installation:
        provision(installation)
    forget_the_key_id(place)
    take_another_key(place)
    for _ in range(2):
        with pytest.raises(UsageFault, match="made with the key-encryption key"), opened(place):
            pass


def test_an_upgraded_database_without_sealed_keys_takes_the_present_key_for_good(place: Place) -> None:
    forget_the_key_id(place)
    with opened(place):
        pass
    take_another_key(place)
    with pytest.raises(UsageFault, match="made with the key-encryption key"), opened(place):
        pass


def test_the_kept_id_is_not_the_key(place: Place) -> None:
    with opened(place) as installation:
        kept = installation.database.reading(
            lambda connection: connection.exec_driver_sql("SELECT id FROM sealing_key").fetchall()
        )
    ((key_id,),) = kept
    assert len(key_id) == 8
    assert key_id not in (b"k" * 32).hex()


@pytest.fixture
def damaged(place: Place) -> Iterator[tuple[Place, str, str]]:
    """An installation where one environment's signing keys cannot be opened; a client of each environment."""
    with opened(place) as installation:
        provision(installation)
        act = installation.act("test")

        def damage(tx: Transaction) -> None:
            for key in tx.find(SigningKey, environment="acme/staging"):
                tx.put(replace(key, sealed=key.sealed[:-8] + "AAAAAAAA"), now=act.now)

        asyncio.run(installation.store.write(damage))
        bodies = []
        for name in ("production", "staging"):
            made = asyncio.run(
                installation.store.write(
                    lambda tx, name=name: clients.create(
                        tx,
                        act,
                        environment=f"acme/{name}",
                        name="A",
                        allowed={"https://api.example": ("read",)},
                    )
                )
            )
            bodies.append(
                f"grant_type=client_credentials&client_id={made.client.client_id}"
                f"&client_secret={made.secret.reveal()}"
            )
    yield place, bodies[0], bodies[1]


def test_a_keyring_that_cannot_be_opened_stops_its_own_issuer_alone(damaged: tuple[Place, str, str]) -> None:
    place, sound_body, damaged_body = damaged
    assert place.config is not None
    with structlog.testing.capture_logs() as logs:
        server = Server(load_settings(place.config), structlog.get_logger())
        sound, silent, token, refusal = asyncio.run(
            _ask(
                server,
                ("GET", "/t/acme/production/jwks.json", b""),
                ("GET", "/t/acme/staging/jwks.json", b""),
                ("POST", "/t/acme/production/oauth/token", sound_body.encode()),
                ("POST", "/t/acme/staging/oauth/token", damaged_body.encode()),
            )
        )
    assert len(json.loads(sound[1])["keys"]) == 1
    assert (silent[0], json.loads(silent[1])) == (200, {"keys": []})
    assert (token[0], refusal[0]) == (200, 503)
    assert [log["environment"] for log in logs if log["event"] == "signing_keys_unusable"] == ["acme/staging"]


async def _ask(server: Server, *requests: tuple[str, str, bytes]) -> list[tuple[int, bytes]]:
    """The server's answers, between its start and its end."""
    life: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    said: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    lifespan = asyncio.ensure_future(server({"type": "lifespan"}, life.get, said.put))
    await life.put({"type": "lifespan.startup"})
    assert (await said.get())["type"] == "lifespan.startup.complete"
    answers = [await _one(server, *request) for request in requests]
    await life.put({"type": "lifespan.shutdown"})
    await lifespan
    return answers


async def _one(server: Server, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    headers = (
        (b"host", b"127.0.0.1:8080"),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"content-length", str(len(body)).encode()),
    )
    response = await server.respond(HttpRequest(method, path, b"", headers, body), "127.0.0.1")
    return response.status, response.body
