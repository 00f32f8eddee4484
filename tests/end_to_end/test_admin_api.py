"""The admin API of a real server: which tokens it takes, from where, and that it stands nowhere else."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.end_to_end.conftest import Demo
from tests.end_to_end.server import Answer, basic, call, mintmark, post_form, request_token


def operators(demo: Demo) -> dict[str, str]:
    return dict(json.loads((demo.directory / "operators.json").read_text()))


def token_of(demo: Demo, *scopes: str) -> str:
    entry = operators(demo)
    answer = post_form(
        entry["token_url"],
        {"grant_type": "client_credentials", "scope": " ".join(scopes)},
        headers=basic(entry["client_id"], entry["client_secret"]),
    )
    return str(answer.json["access_token"])


def ask(demo: Demo, method: str, path: str, token: str = "", body: Any = None) -> Answer:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = None if body is None else json.dumps(body).encode()
    if data:
        headers["Content-Type"] = "application/json"
    return call(method, f"{demo.url}/admin/v1{path}", headers=headers, body=data)


def admin(demo: Demo, *arguments: object) -> Any:
    done = mintmark("admin", *arguments, "--directory", demo.directory, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def tenant_client(demo: Demo) -> dict[str, str]:
    """A client of oleria's production that may read and write clients there."""
    audience = f"{demo.url}/admin/v1"
    here = "standard/production"
    known = {each["audience"] for each in admin(demo, "api", "list", here)}
    if audience not in known:
        scopes = ("--scope", "clients:read Reading", "--scope", "clients:write Writing")
        admin(demo, "api", "create", here, audience, *scopes)
    made = admin(demo, "client", "create", here, "--name", "robot", "--allow", f"{audience} *")
    return {**made, "token_url": demo.entries["standard"]["token_url"], "audience": audience}


def tenant_token(client: dict[str, str]) -> str:
    answer = post_form(
        client["token_url"],
        {"grant_type": "client_credentials", "audience": client["audience"]},
        headers=basic(client["client_id"], client["client_secret"]),
    )
    return str(answer.json["access_token"])


def test_an_operators_client_administers_with_its_scopes(demo: Demo) -> None:
    token = token_of(demo, "tenants:read")
    handles = {each["handle"] for each in ask(demo, "GET", "/tenants", token).json["items"]}
    assert {"oleria", "mintmark"} <= handles
    refused = ask(demo, "POST", "/tenants", token, {"handle": "newcomer"})
    assert refused.status == 403
    assert 'scope="tenants:write"' in refused.headers["www-authenticate"]


def test_a_tenants_client_sees_its_environment_and_no_more(demo: Demo, tenant_client: dict[str, str]) -> None:
    token = tenant_token(tenant_client)
    here = ask(demo, "GET", "/environments/standard/production/clients", token)
    assert tenant_client["client_id"] in {each["client_id"] for each in here.json["items"]}
    for foreign in ("standard/staging", "oleria/production", "mintmark/operators", "no/where"):
        answer = ask(demo, "GET", f"/environments/{foreign}/clients", token)
        assert answer.status == 404
        assert (
            answer.json["detail"].replace(foreign, "no/where")
            == ask(demo, "GET", "/environments/no/where/clients", token).json["detail"]
        )
    made = ask(demo, "POST", "/environments/standard/production/clients", token, {"name": "by robot"})
    assert made.status == 201
    event = admin(demo, "audit", "search", "--request-id", made.headers["x-request-id"])[0]
    assert event["actor"] == f"client:standard/production/{tenant_client['client_id']}"


def test_other_tokens_of_ours_are_refused(demo: Demo, tenant_client: dict[str, str]) -> None:
    omneo = demo.entries["omneo"]
    others = [
        request_token("oleria", demo.entries["oleria"]).json["access_token"],
        request_token("omneo", omneo).json["access_token"],
        omneo["api_token"],
        "a.b.c",
        "x" * 9000,
    ]
    head, payload, signature = tenant_token(tenant_client).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    for changed in ({"iss": operators(demo)["token_url"].rpartition("/oauth")[0]}, {"mm_tenant": "mintmark"}):
        forged = base64.urlsafe_b64encode(json.dumps(claims | changed).encode()).decode().rstrip("=")
        others.append(f"{head}.{forged}.{signature}")
    for token in others:
        answer = ask(demo, "GET", "/tenants", token)
        assert answer.status == 401, token[:20]
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        assert answer.json["instance"] == answer.headers["x-request-id"]


def test_a_client_that_is_disabled_or_revoked_is_refused_at_once(demo: Demo) -> None:
    audience = f"{demo.url}/admin/v1"
    made = admin(demo, "client", "create", "mintmark/operators", "--name", "x", "--allow", f"{audience} *")
    answer = post_form(
        operators(demo)["token_url"],
        {"grant_type": "client_credentials"},
        headers=basic(made["client_id"], made["client_secret"]),
    )
    token = answer.json["access_token"]
    assert ask(demo, "GET", "/tenants", token).status == 200
    done = ask(
        demo,
        "POST",
        f"/environments/mintmark/operators/clients/{made['client_id']}/disable",
        token_of(demo, *answer.json["scope"].split()),
    )
    assert done.status == 200
    assert ask(demo, "GET", "/tenants", token).status in (401, 403)


def test_the_api_stands_at_the_public_url_only(demo: Demo) -> None:
    token = token_of(demo, "tenants:read")
    for host in (
        f"api.oleria.mintmark.localhost:{demo.port}",
        f"manager.omneo.mintmark.localhost:{demo.port}",
    ):
        answer = call(
            "GET",
            f"{demo.url}/admin/v1/tenants",
            headers={"Authorization": f"Bearer {token}", "Host": host},
        )
        assert answer.status == 404
    strange = call("GET", f"{demo.url}/admin/v1/tenants", headers={"Host": "elsewhere.example"})
    assert strange.status == 421
    assert ask(demo, "GET", "/openapi.json").json["openapi"].startswith("3.1")


def test_a_body_that_is_too_large_is_refused_as_a_problem(demo: Demo) -> None:
    answer = ask(demo, "POST", "/tenants", token_of(demo, "tenants:write"), {"handle": "x" * 20000})
    assert answer.status == 413
    assert answer.headers["content-type"] == "application/problem+json"
