"""Administration against a real SQLite database. Time is a number that tests set; argon2id has its cheapest profile."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mintmark.authorization_server.administration import (
    Act,
    AdministrationFault,
    apis,
    clients,
    environments,
    tenants,
)
from mintmark.authorization_server.ports import AuditQuery, Transaction
from mintmark.crypto.seal import Seal
from mintmark.crypto.secret_hash import CHEAPEST, hash_password
from mintmark.dialect import Catalogue, catalogue
from mintmark.storage import audit
from mintmark.storage.database import Database
from mintmark.storage.engines.sqlite import open_sqlite
from mintmark.storage.trail import Trail
from mintmark.storage.transaction import SqlTransaction, perform
from mintmark.values.audit_event import AuditEvent
from mintmark.values.tenancy import Mount
from tests.databases import with_tables

NOW = 1_800_000_000
ENVIRONMENT = "acme/production"
AUDIENCE = "https://api.acme.example"
SCOPES = {"orders:read": "Reading orders", "orders:write": "Changing orders"}
SEAL_KEY = bytes(range(32))
SECRET_KEY = b"k" * 32

Result = TypeVar("Result")


@dataclass
class House:
    """A database with functions to act on it. `act` is the act of the present moment; move time with `later`."""

    database: Database
    act: Act
    dialects: Catalogue

    def do(self, function: Callable[..., Result], /, *arguments: Any, **options: Any) -> Result:
        """Run an administration function ``(tx, act, ...)`` in one transaction."""
        return self.write(lambda tx: function(tx, self.act, *arguments, **options))

    def write(self, work: Callable[[Transaction], Result]) -> Result:
        return self.database.writing(lambda connection: perform(connection, Trail(self.database), work)[0])

    def see(self, function: Callable[..., Result], /, *arguments: Any, **options: Any) -> Result:
        """Run a reading function ``(tx, ...)`` that is not allowed to write."""
        return self.database.reading(
            lambda connection: function(SqlTransaction(connection, None), *arguments, **options)
        )

    def refuses(self, kind: str, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> str:
        """The sentence of the refusal; nothing may have been written, the audit trail included."""
        before = self.events()
        with pytest.raises(AdministrationFault) as caught:
            self.do(function, *arguments, **options)
        assert caught.value.kind == kind, str(caught.value)
        assert self.events() == before
        sentence = str(caught.value)
        assert sentence.endswith(".")
        assert "\n" not in sentence
        return sentence

    def events(self) -> list[AuditEvent]:
        """The audit trail, oldest first."""
        found = self.database.reading(lambda connection: audit.search(connection, AuditQuery(limit=1000)))
        return [event for _, event in reversed(found)]

    def later(self, seconds: int) -> None:
        self.act = replace(self.act, now=self.act.now + seconds)


@contextmanager
def open_house(folder: Path, template: Path | None = None) -> Iterator[House]:
    """A house in `folder`, a copy of `template` where one is given."""
    path = folder / "mintmark.sqlite"
    if template is None:
        with_tables(path)
    else:
        shutil.copyfile(template, path)
    database = open_sqlite(path, bytes(32))
    entropy = random.Random(7).randbytes
    seal = Seal(SEAL_KEY)
    act = Act(
        now=NOW,
        actor="tester",
        entropy=entropy,
        secret_key=SECRET_KEY,
        seal=lambda plain, context: seal.seal(plain, context, entropy(12)),
        hash_password=lambda text: hash_password(text, entropy, CHEAPEST),
        request_id="request-1",
        peer="192.0.2.9",
    )
    try:
        yield House(database, act, catalogue())
    finally:
        database.close()


def furnish(house: House) -> None:
    """A tenant with one environment, a mount, and one API."""
    house.do(tenants.create, handle="acme", name="Acme")
    house.do(
        environments.create,
        tenant="acme",
        name="production",
        issuer="https://auth.acme.example",
        mounts=[Mount("/oauth/token", "standard", slow_secrets=True)],
        dialects=house.dialects,
    )
    house.do(apis.create, environment=ENVIRONMENT, audience=AUDIENCE, name="Orders", scopes=SCOPES)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A database with nothing in it but its tables."""
    with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
def acme(house: House) -> House:
    """A tenant with one environment, a mount, and one API."""
    furnish(house)
    return house


@pytest.fixture
def client(acme: House) -> clients.NewClient:
    """A client of that environment with one secret."""
    return acme.do(
        clients.create, environment=ENVIRONMENT, name="Nightly", allowed={AUDIENCE: ["orders:read"]}
    )
