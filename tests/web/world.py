"""A small world for the web layer's tests: two environments in memory, a token endpoint that only says it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mintmark.authorization_server.ports import EnvironmentView
from mintmark.dialect import catalogue
from mintmark.jose.keyring import Keyring
from mintmark.values.tenancy import Api, Environment, HostAlias, Mount, Tenant
from mintmark.web.app import Application
from mintmark.web.callers import Callers
from mintmark.web.peer import TrustedProxies
from mintmark.web.refusal_log import RefusalLog
from mintmark.web.routing import Routes, loopback_hosts
from mintmark.wire.http import HttpRequest, HttpResponse

PUBLIC = "http://127.0.0.1:8080"
HOST = "127.0.0.1:8080"
SHOP = "https://shop.example"
NOW = 1_800_000_000.0
DIALECTS = catalogue()


def view(
    tenant: str, name: str, *mounts: Mount, issuer: str = "", hosts: Sequence[HostAlias] = ()
) -> EnvironmentView:
    environment = Environment(
        tenant, name, issuer or f"{PUBLIC}/t/{tenant}/{name}", mounts=mounts, hosts=tuple(hosts)
    )
    api = Api(environment.id, "https://api.example", "The <API>", {"read": "read things"})
    return EnvironmentView(
        Tenant(tenant, f"The {tenant} tenant"),
        environment,
        {api.audience: api},
        {mount.path: (mount, DIALECTS.get(mount.dialect)) for mount in mounts},
        Keyring(()),
    )


def off(one: EnvironmentView) -> EnvironmentView:
    return replace(one, environment=replace(one.environment, enabled=False))


OMNEO = view(
    "omneo",
    "production",
    Mount("/api/v3/auth/token", "omneo", origins=()),
    Mount("/shopify/api/v1/auth/token", "omneo-shopify", origins=(SHOP,)),
    Mount("/login", "omneo-proxy", origins=(SHOP,)),
    hosts=[
        HostAlias("api.omneo.localhost:8080", "api"),
        HostAlias("manager.omneo.localhost:8080", "manager"),
    ],
)
OMNISSA = view(
    "omnissa",
    "production",
    Mount("/oauth/token", "omnissa", roles=("auth",)),
    hosts=[HostAlias("auth.omnissa.localhost:8080", "auth"), HostAlias("api.omnissa.localhost:8080", "api")],
)
OWN_HOST = view("acme", "production", Mount("/oauth/token", "standard"), issuer="https://id.acme.example")


@dataclass
class Known:
    """Implements `routing.Environments`."""

    views: dict[str, EnvironmentView]
    generation: int = 0

    def environment(self, environment_id: str) -> EnvironmentView | None:
        return self.views.get(environment_id)

    def environments(self) -> Mapping[str, EnvironmentView]:
        return self.views


@dataclass
class Endpoint:
    """Implements `app.TokenEndpoint`; `asked` is what it was handed."""

    asked: list[tuple[HttpRequest, str, str, str, str]] = field(default_factory=list)
    fault: Exception | None = None

    async def respond(
        self, request: HttpRequest, environment: str, path: str, peer: str, request_id: str, now: float
    ) -> HttpResponse:
        if self.fault is not None:
            raise self.fault
        self.asked.append((request, environment, path, peer, request_id))
        return HttpResponse(200, ((b"content-type", b"application/json"),), b'{"token":"t"}')


@dataclass
class Lines:
    """Implements `refusal_log.Log`."""

    written: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)

    def info(self, event: str, **fields: object) -> None:
        self.written.append(("info", event, fields))

    def warning(self, event: str, **fields: object) -> None:
        self.written.append(("warning", event, fields))

    def error(self, event: str, **fields: object) -> None:
        self.written.append(("error", event, fields))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class World:
    """An application over a few environments, and one way to ask it."""

    def __init__(
        self,
        *views: EnvironmentView,
        proxies: TrustedProxies | None = None,
        resources: Any = None,
        public: str = PUBLIC,
    ) -> None:
        self.known = Known({one.environment.id: one for one in views or (OMNEO, OMNISSA, OWN_HOST)})
        self.endpoint = Endpoint()
        self.lines = Lines()
        self.app = Application(
            routes=Routes(self.known, public, loopback_hosts(8080)),
            callers=Callers(proxies or TrustedProxies(), lambda count: bytes(count)),
            token_endpoint=self.endpoint,
            refusals=RefusalLog(self.lines),
            now=lambda: NOW,
            resources=resources,
        )

    def ask(
        self,
        method: str,
        path: str,
        *,
        host: str | None = HOST,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        peer: str = "192.0.2.1",
    ) -> Answer:
        path, _, query = path.partition("?")
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        if host is not None:
            pairs.append(("host", host))
        if body:
            pairs.append(("content-length", str(len(body))))
        request = HttpRequest(
            method,
            path,
            query.encode(),
            tuple((name.lower().encode(), value.encode("latin-1")) for name, value in pairs),
            body,
        )
        response = asyncio.run(self.app.respond(request, peer))
        return Answer(
            response.status,
            {name.decode(): value.decode("latin-1") for name, value in response.headers},
            response.body,
        )
