"""The pictures of README and guide: ``python -m tests.browser.screenshots`` makes them anew from a demo of its own."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, NAMES
from tests.end_to_end.console import people_of
from tests.end_to_end.server import Running, free_port

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def signed_in(browser: Browser, url: str, directory: Path, width: int, scheme: str) -> Page:
    """A page of the operator."""
    page = browser.new_context(
        viewport={"width": width, "height": 860},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    ).new_page()
    page.goto(f"{url}/console")
    page.get_by_label("User name").fill("operator")
    page.get_by_label("Password").fill(people_of(directory)["operator"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console")
    return page


def take(page: Page, name: str) -> None:
    page.evaluate("document.activeElement?.blur()")
    page.screenshot(path=IMAGES / f"{name}.png", full_page=False)


def tour(page: Page, url: str, suffix: str = "") -> None:
    """The panel, its test, a refusal with its remedy, the overview."""
    page.goto(f"{url}/console/e/oleria/production/applications/new")
    page.get_by_label("Name").fill("BI nightly export")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("complementary").wait_for()
    take(page, f"panel{suffix}")
    page.get_by_role("button", name="Test it").click()
    page.get_by_text("It works").wait_for()
    page.get_by_role("link", name="Close").click()
    page.get_by_text("Test it…").click()
    page.get_by_label("Client secret", exact=True).fill("mms0000000000000000000000000000000000000")
    page.get_by_role("button", name="Test it").click()
    page.get_by_role("link", name="See which check failed").click()
    page.get_by_text("What to do").first.wait_for()
    take(page, f"refused{suffix}")
    page.goto(f"{url}/console")
    take(page, f"overview{suffix}")


def main() -> None:
    """Take them all."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise SystemExit("there is no Chromium on this machine (Debian: apt-get install chromium)")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        directory, port = Path(folder) / "demo", free_port()
        server = Running("demo", "--directory", directory, "--port", port, ready="# Ready:")
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            url = f"http://127.0.0.1:{port}"
            tour(signed_in(browser, url, directory, 1360, "light"), url)
            tour(signed_in(browser, url, directory, 390, "dark"), url, "-narrow")
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
