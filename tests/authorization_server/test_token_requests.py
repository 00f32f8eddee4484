"""The rules of the token endpoint, one request each; the requests stand in ``token_requests.toml``."""

from __future__ import annotations

import base64
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.authorization_server.world import World, secret_of_nobody

CASES = tomllib.loads((Path(__file__).parent / "token_requests.toml").read_text(encoding="utf-8"))["case"]


@pytest.mark.parametrize("case", CASES, ids=[case["rule"] for case in CASES])
def test_the_token_endpoint(case: dict[str, Any], play) -> None:  # type: ignore[no-untyped-def]
    async def scenario(world: World) -> None:
        await world.client()
        secret = world.secrets["abc"]
        filled = {
            "{id}": "abc",
            "{secret}": secret,
            "{basic}": base64.b64encode(f"abc:{secret}".encode()).decode(),
            "{wrong}": secret_of_nobody(world.entropy).reveal(),
        }

        def fill(text: str) -> str:
            for name, value in filled.items():
                text = text.replace(name, value)
            return text

        response = await world.ask(
            case["mount"],
            fill(case["body"]),
            headers=[(name, fill(value)) for name, value in case["headers"].items()],
            query=fill(case.get("query", "")),
        )
        answer = json.loads(response.body)
        assert response.status == case["status"], answer
        assert response.values(b"cache-control") == [b"no-store"]
        event = (await world.events(kind="token"))[-1]
        if case["status"] == 200:
            assert answer["token_type"].lower() == "bearer"
            assert event.outcome == "issued"
            assert answer.get("scope", event.scope) == event.scope
            assert event.scope == case.get("scope", event.scope)
        else:
            assert answer["error"] == case["error"]
            assert set(answer) <= {"error", "error_description", "error_uri"}
            assert event.outcome == "refused"
            assert event.reason == case.get("reason", event.reason)
            assert bool(response.values(b"www-authenticate")) == (case["status"] == 401)
        assert secret not in repr(event)

    play(scenario)
