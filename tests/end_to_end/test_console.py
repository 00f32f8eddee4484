"""The console over HTTP: who gets in, what they see, what they can do, and that what was made works."""

from __future__ import annotations

import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable
from html import unescape
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

import mintmark
from mintmark.web.console import pages
from mintmark.web.console.router import ROUTES
from tests.end_to_end.conftest import Demo
from tests.end_to_end.console import Seen, Visitor, people_of
from tests.end_to_end.server import PATIENCE, call, environment, in_one_day, until

pages.register()
As = Callable[[str], Visitor]
OLERIA, OMNEO = "/console/e/oleria/production", "/console/e/omneo/production"


@pytest.fixture
def signed_in(demo: Demo) -> As:
    """Somebody of the demo, signed in."""
    people = people_of(demo.directory)

    def enter(username: str) -> Visitor:
        visitor = Visitor(demo.url)
        assert visitor.sign_in(username, people[username]).status == 303
        return visitor

    return enter


def create(visitor: Visitor, name: str, home: str = OLERIA) -> Seen:
    """A new OAuth application that may do everything that the environment's only API has."""
    form = visitor.get(f"{home}/applications/new").text
    pairs = [("name", name)]
    pairs += [("api", audience) for audience in re.findall(r'name="api" value="([^"]+)"', form)]
    pairs += re.findall(r'name="(scope:[^"]+)" value="([^"]+)"', form)
    return visitor.post(f"{home}/applications", pairs)


class TestSigningIn:
    def test_a_page_leads_to_the_sign_in_and_back(self, demo: Demo) -> None:
        visitor = Visitor(demo.url)
        there = visitor.get(f"{OLERIA}/applications?x=1")
        assert (there.status, there.location) == (
            303,
            f"/console/sign-in?next={quote(f'{OLERIA}/applications?x=1', safe='')}",
        )
        password = people_of(demo.directory)["admin@oleria"]
        assert visitor.sign_in("admin@oleria", password, f"{OLERIA}/applications").location == (
            f"{OLERIA}/applications"
        )

    @pytest.mark.parametrize(
        "next_page",
        ["https://evil.example", "//evil.example", "/console/../x\\", "/consolex", "javascript:1"],
    )
    def test_leads_nowhere_else(self, demo: Demo, next_page: str) -> None:
        password = people_of(demo.directory)["admin@oleria"]
        answer = Visitor(demo.url).sign_in("admin@oleria", password, next_page)
        assert answer.location == "/console"

    def test_a_wrong_password_and_an_unknown_name_look_the_same(self, demo: Demo) -> None:
        visitor = Visitor(demo.url)
        wrong = visitor.sign_in("admin@fyma", "not the password")
        unknown = visitor.sign_in("nobody@fyma", "not the password")
        assert (wrong.status, unknown.status) == (401, 401)
        assert wrong.text.replace("admin@fyma", "nobody@fyma") == unknown.text
        assert visitor.cookies == {}

    def test_guessing_is_slowed_down_for_the_guessed_name_only(self, demo: Demo) -> None:
        visitor = Visitor(demo.url)
        statuses = [visitor.sign_in("admin@standard", f"guess number {n}").status for n in range(12)]
        assert statuses[:10] == [401] * 10
        assert set(statuses[10:]) == {429}
        password = people_of(demo.directory)["admin@omnissa"]
        assert Visitor(demo.url).sign_in("admin@omnissa", password).status == 303

    def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(self, demo: Demo) -> None:
        password = people_of(demo.directory)["admin@oleria"]
        answer = Visitor(demo.url).sign_in("admin@oleria", password).answer
        cookie = answer.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))

    def test_signing_out_ends_the_session_itself(self, signed_in: As) -> None:
        visitor = signed_in("admin@oleria")
        before = dict(visitor.cookies)
        assert visitor.post("/console/sign-out").status == 303
        again = Visitor(visitor.url, before)
        assert again.get("/console").location == "/console/sign-in"

    def test_a_session_is_seen_and_ended_from_another(self, signed_in: As) -> None:
        here, there = signed_in("admin@omnilab"), signed_in("admin@omnilab")
        page = here.get("/console/account").text
        ended = [
            here.post(path)
            for path in re.findall(r'action="(/console/account/sessions/[0-9a-f]{64}/end)"', page)
        ]
        assert ended
        assert all(each.status == 303 for each in ended)
        assert there.get("/console").status == 303
        assert here.get("/console").status == 200

    def test_a_person_changes_their_own_password_and_other_sessions_end(
        self, demo: Demo, signed_in: As
    ) -> None:
        old = people_of(demo.directory)["auditor@oleria"]
        here, there = signed_in("auditor@oleria"), signed_in("auditor@oleria")

        def change(present: str, new: str, again: str) -> Seen:
            return here.post(
                "/console/account/password", {"present": present, "password": new, "again": again}
            )

        assert "not your present password" in change("wrong", "another password", "another password").words
        assert "in two ways" in change(old, "another password", "another passwort").words
        assert "12 to 1024" in change(old, "short", "short").words
        assert change(old, "another password", "another password").status == 303
        assert here.get("/console").status == 200
        assert there.get("/console").status == 303
        assert Visitor(demo.url).sign_in("auditor@oleria", old).status == 401
        assert change("another password", old, old).status == 303
        assert Visitor(demo.url).sign_in("auditor@oleria", old).status == 303

    def test_signing_in_and_failing_to_are_in_the_audit_trail(self, demo: Demo, signed_in: As) -> None:
        Visitor(demo.url).sign_in("auditor@oleria", "wrong password")
        trail = signed_in("operator")
        until(lambda: "sign_in_failed" in trail.get("/console/audit?kind=sign_in&outcome=refused").text)
        assert "admin.session.begin" in trail.get("/console/audit?kind=admin.session.begin").text


class TestForgery:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "none"},
        ],
    )
    def test_refuses_forms_of_other_sites(self, signed_in: As, headers: dict[str, str]) -> None:
        visitor = signed_in("admin@oleria")
        answer = visitor.post("/console/account/sessions/end-others", (), **headers)
        assert answer.status == 403
        form = {"username": "admin@oleria", "password": "x", "next": ""}
        assert visitor.send("POST", "/console/sign-in", form, headers).status == 403

    def test_refuses_a_form_without_its_sessions_token(self, signed_in: As) -> None:
        ada, dev = signed_in("admin@oleria"), signed_in("developer@oleria")
        for token in ("", "x", dev.csrf()):
            answer = ada.send("POST", f"{OLERIA}/applications", {"csrf": token, "name": "forged"})
            assert answer.status == 403
        assert "forged" not in ada.get(f"{OLERIA}/applications").text

    def test_refuses_everything_without_a_session(self, demo: Demo) -> None:
        visitor = Visitor(demo.url)
        for route in ROUTES:
            if route.open:
                continue
            path = "/console" + re.sub(r"\{[a-z_]+\}", "x", route.pattern)
            answer = visitor.send(route.method, path, {} if route.method == "POST" else None)
            assert answer.status == (303 if route.method == "GET" else 403), path
            if route.method == "GET":
                assert answer.location.startswith("/console/sign-in")


class TestEveryPage:
    def test_is_small_uncached_and_scripted_by_nobody_else(self, signed_in: As) -> None:
        visitor = signed_in("operator")
        for path in plain_pages():
            page = visitor.get(path)
            assert page.status == 200, path
            assert len(page.answer.content) < 100_000, path
            assert page.answer.headers["cache-control"] == "no-store"
            policy = page.answer.headers["content-security-policy"]
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert not re.search(r"<script(?![^>]* src=)|\son[a-z]+=|\sstyle=|javascript:", page.text), path
            assert "https://fonts" not in page.text

    def test_says_that_there_is_none_at_other_paths(self, signed_in: As) -> None:
        visitor = signed_in("admin@oleria")
        assert visitor.get("/console/nothing").status == 404
        assert visitor.get(f"{OLERIA}/applications/nothing").status == 404
        assert visitor.send("PUT", "/console/people").status == 405
        assert visitor.get("/console/people/%FF").status == 400
        assert visitor.get("/console/static/..%2fface.py").status == 404

    def test_shows_what_was_typed_as_text(self, signed_in: As) -> None:
        visitor = signed_in("admin@oleria")
        create(visitor, "<script>alert(1)</script>")
        page = visitor.get(f"{OLERIA}/applications").text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page


def plain_pages() -> list[str]:
    """Every page that can be asked for, of environments that have something to show."""
    found = []
    for route in ROUTES:
        if route.method == "GET" and not route.open and not route.pattern.startswith("/audit/export"):
            path = route.pattern.replace("{tenant}/{name}", "omneo/production")
            path = path.replace(
                "{username}", "operator" if path.startswith("/people") else "sfcc-proxy@brand.com"
            )
            if "{" not in path:
                found.append("/console" + path)
    assert len(found) > 10
    return found


class TestTenants:
    def test_cannot_see_or_touch_each_other(self, demo: Demo, signed_in: As) -> None:
        """Every page and every form, with the names of what another tenant really has."""
        entry = demo.entries["omneo"]
        places = {
            "tenant": "omneo",
            "name": "production",
            "client_id": entry["client_id"],
            "secret_id": entry["client_secret"][3:9],
            "token_id": entry["api_token"][3:9],
            "session_id": "0" * 64,
            "audience": "https://api.omneo.example",
            "kid": call("GET", entry["jwks_uri"]).json["keys"][0]["kid"],
            "key_id": "k",
            "hand_over_id": "0" * 64,
            "passkey_id": "AAAA",
            "path": "/api/v3/auth/token",
            "request_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        }
        operator = signed_in("operator")
        for who in ("admin@oleria", "developer@oleria", "auditor@oleria"):
            visitor = signed_in(who)
            token = visitor.csrf()
            for route in ROUTES:
                if route.open or "{" not in route.pattern:
                    continue
                username = "admin@omneo" if route.pattern.startswith("/people") else entry["username"]
                path = re.sub(
                    r"\{([a-z_]+)\}",
                    lambda place, name=username: quote({**places, "username": name}[place.group(1)], safe=""),
                    route.pattern,
                )
                data = (
                    {"csrf": token, "name": "theirs", "username": "theirs"}
                    if route.method == "POST"
                    else None
                )
                answer = visitor.send(route.method, f"/console{path}", data)
                assert answer.status in (403, 404, 422), f"{who} {route.method} {path}: {answer.status}"
                assert "Omneo" not in answer.words
            assert who not in operator.get("/console/audit?environment=omneo/production").words
            everywhere = visitor.get("/console").words + visitor.get("/console/audit").words
            assert "mneo" not in everywhere.lower().replace("mneo/", "mneo/")

    def test_a_filter_for_another_tenant_finds_nothing(self, signed_in: As) -> None:
        visitor = signed_in("admin@oleria")
        assert visitor.get("/console/audit?environment=omneo/production").status == 404
        assert visitor.get("/console/audit/export.jsonl?environment=omneo/production").status == 404
        assert "omneo" not in visitor.get("/console/audit/export.jsonl").text

    def test_a_developer_sees_their_own_applications_only(self, signed_in: As) -> None:
        create(signed_in("admin@oleria"), "of the admin")
        developer = signed_in("developer@oleria")
        create(developer, "of the developer")
        words = developer.get(f"{OLERIA}/applications").words
        assert "of the developer" in words
        assert "of the admin" not in words
        assert "Machine users" not in words

    def test_an_auditor_changes_nothing(self, signed_in: As) -> None:
        auditor = signed_in("auditor@oleria")
        assert "Create OAuth application" not in auditor.get(f"{OLERIA}/applications").words
        assert auditor.post(f"{OLERIA}/applications", {"name": "mine"}).status == 403


class TestApplications:
    def test_the_panel_has_all_that_a_program_needs_and_its_request_works_when_pasted(
        self, signed_in: As
    ) -> None:
        page = create(signed_in("admin@oleria"), "BI nightly export")
        assert page.status == 200
        for label in ("API URL", "Authentication URL", "Audience", "Client ID", "Client secret"):
            assert label in page.words
        assert page.value("p-client-secret").startswith("mms")
        for language, command in (
            ("1", ["bash", "-c"]),
            ("2", [sys.executable, "-c"]),
            ("5", [sys.executable, "-c"]),
        ):
            found = re.search(rf'<pre id="text-{language}"[^>]*? data-whole="([^"]*)"', page.text)
            assert found is not None
            pasted = unescape(found.group(1))
            done = subprocess.run(
                [*command, pasted], capture_output=True, text=True, timeout=60, env=environment(), check=False
            )
            assert '"status": "ready"' in done.stdout, done.stderr

    def test_the_secret_is_on_the_page_of_its_creation_alone(self, signed_in: As) -> None:
        visitor = signed_in("admin@oleria")
        page = create(visitor, "once")
        secret, client_id = page.value("p-client-secret"), page.value("p-client-id")
        shown = [visitor.get(f"{OLERIA}/applications"), visitor.get(f"{OLERIA}/applications/{client_id}")]
        assert all(secret not in each.text for each in shown)
        visible = re.sub(
            r'(data-whole|value)="[^"]*"|<details class="act no-js-only">.*?</details>', "", page.text
        )
        assert secret not in visible
        assert secret not in page.answer.headers.get("location", "")

    @pytest.mark.parametrize("home", [OLERIA, "/console/e/fyma/production", "/console/e/omnilab/production"])
    def test_test_it_shows_the_answer_of_the_token_endpoint(self, signed_in: As, home: str) -> None:
        visitor = signed_in("operator")
        page = create(visitor, "tried", home)
        client_id, secret = page.value("p-client-id"), page.value("p-client-secret")
        tried = visitor.post(
            f"{home}/applications/{client_id}/test", {"client_secret": secret, "from": "panel"}
        )
        assert tried.status == 200
        assert "It works" in tried.words
        assert '"token_type": "Bearer"' in tried.words
        assert tried.value("p-client-secret") == secret

    def test_a_refused_request_leads_to_the_check_that_failed_and_its_remedy(self, signed_in: As) -> None:
        visitor = signed_in("developer@oleria")
        client_id = create(visitor, "broken").value("p-client-id")
        tried = visitor.post(
            f"{OLERIA}/applications/{client_id}/test",
            {"client_secret": "mms000000AAAAAAAAAAAAAAAAAAAAAAAAAAAA0"},
        )
        assert "It was refused" in tried.words
        (path,) = re.findall(r'href="(/console/audit/requests/[^"]+)"', tried.text)
        until(lambda: "The check that failed:" in visitor.get(path).words)
        told = visitor.get(path)
        assert "copy it again as a whole" in told.words or "check which one the program holds" in told.words

    def test_rotation_shows_each_secret_and_ends_the_old_one(self, signed_in: As) -> None:
        visitor = signed_in("admin@oleria")
        page = create(visitor, "rotated")
        client_id, old = page.value("p-client-id"), page.value("p-client-secret")
        here = f"{OLERIA}/applications/{client_id}"
        rotated = visitor.post(f"{here}/secrets", {"label": "second", "others": "keep"})
        new = rotated.value("new-client-secret")
        assert new != old
        for secret in (old, new):
            assert "It works" in visitor.post(f"{here}/test", {"client_secret": secret}).words
        until(lambda: visitor.get(here).words.count("from 127.0.0.1") >= 2)
        assert visitor.post(f"{here}/secrets/{old[3:9]}/retire").status == 303
        assert "It was refused" in visitor.post(f"{here}/test", {"client_secret": old}).words
        assert "It works" in visitor.post(f"{here}/test", {"client_secret": new}).words

    def test_deleting_says_when_it_was_last_used(self, signed_in: As) -> None:
        visitor = signed_in("admin@oleria")
        page = create(visitor, "short-lived")
        client_id, secret = page.value("p-client-id"), page.value("p-client-secret")
        here = f"{OLERIA}/applications/{client_id}"
        assert "Nothing has ever used it." in visitor.get(here).words
        visitor.post(f"{here}/test", {"client_secret": secret})
        until(lambda: "It was last used just now from 127.0.0.1" in visitor.get(here).words)
        assert visitor.post(f"{here}/delete").location == f"{OLERIA}/applications?said=application_deleted"
        assert visitor.get(here).status == 404

    def test_a_refused_form_is_shown_again_with_what_was_typed(self, signed_in: As) -> None:
        answer = signed_in("admin@oleria").post(f"{OLERIA}/applications", {"name": "x" * 300})
        assert answer.status == 422
        assert "The name must be 1 to 200 printable characters" in answer.words
        assert "x" * 300 in answer.text


class TestOtherCredentials:
    def test_a_service_accounts_file_is_downloaded_and_works(
        self, demo: Demo, signed_in: As, tmp_path: Path
    ) -> None:
        visitor = signed_in("admin@omnissa")
        home = "/console/e/omnissa/production"
        form = visitor.get(f"{home}/service-accounts/new").text
        pairs = [("name", "reports"), ("api", re.findall(r'name="api" value="([^"]+)"', form)[0])]
        pairs += re.findall(r'name="(scope:[^"]+)" value="([^"]+)"', form)
        page = visitor.post(f"{home}/service-accounts", pairs)
        (name, data) = re.findall(
            r'download="([^"]+)" href="data:application/json;base64,([^"]+)"', page.text
        )[0]
        file = tmp_path / name
        file.write_bytes(b64decode(data))
        file.chmod(0o600)
        source = mintmark.source("omnissa", credentials=file, origins=[demo.url])
        assert source.token().reveal().count(".") == 2

    def test_an_api_token_is_shown_once_works_and_is_revoked(self, demo: Demo, signed_in: As) -> None:
        visitor = signed_in("admin@omneo")
        form = visitor.get(f"{OMNEO}/api-tokens/new").text
        audience = re.findall(r'name="api" value="([^"]+)"', form)[0]
        made = visitor.post(
            f"{OMNEO}/api-tokens",
            [
                ("label", "warehouse"),
                ("api", audience),
                (f"scope:{audience}", "profiles:read"),
                ("machine_user", "shopify-integration@brand.com"),
                ("days", "30"),
            ],
        )
        token = made.value("api-token")
        call = demo.entries["omneo"]["api_url"]

        def status() -> int:
            return httpx2.get(
                call, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE
            ).status_code

        assert status() == 200
        listed = visitor.get(f"{OMNEO}/api-tokens")
        assert token not in listed.text
        assert "warehouse" in listed.words
        assert visitor.post(f"{OMNEO}/api-tokens/{token[3:9]}/revoke").status == 303
        assert status() == 401

    def test_a_machine_users_password_changes_and_its_tokens_live_on(self, signed_in: As) -> None:
        visitor = signed_in("admin@omneo")
        made = visitor.post(f"{OMNEO}/machine-users", {"username": "till@brand.example", "bound": "all"})
        first = made.value("made-password")
        here = f"{OMNEO}/machine-users/{quote('till@brand.example', safe='')}"
        changed = visitor.post(f"{here}/password", {"password": ""})
        assert changed.value("made-password") != first
        assert visitor.post(f"{here}/disable").status == 303
        assert "disabled" in visitor.get(here).words
        assert visitor.post(f"{here}/delete").status == 303
        assert visitor.get(here).status == 404


class TestPeople:
    def test_an_admin_adds_a_developer_who_signs_in_until_locked_out(self, demo: Demo, signed_in: As) -> None:
        admin = signed_in("admin@omnilab")
        form = {
            "username": "new@omnilab",
            "role": "developer",
            "name": "New",
            "password": "a good long password",
        }
        assert admin.post("/console/people", form).location == "/console/people?said=person_created"
        new = Visitor(demo.url)
        assert new.sign_in("new@omnilab", "a good long password").status == 303
        assert new.get("/console").status == 200
        assert admin.post("/console/people/new%40omnilab/disable").status == 303
        assert new.get("/console").status == 303
        assert Visitor(demo.url).sign_in("new@omnilab", "a good long password").status == 401

    def test_an_admin_makes_no_operator(self, signed_in: As) -> None:
        form = {"username": "boss@omnilab", "role": "operator", "password": "a good long password"}
        assert signed_in("admin@omnilab").post("/console/people", form).status in (403, 422)


class TestWayIn:
    def test_the_manager_host_of_a_tenant_leads_here(self, demo: Demo) -> None:
        answer = call("GET", f"{demo.url}/", host=f"manager.omneo.mintmark.localhost:{demo.port}")
        assert answer.status == 303
        assert answer.headers["location"] == f"{demo.url}{OMNEO}/applications"

    def test_a_session_calls_the_admin_api_with_its_token_in_a_header(self, signed_in: As) -> None:
        visitor = signed_in("admin@oleria")
        assert visitor.send("GET", "/admin/v1/tenants").answer.json()["items"][0]["handle"] == "oleria"
        body = {"content-type": "application/json"}
        assert visitor.send("POST", "/admin/v1/people", None, body).status in (403, 422)
        foreign = {"X-CSRF-Token": visitor.csrf(), "Origin": "https://evil.example"}
        assert visitor.send("POST", "/admin/v1/people", None, foreign).status == 401


class TestOperating:
    def test_from_a_new_tenant_to_a_working_application(self, signed_in: As) -> None:
        in_one_day()
        operator = signed_in("operator")
        made = operator.post(
            "/console/tenants", {"handle": "initech", "name": "Initech", "daily_token_limit": "2"}
        )
        assert made.location == "/console/tenants/initech?said=tenant_created"
        place = operator.post(
            "/console/tenants/initech/environments",
            {"name": "production", "issuer": "", "dialect": "standard"},
        )
        home = "/console/e/initech/production"
        assert place.location == f"{home}/settings?said=environment_created"
        tenant = "/console/tenants/initech"
        assert "only watched" not in operator.get(tenant).words
        watched = operator.post(f"{tenant}/rate", {"rate_limit": "1000", "rate_watched": "yes"})
        assert watched.location == f"{tenant}?said=saved"
        assert "1,000 over all environments, only watched" in operator.get(tenant).words
        limits = {"live_secrets": "5", "overlap_days": "7", "rate_limit": "600", "address_rate_limit": "700"}
        assert operator.post(f"{home}/settings/change", limits).status == 303
        assert "Requests per address and minute 700" in operator.get(f"{home}/settings").words
        api = {
            "audience": "https://api.initech.example",
            "name": "Stapler API",
            "scopes": "staplers:read Looking at staplers\r\nstaplers:write Changing them",
            "token_lifetime": "600",
            "token_format": "jwt",
            "algorithm": "ES256",
            "status_list": "yes",
        }
        assert operator.post(f"{home}/apis", api).status == 303
        listed = operator.get(f"{home}/apis/{quote(api['audience'], safe='')}").text
        assert re.search(r'name="status_list" value="yes" checked', listed)
        page = create(operator, "milton", home)
        client_id, secret = page.value("p-client-id"), page.value("p-client-secret")
        answers = [
            operator.post(f"{home}/applications/{client_id}/test", {"client_secret": secret}).words
            for _ in range(3)
        ]
        assert ["It works" in each for each in answers] == [True, True, False]
        assert "quota_exceeded" in answers[2] or "429" in answers[2]
        assert "Left today" in operator.get(f"{home}/usage").words
        shown = operator.get(f"{home}/settings").words
        assert client_id in shown
        ended = operator.post(
            f"{home}/settings/mounts/{quote('/oauth/token', safe='')}/end", {"ends_at": "2100-01-01"}
        )
        assert ended.status == 303
        refused = operator.post("/console/tenants/initech/delete", {"handle": "initec"})
        assert refused.location.endswith("said=not_confirmed")
        assert operator.post("/console/tenants/initech/delete", {"handle": "initech"}).status == 303
        assert operator.get("/console/tenants/initech").status == 404

    def test_usage_counts_what_was_issued_and_refused_by_application(self, signed_in: As) -> None:
        visitor = signed_in("developer@oleria")
        page = create(visitor, "counted")
        client_id, secret = page.value("p-client-id"), page.value("p-client-secret")
        here = f"{OLERIA}/applications/{client_id}/test"
        for text in (secret, secret, secret[:-1] + "-"):
            visitor.post(here, {"client_secret": text})
        own = f"{OLERIA}/usage?client_id={client_id}"
        until(lambda: "Issued 2 " in visitor.get(own).words and "Refused 1 " in visitor.get(own).words)
        assert "<svg" in visitor.get(own).text
        assert "integration" not in visitor.get(f"{OLERIA}/usage").words

    def test_a_legacy_token_is_imported_works_and_is_retired(self, demo: Demo, signed_in: As) -> None:
        operator = signed_in("operator")
        home = "/console/e/fyma/production"
        form = operator.get(f"{home}/legacy-tokens").text
        audience = re.findall(r'name="api" value="([^"]+)"', form)[0]
        scopes = re.findall(r'name="(scope:[^"]+)" value="([^"]+)"', form)
        pairs = [("token_id", "old-program"), ("secret", "its old secret"), ("api", audience), *scopes]
        assert operator.post(f"{home}/legacy-tokens", pairs).status == 303
        call = demo.entries["fyma"]["api_url"]

        def status() -> int:
            return httpx2.get(call, auth=("old-program", "its old secret"), timeout=PATIENCE).status_code

        assert status() == 200
        assert operator.post(f"{home}/legacy-tokens/old-program/retire", {"ends_at": ""}).status == 303
        assert status() == 401

    def test_a_signing_key_is_rotated_and_published(self, demo: Demo, signed_in: As) -> None:
        operator = signed_in("operator")
        home = "/console/e/standard/staging"
        published = f"{demo.url}/t/standard/staging/jwks.json"
        before = len(call("GET", published).json["keys"])
        assert operator.post(f"{home}/signing-keys/rotate", {"algorithm": "ES256"}).status == 303
        until(lambda: len(call("GET", published).json["keys"]) == before + 1)
        assert "published" in operator.get(f"{home}/signing-keys").words

    def test_a_tenants_admin_reads_the_environment_and_changes_nothing_of_it(self, signed_in: As) -> None:
        admin = signed_in("admin@oleria")
        for path in ("settings", "apis", "signing-keys"):
            assert admin.get(f"{OLERIA}/{path}").status == 200
        assert admin.post(f"{OLERIA}/settings/change", {"live_secrets": "1"}).status == 403
        assert admin.post(f"{OLERIA}/signing-keys/rotate").status == 403
        assert admin.post("/console/tenants", {"handle": "mine"}).status == 403
        assert admin.get("/console/tenants/omneo").status == 404


class TestCluster:
    def test_an_operator_sees_in_one_place_whether_all_is_well(self, demo: Demo, signed_in: As) -> None:
        operator = signed_in("operator")
        assert "Cluster" in operator.get("/console").words
        until(
            lambda: "Cluster healthy" in operator.get("/console/cluster").words,
            "the cluster is not healthy",
        )
        page = operator.get("/console/cluster")
        assert mintmark.__version__ in page.words
        assert "serving" in page.words
        assert "Verified never" in page.words

    def test_nobody_else_does(self, signed_in: As) -> None:
        admin = signed_in("admin@oleria")
        assert admin.get("/console/cluster").status == 403
        assert "Cluster" not in admin.get("/console").words


class TestAccessRequests:
    REQUEST = {  # noqa: RUF012
        "name": "Grace",
        "organization": "Harbour Works",
        "use_case": "Reading the plans\r\nof the harbour.",
        "contact": "grace@harbour.example",
    }

    def test_from_asking_to_fetched_credentials_that_work(self, demo: Demo, signed_in: As) -> None:
        in_one_day()
        stranger = Visitor(demo.url)
        assert "noted" in stranger.send("POST", "/console/request-access", self.REQUEST).words
        operator = signed_in("operator")
        queue = operator.get("/console/access-requests").text
        (path,) = set(re.findall(r'href="(/console/access-requests/[^"]+)">Harbour Works', queue))
        assert "of the harbour" in operator.get(path).words
        form = {
            "tenant": "harbour",
            "copy_from": "fyma/production",
            "name": "harbour plans",
            "daily_token_limit": "3",
        }
        granted = operator.post(f"{path}/grant", form)
        link = granted.value("hand-over-link")
        address, _, code = link.partition("#")
        assert address == f"{demo.url}/console/hand-over"
        assert operator.post(f"{path}/grant", form).status == 409
        looked_at = stranger.get("/console/hand-over")
        assert "Show them once" in looked_at.text
        fetched = stranger.send("POST", "/console/hand-over", {"code": code})
        token_url, client_id, secret = (fetched.value(f"v-{n}") for n in (2, 4, 5))
        asked = {
            "client_id": client_id,
            "client_secret": secret,
            "audience": fetched.value("v-3"),
            "grant_type": "client_credentials",
        }
        answers = [httpx2.post(token_url, json=asked, timeout=PATIENCE).status_code for _ in range(4)]
        assert answers == [200, 200, 200, 429]
        again = stranger.send("POST", "/console/hand-over", {"code": code})
        assert again.status == 404
        assert secret not in again.text
        trail = operator.get("/console/audit?kind=admin.hand_over.fetch&environment=harbour/production").words
        assert "visitor" in trail
        assert code not in demo.server.output

    def test_a_refusal_needs_its_reason(self, demo: Demo, signed_in: As) -> None:
        Visitor(demo.url).send(
            "POST", "/console/request-access", {**self.REQUEST, "organization": "Nowhere Ltd"}
        )
        operator = signed_in("operator")
        queue = operator.get("/console/access-requests").text
        (path,) = set(re.findall(r'href="(/console/access-requests/[^"]+)">Nowhere Ltd', queue))
        assert operator.post(f"{path}/refuse", {"reason": ""}).status == 422
        assert operator.post(f"{path}/refuse", {"reason": "no such use"}).status == 303
        assert "no such use" in operator.get(path).words

    def test_programs_that_fill_in_everything_leave_no_request(self, demo: Demo, signed_in: As) -> None:
        spam = {**self.REQUEST, "organization": "Spam Inc", "website": "https://spam.example"}
        assert Visitor(demo.url).send("POST", "/console/request-access", spam).status == 200
        assert "Spam Inc" not in signed_in("operator").get("/console/access-requests").words

    def test_only_operators_see_the_queue(self, signed_in: As) -> None:
        admin = signed_in("admin@oleria")
        assert admin.get("/console/access-requests").status == 403
        assert "Access requests" not in admin.get("/console").words


class TestHandOver:
    def test_what_a_panel_shows_is_handed_over_once_or_withdrawn(self, demo: Demo, signed_in: As) -> None:
        admin = signed_in("admin@oleria")
        page = create(admin, "for a partner")
        client_id, secret = page.value("p-client-id"), page.value("p-client-secret")
        here = f"{OLERIA}/applications/{client_id}/hand-over"
        links = [admin.post(here, {"client_secret": secret}).value("hand-over-link") for _ in range(2)]
        listed = admin.get(f"{OLERIA}/hand-overs")
        assert all(secret not in listed.text and link.partition("#")[2] not in listed.text for link in links)
        (withdraw,) = re.findall(
            r'action="(/console/e/oleria/production/hand-overs/[0-9a-f]{64}/withdraw)"', listed.text
        )[:1]
        assert admin.post(withdraw).status == 303
        partner = Visitor(demo.url)
        outcomes = [
            partner.send("POST", "/console/hand-over", {"code": link.partition("#")[2]}).status
            for link in links
        ]
        assert sorted(outcomes) == [200, 404]

    def test_whatever_is_shown_once_can_be_handed_over(self, demo: Demo, signed_in: As) -> None:
        admin = signed_in("admin@omneo")
        made = admin.post(f"{OMNEO}/machine-users", {"username": "handed@brand.example", "bound": "all"})
        (about,) = re.findall(r'name="about" value="([^"]*)"', made.text)
        (text,) = re.findall(r'name="text" value="([^"]*)"', made.text)
        form = {"about": unescape(about), "text": unescape(text)}
        code = admin.post(f"{OMNEO}/hand-overs", form).value("hand-over-link").partition("#")[2]
        fetched = Visitor(demo.url).send("POST", "/console/hand-over", {"code": code})
        assert fetched.value("v-2") == made.value("made-password")

    def test_a_code_that_leads_nowhere_tells_nothing_and_is_tried_ten_times_at_most(self, demo: Demo) -> None:
        guesser = Visitor(demo.url)
        answers = [guesser.send("POST", "/console/hand-over", {"code": "a guess"}) for _ in range(12)]
        assert [each.status for each in answers] == [404] * 10 + [429] * 2
        assert guesser.send("POST", "/console/hand-over", {"code": "another guess"}).status == 404
