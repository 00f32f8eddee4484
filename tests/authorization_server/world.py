"""A real server without sockets: SQLite on disk, the group-committing ledger, the caches and the shipped dialects.

Time is a number that tests set; argon2id runs in place with its cheapest profile.
"""

from __future__ import annotations

import base64
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from mintmark.authorization_server.ports import AuditQuery, Ports, Take
from mintmark.authorization_server.token_endpoint import TokenEndpoint
from mintmark.crypto.secret_hash import CHEAPEST, digest_secret, dummy_digest, hash_password, verify_password
from mintmark.dialect import catalogue
from mintmark.jose.jwk import PrivateKey, generate
from mintmark.jose.keyring import Keyring, SigningKeyLife
from mintmark.storage.counters import MemoryCounters
from mintmark.storage.directory import CachedDirectory
from mintmark.storage.engines import sqlite as databases
from mintmark.storage.ledger import SqlLedger
from mintmark.storage.store import SqlStore
from mintmark.values.audit_event import AuditEvent
from mintmark.values.client import Client
from mintmark.values.credential import MachineUser, SecretVersion, SignatureKey
from mintmark.values.secret import CLIENT_SECRET, Secret, new_secret
from mintmark.values.tenancy import Api, Environment, Mount, SigningKey, Tenant
from mintmark.wire.http import HttpRequest, HttpResponse
from tests.databases import with_tables

NOW = 1_800_000_000
ENVIRONMENT = "acme/production"
AUDIENCE, OTHER = "https://api.example", "https://other.example"
SECRET_KEY = bytes(range(32))
DIALECTS = ("standard", "omnilab", "oleria", "fyma", "omneo", "omneo-shopify", "omneo-proxy", "omnissa")
KEY: PrivateKey = generate("ES256")


#: Nobody's digest, as it is checked for ids that nobody has, with the work of an earnest one.
NOBODY = dummy_digest()


class InPlace:
    """The port SlowHash without a thread; counts its runs. Nobody's digest is refused without work."""

    def __init__(self) -> None:
        self.runs = 0

    async def verify(self, digest: str, password: str, peer: str) -> bool:
        self.runs += 1
        return digest != NOBODY and verify_password(digest, password)


@dataclass
class World:
    """What a test holds. `now` is the server's clock."""

    store: SqlStore
    directory: CachedDirectory
    ledger: SqlLedger
    slow_hash: InPlace
    endpoint: TokenEndpoint
    entropy: Callable[[int], bytes]
    now: float = NOW
    late: list[float] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)

    async def add(self, *records: object) -> None:
        await self.store.write(lambda tx: [tx.add(record, now=self.now) for record in records] and None)

    async def put(self, *records: object) -> None:
        await self.store.write(lambda tx: [tx.put(record, now=self.now) for record in records] and None)

    async def remove(self, *records: object) -> None:
        await self.store.write(lambda tx: [tx.remove(record, now=self.now) for record in records] and None)

    async def change(self, kind: type, *key: str, **fields: object) -> None:
        """Replace fields of a stored record."""

        def work(tx):  # type: ignore[no-untyped-def]
            tx.put(replace(tx.get(kind, *key), **fields), now=self.now)

        await self.store.write(work)

    async def client(self, client_id: str = "abc", **fields: object) -> Client:
        """A client with one generated secret, kept in `secrets`."""
        allowed = fields.pop("allowed", {AUDIENCE: ("things:read", "things:write")})
        client = Client(ENVIRONMENT, client_id, client_id, allowed=allowed, **fields)  # type: ignore[arg-type]
        secret = new_secret(CLIENT_SECRET, "v00001", self.entropy)
        version = SecretVersion(
            ENVIRONMENT, client_id, "v00001", "hmac", digest_secret(SECRET_KEY, secret.reveal())
        )
        self.secrets[client_id] = secret.reveal()
        await self.add(client, version)
        return client

    async def user(
        self, username: str = "bot@brand.example", password: str = "pass word", **fields: object
    ) -> MachineUser:
        fields.setdefault("scopes", ("*",))
        user = MachineUser(
            ENVIRONMENT,
            "u-1",
            username,
            "argon2id",
            hash_password(password, self.entropy, CHEAPEST),
            **fields,  # type: ignore[arg-type]
        )
        await self.add(user)
        return user

    async def signature_key(
        self, key_id: str = "key001", key: bytes = b"shop key", **fields: object
    ) -> SignatureKey:
        fields.setdefault("scopes", ("things:read",))
        record = SignatureKey(ENVIRONMENT, key_id, f"sealed:{key.hex()}", AUDIENCE, **fields)  # type: ignore[arg-type]
        await self.add(record)
        return record

    async def ask(
        self,
        mount: str = "standard",
        body: str | bytes = "",
        *,
        headers: Sequence[tuple[str, str]] | None = None,
        query: str = "",
        peer: str = "192.0.2.1",
        request_id: str = "request-1",
    ) -> HttpResponse:
        """POST to a mount; without headers, a form."""
        if headers is None:
            headers = [("content-type", "application/x-www-form-urlencoded")]
        request = HttpRequest(
            "POST",
            f"/{mount}",
            query.encode(),
            tuple((name.encode(), value.encode()) for name, value in headers),
            body.encode() if isinstance(body, str) else body,
        )
        return await self.endpoint.respond(request, ENVIRONMENT, f"/{mount}", peer, request_id, self.now)

    async def token(self, client_id: str = "abc", extra: str = "", **more: object) -> HttpResponse:
        """Ask on the RFC mount with the client's right secret in the body."""
        body = f"grant_type=client_credentials&client_id={client_id}&client_secret={self.secrets[client_id]}{extra}"
        return await self.ask("standard", body, **more)  # type: ignore[arg-type]

    async def use_up(self, key: str, limit: int) -> None:
        """Take all that this limit per minute has now."""
        await self.endpoint.ports.counters.take((Take(key, limit, 60, cost=limit),), self.now)

    async def events(self, **filters: object) -> list[AuditEvent]:
        """Everything audited so far, oldest first."""
        self.now += 10  # so that a second of counted refusals is over
        await self.ledger.flush()
        self.now -= 10
        found = await self.store.events(AuditQuery(limit=1000, **filters))  # type: ignore[arg-type]
        return [event for _, event in reversed(found)]


def basic(user: str, password: str) -> tuple[str, str]:
    """An Authorization header with raw Basic."""
    return ("authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())


@asynccontextmanager
async def world(directory: Path, *, environment: Environment | None = None) -> AsyncIterator[World]:
    """A server with tenant ``acme``, environment ``acme/production``, two APIs and every shipped dialect mounted."""
    seeded = random.Random(7)
    entropy = seeded.randbytes
    database = databases.open_sqlite(with_tables(directory / "world.sqlite"), bytes(32))
    store = SqlStore(database)
    dialects = catalogue()
    key_record = SigningKey(ENVIRONMENT, KEY.kid, "ES256", _public(KEY), "sealed", published_at=0, signs_at=0)
    mounts = tuple(
        Mount(f"/{name}", name, slow_secrets=name in ("standard", "omneo", "omneo-proxy"))
        for name in DIALECTS
    )
    place = environment or Environment(
        "acme", "production", "https://auth.example/t/acme/production", variables={"org_id": "org-1"}
    )
    scopes = {"things:read": "Read.", "things:write": "Write.", "things:delete": "Delete."}
    slow_hash = InPlace()
    made: list[World] = []
    ledger = SqlLedger(database, clock=lambda: made[0].now)

    async def answer_late(since: float) -> None:
        made[0].late.append(since)

    cached = CachedDirectory(
        store,
        lambda records: Keyring(tuple(SigningKeyLife(record, KEY) for record in records)),
        dialects.get,
    )
    ports = Ports(
        directory=cached,
        ledger=ledger,
        counters=MemoryCounters(),
        slow_hash=slow_hash,
        secret_key=SECRET_KEY,
        unseal=lambda sealed, context: bytes.fromhex(sealed.removeprefix("sealed:")),
        entropy=entropy,
        answer_late=answer_late,
    )
    this = World(store, cached, ledger, slow_hash, TokenEndpoint(ports), entropy)
    made.append(this)
    await this.add(
        Tenant("acme", "Acme"),
        replace(place, mounts=mounts),
        Api(ENVIRONMENT, AUDIENCE, "Things", scopes),
        Api(ENVIRONMENT, OTHER, "Other", {"others:read": "Read."}),
        key_record,
    )
    await cached.start()
    try:
        yield this
    finally:
        await ledger.close()
        database.close()


def _public(key: PrivateKey) -> str:
    import json

    return json.dumps(key.public().jwk())


def secret_of_nobody(entropy: Callable[[int], bytes]) -> Secret:
    """Well-formed, and nobody's."""
    return new_secret(CLIENT_SECRET, "v00001", entropy)
