"""The issuer's endpoints for authenticated clients on a `World`, and small ways to ask them."""

from __future__ import annotations

import base64
import json
from typing import Any

from mintmark.authorization_server.client_endpoint import FEED_QUERY, TOKEN_FORM, ClientEndpoint
from mintmark.authorization_server.introspection import Introspection
from mintmark.authorization_server.limits import Limits
from mintmark.authorization_server.revocation import TokenRevocation
from mintmark.authorization_server.revocation_feed import RevocationFeed
from mintmark.wire.form import write_form
from mintmark.wire.http import HttpRequest, HttpResponse
from tests.authorization_server.world import AUDIENCE, ENVIRONMENT, World

ISSUER = "https://auth.example/t/acme/production"
FORM = ("content-type", "application/x-www-form-urlencoded")


def basic_header(user: str, password: str) -> tuple[str, str]:
    return ("authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())


class Endpoints:
    """`world.now` is the clock. The client ``guard`` protects AUDIENCE once `with_guard` was awaited."""

    def __init__(self, world: World) -> None:
        ports = world.endpoint.ports
        limits = Limits(ports.counters)
        self.world = world
        self.feed = RevocationFeed(ports, limits, lambda: world.now)
        self.by_path = {
            "introspect": ClientEndpoint(
                "introspection", TOKEN_FORM, ports, Introspection(ports, limits).answer
            ),
            "revoke": ClientEndpoint(
                "revocation", TOKEN_FORM, ports, TokenRevocation(ports, limits, world.store).answer
            ),
            "revocations": ClientEndpoint("feed", FEED_QUERY, ports, self.feed.poll),
            "revocations/snapshot": ClientEndpoint("feed", FEED_QUERY, ports, self.feed.snapshot),
        }

    async def with_guard(self, *audiences: str) -> Endpoints:
        await self.world.client("guard", allowed={}, protects=audiences or (AUDIENCE,))
        return self

    async def post(
        self,
        path: str,
        client_id: str = "guard",
        secret: str | None = None,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        peer: str = "192.0.2.7",
        in_body: bool = False,
        **fields: str,
    ) -> HttpResponse:
        secret = self.world.secrets.get(client_id, "") if secret is None else secret
        sent = (FORM, *headers)
        if in_body:
            fields = {"client_id": client_id, "client_secret": secret, **fields}
        else:
            sent = (*sent, basic_header(client_id, secret))
        request = HttpRequest(
            "POST",
            f"/{path}",
            b"",
            tuple((name.encode(), value.encode()) for name, value in sent),
            write_form(fields.items()),
        )
        return await self.by_path[path].respond(request, ENVIRONMENT, peer, "request-1", self.world.now)

    async def get(
        self, path: str = "revocations", query: str = "", client_id: str = "guard", secret: str | None = None
    ) -> HttpResponse:
        secret = self.world.secrets.get(client_id, "") if secret is None else secret
        name, value = basic_header(client_id, secret)
        request = HttpRequest("GET", f"/{path}", query.encode(), ((name.encode(), value.encode()),))
        return await self.by_path[path].respond(
            request, ENVIRONMENT, "192.0.2.7", "request-1", self.world.now
        )

    async def introspect(self, token: str, client_id: str = "guard", hint: str = "") -> Any:
        response = await self.post("introspect", client_id, token=token, token_type_hint=hint)
        assert response.status == 200, response.body
        return json.loads(response.body)


async def token_of(world: World, client_id: str = "abc", extra: str = "") -> str:
    response = await world.token(client_id, extra)
    assert response.status == 200, response.body
    token: str = json.loads(response.body)["access_token"]
    return token
