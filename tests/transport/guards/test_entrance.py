"""What all doors share: scopes that could never match are refused early, and where the document stands."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from mintmark.compose.guard import Guard
from mintmark.transport.guards.asgi import GuardMiddleware
from mintmark.transport.guards.drf import HasScope
from mintmark.transport.guards.entrance import document, well_known_paths
from mintmark.transport.guards.grpc import GuardInterceptor
from tests.transport.guards.contract import CASES
from tests.transport.guards.world import World, tokens


@pytest.mark.parametrize("scope", ["", "bookings:read bookings:cancel", 'a"b', ["bookings:read"], None])
@pytest.mark.parametrize("door", ["starlette", "fastapi", "flask", "django", "aiohttp_web"])
def test_a_scope_that_no_token_can_have_is_refused_when_the_view_is_made(
    door: str, scope: Any, world: World
) -> None:
    with pytest.raises(ValueError, match="scope token"):
        import_module(f"mintmark.transport.guards.{door}").require(world.guard, scope)


@pytest.mark.parametrize("scope", ["", "bookings:read bookings:cancel", ["bookings:read"]])
def test_so_it_is_by_middlewares_permissions_and_interceptors(scope: Any, world: World) -> None:
    for make in (
        lambda: GuardMiddleware(None, world.guard, scope),  # type: ignore[arg-type]
        lambda: HasScope(scope),
        lambda: GuardInterceptor(world.guard, scope),
        lambda: GuardInterceptor(world.guard, methods={"/a.B/C": [scope]}),
    ):
        with pytest.raises(ValueError, match="scope token"):
            make()


@pytest.mark.parametrize(
    ("audience", "paths"),
    [
        ("https://api.example", ["/.well-known/oauth-protected-resource"]),
        ("https://api.example/", ["/.well-known/oauth-protected-resource"]),
        (
            "https://api.example/v1",
            ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/v1"],
        ),
        ("bookings", ["/.well-known/oauth-protected-resource"]),
    ],
)
def test_the_document_stands_where_rfc_9728_forms_its_path(audience: str, paths: list[str]) -> None:
    guard = Guard("https://auth.example", audience)
    assert list(well_known_paths(guard)) == paths
    assert document(guard).values(b"content-type") == [b"application/json"]


def test_every_case_names_tokens_that_there_are() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES)
    for case in CASES:
        for value in case["authorization"]:
            assert value.format_map(tokens())
