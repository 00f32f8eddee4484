"""Passkeys in a real browser, with an authenticator that it simulates (WebAuthn)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import Served, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory: Path = tmp_path_factory.mktemp("passkeys")
    with serving(directory, host="localhost") as served:
        yield served


def authenticator(page: Page, *, verifies: bool = True) -> None:
    """A device that holds passkeys and, if it `verifies`, knows its owner."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": verifies,
                "automaticPresenceSimulation": True,
            }
        },
    )


def test_a_passkey_is_added_signs_in_and_is_removed(page: Page, served: Served) -> None:
    authenticator(page)
    page.goto(f"{served.url}/console/sign-in")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("The browser has no passkey for this")).to_be_visible()
    page.get_by_label("User name").fill("root")
    page.get_by_label("Password").fill(served.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console")
    page.goto(f"{served.url}/console/account")
    page.get_by_label("Name of this device").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("b", has_text="My laptop")).to_be_visible()
    menu = page.locator(".menu > summary")
    if menu.is_visible():
        menu.click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in**")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/console")
    page.goto(f"{served.url}/console/account")
    expect(page.get_by_text(re.compile(r"used \d+ (second|minute)s? ago")).first).to_be_visible()
    page.get_by_role("button", name="Remove My laptop").click()
    expect(page.get_by_text("The passkey is removed.")).to_be_visible()


def test_a_device_that_does_not_know_its_owner_adds_none(page: Page, served: Served) -> None:
    authenticator(page, verifies=False)
    page.goto(f"{served.url}/console/sign-in")
    page.get_by_label("User name").fill("root")
    page.get_by_label("Password").fill(served.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console")
    page.goto(f"{served.url}/console/account")
    page.get_by_label("Name of this device").fill("Not mine")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Not mine")).to_have_count(0)
