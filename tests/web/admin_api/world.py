"""The admin API over a real database; who calls is said by a header, for tests that are not about authentication."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import quote

from mintmark.authorization_server.administration import apis, clients, environments, people, tenants
from mintmark.authorization_server.administration.access import Principal, admin_audience
from mintmark.authorization_server.administration.running import Administration
from mintmark.crypto.seal import Seal
from mintmark.storage.store import SqlStore
from mintmark.values.client import Client
from mintmark.values.person import Person
from mintmark.values.tenancy import Mount
from mintmark.web.admin_api.application import AdminApi
from mintmark.web.admin_api.performing import Performance
from mintmark.web.admin_api.problems import Problem
from mintmark.web.admin_api.repeats import Repeats
from mintmark.web.callers import Caller
from mintmark.wire.http import HttpRequest, HttpResponse
from tests.authorization_server.administration.conftest import SEAL_KEY, House

PUBLIC_URL = "https://mint.example"
ADMIN_API = admin_audience(PUBLIC_URL)
AUDIENCE = "https://api.acme.example"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """The kind of problem; everything that a problem must have is checked."""
        assert self.headers["content-type"] == "application/problem+json"
        assert self.headers["cache-control"] == "no-store"
        told = self.json
        assert told["status"] == self.status
        assert told["instance"] == "request-9"
        assert told["title"]
        assert told["detail"].endswith(".")
        return str(told["type"].removeprefix("urn:mintmark:problem:"))


@dataclass
class ByHeader:
    """In place of `Authentication`: ``x-who`` names a person, or a client with scopes."""

    house: House

    async def principal(self, request: HttpRequest, caller: Caller, now: float) -> Principal:
        sent = request.values(b"x-who")
        if not sent:
            raise Problem(401, "unauthorized", "Say who you are.")
        name, *scopes = sent[0].decode().split()
        if "/" not in name:
            return Principal.person(self.house.see(lambda tx: tx.get(Person, name)))
        environment, _, client_id = name.rpartition("/")
        return Principal.client(self.house.see(lambda tx: tx.get(Client, environment, client_id)), scopes)


class Stage:
    """In place of the parts that know a database, for the application is made once a process: it takes its time."""

    base = ADMIN_API
    authentication: ByHeader
    performance: Performance

    async def principal(self, *asked: Any) -> Principal:
        return await self.authentication.principal(*asked)

    async def perform(self, *asked: Any) -> HttpResponse:
        return await self.performance.perform(*asked)


STAGE = Stage()


@cache
def application() -> AdminApi:
    """The admin API of whichever world stands on the stage."""
    return AdminApi(STAGE, STAGE, f"{PUBLIC_URL}/t/mintmark/operators/oauth/token")  # type: ignore[arg-type]


class World:
    """Two tenants with people of every role, and one way to ask."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.store = SqlStore(house.database)
        seal = Seal(SEAL_KEY)

        def act(actor: str, request_id: str = "", peer: str = "") -> Any:
            return replace(house.act, actor=actor, request_id=request_id, peer=peer)

        self.administration = Administration(self.store, act, house.dialects, PUBLIC_URL)
        self.api = application()
        STAGE.authentication = ByHeader(house)
        STAGE.performance = Performance(self.administration, Repeats(seal.unseal), ADMIN_API)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        who: str = "root",
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """One request below the API, as a person or client."""
        return asyncio.run(self.asking(method, path, body, who=who, headers=headers, raw=raw))

    async def asking(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        who: str = "root",
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json"} if data else {}
        sent |= {"x-who": who} if who else {}
        sent |= headers or {}
        path, _, query = path.partition("?")
        request = HttpRequest(
            method,
            f"/admin/v1{path}",
            query.encode(),
            tuple((name.lower().encode(), value.encode()) for name, value in sent.items()),
            data,
        )
        answer = await self.api.respond(request, Caller("192.0.2.7", "request-9"), float(self.house.act.now))
        pairs = {name.decode(): value.decode() for name, value in answer.headers}
        return Answer(answer.status, pairs, answer.body)


def segment(text: str) -> str:
    return quote(text, safe="")


def furnish(house: House) -> None:
    """Two tenants, acme with two environments, globex with one, and people."""
    for handle in ("acme", "globex"):
        house.do(tenants.create, handle=handle, name=handle.title())
    for place in ("acme/production", "acme/staging", "globex/production"):
        tenant, _, name = place.partition("/")
        house.do(
            environments.create,
            tenant=tenant,
            name=name,
            issuer=f"{PUBLIC_URL}/t/{place}",
            mounts=[Mount("/oauth/token", "standard", slow_secrets=True)],
            dialects=house.dialects,
        )
        house.do(
            apis.create,
            environment=place,
            audience=AUDIENCE,
            name="Orders",
            scopes={"orders:read": "Read.", "orders:write": "Write."},
            key=None,
        )
    for username, role, tenant in (
        ("root", "operator", ""),
        ("watch", "auditor", ""),
        ("ada@acme", "admin", "acme"),
        ("dev@acme", "developer", "acme"),
        ("eve@acme", "developer", "acme"),
        ("aud@acme", "auditor", "acme"),
        ("bob@globex", "admin", "globex"),
    ):
        house.do(people.create, username=username, role=role, tenant=tenant, digest="d")


def robot(house: House, environment: str, *scopes: str) -> str:
    """A client for the admin API, made with it where it is missing; the value of ``x-who``."""
    if not [api for api in house.see(apis.listing, environment) if api.audience == ADMIN_API]:
        from mintmark.authorization_server.administration.access import SCOPES

        house.do(apis.create, environment=environment, audience=ADMIN_API, name="Admin", scopes=SCOPES)
    made = house.do(clients.create, environment=environment, name="Robot", allowed={ADMIN_API: scopes})
    return " ".join([f"{environment}/{made.client.client_id}", *scopes])
