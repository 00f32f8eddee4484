"""What people do in the console, from the sign-in to the working token request, in a narrow and in a wide window."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

import mintmark
from tests.browser.conftest import Enter
from tests.end_to_end.conftest import Demo
from tests.end_to_end.server import environment

OLERIA, OMNEO, OMNISSA = (f"/console/e/{tenant}/production" for tenant in ("oleria", "omneo", "omnissa"))


def menu(page: Page, name: str) -> None:
    """Follow a link of the menu, which is folded in a narrow window."""
    button = page.locator(".menu > summary")
    if button.is_visible():
        button.click()
    page.get_by_role("navigation", name="Console").get_by_role("link", name=name, exact=True).click()


def own(name: str, page: Page) -> str:
    """A name that the same test in a window of another width does not use."""
    assert page.viewport_size is not None
    return f"{name} {page.viewport_size['width']}"


def copied(page: Page, button: Locator) -> str:
    """What a button copies; it says so once it is done."""
    button.click()
    expect(page.locator("#live")).to_have_text("Copied to the clipboard")
    page.evaluate("document.querySelector('#live').textContent = ''")
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def test_from_create_oauth_application_to_a_pasted_working_request(enter: Enter) -> None:
    page = enter("admin@oleria")
    menu(page, "Manage APIs")
    page.get_by_role("link", name="Create OAuth application").click()
    page.get_by_label("Name").fill("BI nightly export")
    page.get_by_role("button", name="Create").click()
    panel = page.get_by_role("complementary")
    expect(panel.get_by_label("API URL", exact=True)).to_be_visible()
    secret = panel.get_by_label("Client secret", exact=True)
    expect(secret).to_have_attribute("type", "password")
    panel.get_by_role("button", name="Reveal Client secret").click()
    expect(secret).to_have_attribute("type", "text")
    panel.get_by_role("button", name="Hide Client secret").click()
    expect(secret).to_have_attribute("type", "password")
    text = copied(page, panel.get_by_role("button", name="Copy Client secret"))
    assert text == secret.input_value()
    panel.get_by_role("button", name="Test it").click()
    expect(page.get_by_text("It works")).to_be_visible()
    pasted = subprocess.run(
        ["bash", "-c", copied(page, panel.get_by_role("button", name="Copy the curl request"))],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
        check=False,
    )
    assert '"status": "ready"' in pasted.stdout
    panel.get_by_role("link", name="Close").click()
    expect(panel).to_have_count(0)
    assert text not in page.content()
    page.go_back()
    assert text not in page.content()


def test_tabs_of_languages_are_reached_by_the_keyboard(enter: Enter) -> None:
    page = enter("admin@oleria", f"{OLERIA}/applications/new")
    page.get_by_label("Name").fill("by keyboard")
    page.get_by_label("Name").press("Enter")
    page.get_by_role("tab", name="curl").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Python")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel")).to_contain_text("import requests")
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary")).to_have_count(0)


def test_loading_the_panel_again_makes_no_second_application(enter: Enter) -> None:
    page = enter("developer@oleria", f"{OLERIA}/applications/new")
    name = own("made once", page)
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create").click()
    page.get_by_role("complementary").wait_for()
    page.reload()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.goto(re.sub(r"/applications/.*", "/applications", page.url))
    expect(page.get_by_role("link", name=name)).to_have_count(1)


def test_a_service_accounts_file_is_downloaded_and_obtains_a_token(
    enter: Enter, demo: Demo, tmp_path: Path
) -> None:
    page = enter("admin@omnissa", f"{OMNISSA}/service-accounts/new")
    page.get_by_label("Name").fill("reportscript")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Create and download").click()
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    file.chmod(0o600)
    source = mintmark.source("omnissa", credentials=file, origins=[demo.url])
    assert source.token().reveal().count(".") == 2


def test_an_api_token_is_made_copied_and_revoked(enter: Enter) -> None:
    page = enter("admin@omneo", f"{OMNEO}/api-tokens")
    page.get_by_role("link", name="Create API token").click()
    label = own("warehouse", page)
    page.get_by_label("Label").fill(label)
    page.get_by_label("profiles:read").check()
    page.get_by_role("button", name="Create").click()
    command = copied(page, page.get_by_role("button", name="Copy the request"))

    def call() -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(),
            check=False,
        )
        return done.stdout

    assert "Ada" in call()
    page.get_by_role("link", name="Close").click()
    row = page.get_by_role("row").filter(has_text=label)
    row.get_by_text("Revoke…").click()
    row.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_contain_text("revoked")
    assert "Ada" not in call()


def test_somebody_finds_out_why_a_request_was_refused_and_mends_it(enter: Enter) -> None:
    page = enter("developer@oleria", f"{OLERIA}/applications/new")
    page.get_by_label("Name").fill("refused at first")
    page.get_by_role("button", name="Create").click()
    secret = page.get_by_label("Client secret", exact=True).input_value()
    page.get_by_role("link", name="Close").click()

    def attempt(text: str) -> None:
        page.get_by_text("Test it…").click()
        page.get_by_label("Client secret", exact=True).fill(text)
        page.get_by_role("button", name="Test it").click()

    attempt(secret[:-1] + ("a" if secret[-1] != "a" else "b"))
    expect(page.get_by_text("It was refused")).to_be_visible()
    page.get_by_role("link", name="See which check failed").click()
    expect(page.get_by_text("secret_mistyped")).to_be_visible()
    expect(page.get_by_text("copy it again as a whole")).to_be_visible()
    page.go_back()
    attempt(secret)
    expect(page.get_by_text("It works")).to_be_visible()


def test_every_flow_works_without_a_script(enter: Enter, demo: Demo) -> None:
    """The pages are rendered whole: what a script adds is comfort."""
    page = enter("admin@oleria")
    state = page.context.storage_state()
    browser = page.context.browser
    assert browser is not None
    plain = browser.new_context(java_script_enabled=False, storage_state=state)
    bare = plain.new_page()
    bare.goto(f"{demo.url}{OLERIA}/applications/new")
    bare.get_by_label("Name").fill("without a script")
    bare.get_by_role("button", name="Create").click()
    bare.get_by_text("Reveal the client secret").click()
    secret = bare.locator("details.no-js-only code").inner_text()
    assert secret.startswith("mms")
    bare.get_by_role("button", name="Test it").click()
    expect(bare.get_by_text("It works")).to_be_visible()
    plain.close()


class TestStorefront:
    """The exchanges of Omneo's page in a browser on another origin, as the page has them."""

    def test_the_shopify_snippet_keeps_its_token_under_the_key_that_the_plugin_reads(
        self, page: Page, demo: Demo
    ) -> None:
        entry = demo.entries["omneo"]
        elsewhere(page)
        page.evaluate(
            """async ([url, customerId, customerSignature]) => {
                const response = await fetch(url, {
                    method: 'POST',
                    headers: { 'Content-Type': 'application/json' },
                    body: JSON.stringify({ id: customerId, signature: customerSignature })
                });
                const { token } = await response.json();
                localStorage.setItem('shapes:omneo:shapestoken:' + customerId, token);
            }""",
            [entry["shopify_token_url"], entry["shopify_customer_id"], entry["shopify_signature"]],
        )
        kept = page.evaluate(
            "id => localStorage.getItem('shapes:omneo:shapestoken:' + id)", entry["shopify_customer_id"]
        )
        assert kept.count(".") == 2
        profile = page.evaluate(
            """async ([url, token]) =>
                (await fetch(url, { headers: { Authorization: `Bearer ${token}` } })).json()""",
            [entry["api_url"] + "/me", kept],
        )
        assert profile["data"]["id"] == entry["shopify_customer_id"]

    def test_the_proxy_snippet_reads_token_and_expiry(self, page: Page, demo: Demo) -> None:
        entry = demo.entries["omneo"]
        elsewhere(page)
        token, expiry = page.evaluate(
            """async ([url, username, password]) => {
                const response = await fetch(url, {
                    method: 'POST',
                    headers: { 'Authorization': 'Basic ' + btoa(username + ':' + password) }
                });
                const { token, expiry } = await response.json();
                return [token, expiry];
            }""",
            [entry["proxy_login_url"], entry["proxy_username"], entry["proxy_password"]],
        )
        assert token.count(".") == 2
        assert expiry

    def test_a_page_of_an_undeclared_origin_reads_nothing(self, page: Page, demo: Demo) -> None:
        entry = demo.entries["omneo"]
        elsewhere(page, "http://localhost:3999")
        outcome = page.evaluate(
            """async ([url]) => {
                try {
                    await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' });
                    return 'read';
                } catch (fault) {
                    return fault.name;
                }
            }""",
            [entry["shopify_token_url"]],
        )
        assert outcome == "TypeError"


def elsewhere(page: Page, origin: str = "http://localhost:3000") -> None:
    """A page of another origin, where a shop stands."""
    page.route(f"{origin}/", lambda route: route.fulfill(body="<!doctype html><title>Shop</title>"))
    page.goto(f"{origin}/")


def test_rotation_of_a_secret_from_the_new_one_to_the_end_of_the_old(enter: Enter) -> None:
    page = enter("admin@oleria", f"{OLERIA}/applications/new")
    page.get_by_label("Name").fill(own("rotated", page))
    page.get_by_role("button", name="Create").click()
    old = page.get_by_label("Client secret", exact=True).input_value()
    page.get_by_role("link", name="Close").click()
    page.get_by_text("Add a secret (rotate)…").click()
    page.get_by_label("Label").fill("second")
    page.get_by_label("Give the others no end").check()
    page.get_by_role("button", name="Add secret").click()
    new = page.locator("#new-client-secret").input_value()
    page.get_by_role("link", name="Close").click()

    here = page.url

    def attempt(text: str, outcome: str) -> None:
        page.goto(here)
        page.get_by_text("Test it…").click()
        page.get_by_label("Client secret", exact=True).fill(text)
        page.get_by_role("button", name="Test it").click()
        expect(page.get_by_label("Answer of the token endpoint")).to_contain_text(outcome)

    attempt(old, "It works")
    attempt(new, "It works")
    row = page.get_by_role("row").filter(has_text=old[3:9])
    row.get_by_text("End it…").click()
    row.get_by_role("button", name="Retire now").click()
    expect(page.get_by_role("status")).to_contain_text("ends as planned")
    attempt(old, "It was refused")
    attempt(new, "It works")


def test_a_machine_users_password_is_made_and_used_in_the_test_beside_its_client(enter: Enter) -> None:
    page = enter("admin@omneo", f"{OMNEO}/machine-users/new")
    name = own("till", page).replace(" ", "-") + "@brand.example"
    page.get_by_role("textbox", name="User name").fill(name)
    page.get_by_role("button", name="Create").click()
    password = page.get_by_label("Password", exact=True).input_value()
    page.goto(page.url.partition("/console")[0] + f"{OMNEO}/applications/new")
    page.get_by_label("Name").fill(own("with a user", page))
    page.get_by_label("A machine user must act beside it").check()
    page.get_by_role("button", name="Create").click()
    panel = page.get_by_role("complementary")

    def attempt(text: str) -> None:
        panel.get_by_label("Machine user", exact=True).fill(name)
        panel.get_by_label("Its password").fill(text)
        panel.get_by_role("button", name="Test it").click()

    attempt("a wrong password")
    expect(page.get_by_text("It was refused")).to_be_visible()
    attempt(password)
    expect(page.get_by_text("It works")).to_be_visible()


def test_from_a_strangers_request_to_credentials_fetched_by_a_one_time_link(enter: Enter, demo: Demo) -> None:
    page = enter("operator")
    browser = page.context.browser
    assert browser is not None
    outside = browser.new_context(viewport=page.viewport_size, reduced_motion="reduce")
    stranger = outside.new_page()
    organization = own("Harbour", page)
    stranger.goto(f"{demo.url}/console/request-access")
    stranger.get_by_label("Your name").fill("Grace")
    stranger.get_by_label("Organization").fill(organization)
    stranger.get_by_label("What will you use the API for?").fill("Reading plans.")
    stranger.get_by_label("How to reach you").fill("grace@harbour.example")
    stranger.get_by_role("button", name="Send the request").click()
    expect(stranger.get_by_text("was noted")).to_be_visible()

    menu(page, "Access requests")
    page.get_by_role("link", name=organization).click()
    page.get_by_label("With the endpoints, limits and APIs of").select_option("standard/production")
    page.get_by_role("button", name="Approve and make the link").click()
    link = page.get_by_label("One-time link", exact=True).input_value()

    stranger.goto(link)
    expect(stranger.get_by_label("Code")).to_be_hidden()
    assert "#" not in stranger.url
    stranger.get_by_role("button", name="Show them once").click()
    stranger.get_by_role("button", name="Reveal Client secret").click()
    client = [
        stranger.get_by_label(label, exact=True).input_value() for label in ("Client ID", "Client secret")
    ]
    url = stranger.get_by_label("Authentication URL", exact=True).input_value()
    asked = subprocess.run(
        ["curl", "-s", "-u", ":".join(client), "-d", "grant_type=client_credentials", url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert '"access_token"' in asked.stdout
    stranger.reload()
    assert client[1] not in stranger.content()
    stranger.goto(link)
    stranger.get_by_role("button", name="Show them once").click()
    expect(stranger.get_by_text("leads nowhere")).to_be_visible()
    outside.close()


def test_an_operator_makes_a_tenant_with_an_environment_and_an_api(enter: Enter) -> None:
    page = enter("operator")
    menu(page, "Tenants")
    page.get_by_role("link", name="Create tenant").click()
    handle = own("initech", page).replace(" ", "-")
    page.get_by_label("Handle").fill(handle)
    page.get_by_role("button", name="Create").click()
    page.get_by_role("link", name="Create environment").click()
    page.get_by_label("Name").fill("production")
    page.get_by_label("First token endpoint").select_option("standard")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("/oauth/token").first).to_be_visible()
    menu(page, "APIs")
    page.get_by_role("link", name="Create API").click()
    page.get_by_label("Audience").fill("https://api.initech.example")
    page.get_by_label("Scopes").fill("staplers:read Looking at staplers")
    page.get_by_role("button", name="Create").click()
    menu(page, "Manage APIs")
    page.get_by_role("link", name="Create OAuth application").click()
    page.get_by_label("Name").fill("milton")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("button", name="Test it").click()
    expect(page.get_by_text("It works")).to_be_visible()
    menu(page, "Usage")
    expect(page.get_by_role("heading", name="Over time")).to_be_visible()
