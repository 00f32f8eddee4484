"""Server metadata (RFC 8414 §2) and the published key set (RFC 7517 §5)."""

from __future__ import annotations

import json

from mintmark.authorization_server.metadata import key_set, server_metadata
from mintmark.values.tenancy import Api
from tests.authorization_server.world import AUDIENCE, ENVIRONMENT, KEY, NOW, World

ISSUER = "https://auth.example/t/acme/production"


def test_every_url_is_made_from_the_issuer(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        view = world.directory.environment(ENVIRONMENT)
        assert view is not None
        document = json.loads(server_metadata(view, NOW))
        assert document["issuer"] == ISSUER
        assert document["token_endpoint"] == f"{ISSUER}/standard"
        assert document["jwks_uri"] == f"{ISSUER}/jwks.json"
        assert document["grant_types_supported"] == ["client_credentials"]
        assert document["token_endpoint_auth_methods_supported"] == [
            "client_secret_basic",
            "client_secret_post",
        ]
        assert "things:read" in document["scopes_supported"]

    play(scenario)


def test_status_lists_are_named_where_an_api_has_its_tokens_on_them(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        documents = []
        for change in ({}, {"status_list": True}, {"enabled": False}):
            await world.change(Api, ENVIRONMENT, AUDIENCE, **change)
            view = world.directory.environment(ENVIRONMENT)
            assert view is not None
            documents.append(json.loads(server_metadata(view, NOW)).get("status_list_aggregation_endpoint"))
        assert documents == [None, f"{ISSUER}/status-lists", None]

    play(scenario)


def test_the_key_set_holds_public_members_only(play):  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        view = world.directory.environment(ENVIRONMENT)
        assert view is not None
        keys = json.loads(key_set(view, NOW))["keys"]
        assert [key["kid"] for key in keys] == [KEY.kid]
        assert set(keys[0]) == {"kty", "crv", "x", "y", "kid", "use", "alg"}

    play(scenario)
