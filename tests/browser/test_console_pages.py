"""Every page of the console: nothing serious for assistive technology, and nothing wider than the window."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Enter
from tests.end_to_end.conftest import Demo
from tests.end_to_end.test_console import plain_pages

SERIOUS = {"serious", "critical"}


def look(page: Page) -> None:
    """What axe finds, and how wide the page is."""
    found = [
        (each["id"], [node["target"] for node in each["nodes"]])
        for each in Axe().run(page).response["violations"]
        if each["impact"] in SERIOUS
    ]
    assert found == [], page.url
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0, f"{page.url} is {width} px wider than the window"
    assert page.locator("h1").count() == 1, page.url


@pytest.mark.parametrize("path", ["sign-in", "request-access", "hand-over"])
def test_pages_for_who_has_not_signed_in(page: Page, demo: Demo, path: str) -> None:
    page.goto(f"{demo.url}/console/{path}")
    look(page)


@pytest.mark.timeout(300)
def test_every_page_that_the_menu_or_a_button_leads_to(enter: Enter, demo: Demo) -> None:
    page = enter("operator")
    for path in plain_pages():
        page.goto(demo.url + path)
        look(page)


def test_pages_about_one_thing(enter: Enter, demo: Demo) -> None:
    page = enter("operator")
    entry = demo.entries["omneo"]
    home = f"{demo.url}/console/e/omneo/production"
    for path in (
        f"{home}/applications/{entry['client_id']}",
        f"{home}/machine-users/{entry['username'].replace('@', '%40')}",
        f"{demo.url}/console/people/admin%40oleria",
        f"{demo.url}/console/tenants/omneo",
        f"{demo.url}/console/tenants/omneo/environments/new",
        f"{home}/apis/{'https://api.omneo.example'.replace('/', '%2F').replace(':', '%3A')}",
        f"{home}/usage?period=week",
        f"{demo.url}/console/e/fyma/production/legacy-tokens",
        f"{demo.url}/console/nothing",
    ):
        page.goto(path)
        look(page)
        for folded in page.locator("details:not(.menu):not(.places)").all():
            folded.evaluate("each => { each.open = true; }")
        look(page)


def test_the_panel_and_what_it_shows(enter: Enter) -> None:
    page = enter("admin@oleria", "/console/e/oleria/production/applications/new")
    page.get_by_label("Name").fill("looked at")
    page.get_by_role("button", name="Create").click()
    look(page)
    page.get_by_role("button", name="Test it").click()
    page.get_by_text("It works").wait_for()
    look(page)
