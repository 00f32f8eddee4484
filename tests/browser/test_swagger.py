"""Swagger UI in a real browser: a pasted token and the client-credentials flow authorize, on server and sample API."""

from __future__ import annotations

import json

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import Demo
from tests.end_to_end.server import PATIENCE


def operation(page: Page, path: str) -> str:
    """Try a GET out, and say what it answered."""
    block = page.locator(f".opblock-get:has([data-path='{path}'])")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute", exact=True).click()
    status = block.locator(".live-responses-table tbody .response-col_status").first
    status.wait_for()
    return status.inner_text().split()[0]


@pytest.fixture(params=["sample API", "admin API"])
def target(request: pytest.FixtureRequest, demo: Demo) -> tuple[str, str, dict[str, str]]:
    """Page, operation, and the client that may call it."""
    if request.param == "sample API":
        entry = demo.entries["standard"]
        return (
            "/docs/e/standard/production",
            "/v1/things",
            {
                "id": entry["client_id"],
                "secret": entry["client_secret"],
                "token_url": entry["token_url"],
                "scope": "things:read",
            },
        )
    entry = json.loads((demo.directory / "operators.json").read_text())
    return (
        "/docs/admin",
        "/tenants",
        {
            "id": entry["client_id"],
            "secret": entry["client_secret"],
            "token_url": entry["token_url"],
            "scope": "tenants:read",
        },
    )


def test_without_authorization_it_is_refused(
    page: Page, demo: Demo, target: tuple[str, str, dict[str, str]]
) -> None:
    page.goto(demo.url + target[0])
    assert operation(page, target[1]) == "401"


def test_a_pasted_token_authorizes(page: Page, demo: Demo, target: tuple[str, str, dict[str, str]]) -> None:
    place, path, client = target
    token = httpx2.post(
        client["token_url"],
        auth=(client["id"], client["secret"]),
        data={"grant_type": "client_credentials", "scope": client["scope"]},
        timeout=PATIENCE,
    ).json()["access_token"]
    page.goto(demo.url + place)
    page.get_by_role("button", name="Authorize").first.click()
    part = page.locator(".auth-container").filter(has_text="token (http, Bearer)")
    part.get_by_role("textbox").fill(token)
    part.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").last.click()
    assert operation(page, path) == "200"


def test_the_client_credentials_flow_authorizes(
    page: Page, demo: Demo, target: tuple[str, str, dict[str, str]]
) -> None:
    place, path, client = target
    page.goto(demo.url + place)
    page.get_by_role("button", name="Authorize").first.click()
    part = page.locator(".auth-container").filter(has_text="OAuth2, clientCredentials")
    part.get_by_label("client_id:").fill(client["id"])
    part.get_by_label("client_secret:").fill(client["secret"])
    part.locator(f"label:has-text('{client['scope']}')").first.click()
    part.get_by_role("button", name="Apply given OAuth2 credentials").click()
    expect(part.get_by_role("button", name="Remove authorization")).to_be_visible()
    page.get_by_role("button", name="Close").last.click()
    assert operation(page, path) == "200"
