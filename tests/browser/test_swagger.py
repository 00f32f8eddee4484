"""Swagger UI in a real browser: a pasted token and the client-credentials flow authorize, on server and sample API."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import WIDTHS
from tests.end_to_end.conftest import Demo
from tests.end_to_end.server import basic, post_form


def tried_out(page: Page, path: str) -> Locator:
    """The GET of a path, ready to be executed."""
    block = page.locator(f".opblock-get:has([data-path='{path}'])")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    return block


def executed(block: Locator, status: int) -> None:
    """Execute it, and see that it is answered so."""
    block.get_by_role("button", name="Execute", exact=True).click()
    shown = block.locator(".live-responses-table tbody .response-col_status").first
    expect(shown).to_have_text(re.compile(rf"^{status}\b"))


def token_of(client: dict[str, str], scope: str) -> str:
    fields = {"grant_type": "client_credentials", "scope": scope}
    answer = post_form(
        client["token_url"], fields, headers=basic(client["client_id"], client["client_secret"])
    )
    return str(answer.json["access_token"])


def paste(page: Page, token: str) -> None:
    """Authorize with a token that one has."""
    page.get_by_role("button", name="Authorize").first.click()
    part = page.locator(".auth-container").filter(has_text="token (http, Bearer)")
    part.get_by_role("textbox").fill(token)
    part.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").last.click()


def forget(page: Page) -> None:
    """Remove the token that was pasted."""
    page.get_by_role("button", name="Authorize").first.click()
    page.get_by_role("button", name="Remove authorization").click()
    page.get_by_role("button", name="Close").last.click()


def obtain(page: Page, client: dict[str, str], scope: str) -> None:
    """Authorize by the client-credentials flow."""
    page.get_by_role("button", name="Authorize").first.click()
    part = page.locator(".auth-container").filter(has_text="OAuth2, clientCredentials")
    part.get_by_label("client_id:").fill(client["client_id"])
    part.get_by_label("client_secret:").fill(client["client_secret"])
    part.locator(f"label:has-text('{scope}')").first.click()
    part.get_by_role("button", name="Apply given OAuth2 credentials").click()
    expect(part.get_by_role("button", name="Remove authorization")).to_be_visible()
    page.get_by_role("button", name="Close").last.click()


SAMPLE, THINGS, READ = "/docs/e/standard/production", "/v1/things", "things:read"


def test_without_authorization_it_is_refused(page: Page, demo: Demo) -> None:
    page.goto(demo.url + SAMPLE)
    executed(tried_out(page, THINGS), 401)


def test_a_pasted_token_authorizes(page: Page, demo: Demo) -> None:
    page.goto(demo.url + SAMPLE)
    paste(page, token_of(demo.entries["standard"], READ))
    executed(tried_out(page, THINGS), 200)


def test_the_client_credentials_flow_authorizes(page: Page, demo: Demo) -> None:
    page.goto(demo.url + SAMPLE)
    obtain(page, demo.entries["standard"], READ)
    executed(tried_out(page, THINGS), 200)


@pytest.mark.parametrize("context", [max(WIDTHS)], ids=["1600px"], indirect=True)
def test_the_admin_api_is_refused_and_then_authorized_both_ways(page: Page, demo: Demo) -> None:
    """In one go, as a browser needs long to lay out so many operations."""
    operator = json.loads((demo.directory / "operators.json").read_text())
    page.goto(f"{demo.url}/docs/admin")
    page.locator("#operations-tag-tenant").click()  # the nouns alone are shown at first
    block = tried_out(page, "/tenants")
    executed(block, 401)
    paste(page, token_of(operator, "tenants:read"))
    executed(block, 200)
    forget(page)
    executed(block, 401)
    obtain(page, operator, "tenants:read")
    executed(block, 200)
