"""A real Chromium for the pages of the server; without one these tests are skipped, and say so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.end_to_end.conftest import Demo
from tests.end_to_end.conftest import demo as demo
from tests.end_to_end.console import people_of

#: What Debian and others call it.
NAMES = ("chromium", "chromium-browser", "google-chrome")
#: The pages of a shop are on another address than the server; on one machine the browser would ask its user for that.
ARGUMENTS = ("--disable-dev-shm-usage", "--disable-features=LocalNetworkAccessChecks")
#: Narrowest and widest that the console is made for.
WIDTHS = (360, 1600)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium; while it is there its event loop runs, which no other module's tests could bear."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    expect.set_options(timeout=90_000)
    with sync_playwright() as playwright:
        sandbox = os.geteuid() != 0
        browser = playwright.chromium.launch(
            executable_path=program, chromium_sandbox=sandbox, args=ARGUMENTS
        )
        yield browser
        browser.close()


class Complaints(list[str]):
    """What the browser has complained of on the pages of a context."""

    def watch(self, page: Page) -> None:
        page.on("console", lambda message: self._heard(message))
        page.on("pageerror", lambda fault: self.append(str(fault)))

    def _heard(self, message: Any) -> None:
        refused = "Failed to load resource" in message.text or "blocked by CORS policy" in message.text
        if message.type == "error" and not refused:
            self.append(message.text)


@pytest.fixture(params=WIDTHS, ids=lambda width: f"{width}px")
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A window without motion: dark where it is narrow. Its pages may have complained of nothing."""
    narrow = request.param == min(WIDTHS)
    made = browser.new_context(
        viewport={"width": request.param, "height": 900},
        color_scheme="dark" if narrow else "light",
        reduced_motion="reduce",
        permissions=["clipboard-read", "clipboard-write"],
        accept_downloads=True,
    )
    made.set_default_timeout(90_000)
    complaints = Complaints()
    made.on("page", complaints.watch)
    yield made
    made.close()
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of that window."""
    return context.new_page()


class Enter:
    """Signs somebody of the demo in."""

    def __init__(self, demo: Demo, page: Page) -> None:
        self._demo, self._page = demo, page
        self._people = people_of(demo.directory)

    def __call__(self, username: str, path: str = "/console") -> Page:
        self._page.goto(f"{self._demo.url}{path}")
        self._page.get_by_label("User name").fill(username)
        self._page.get_by_label("Password").fill(self._people[username])
        self._page.get_by_role("button", name="Sign in").click()
        self._page.wait_for_url(f"**{path}")
        return self._page


@pytest.fixture
def enter(demo: Demo, page: Page) -> Enter:
    """Signs somebody in."""
    return Enter(demo, page)
