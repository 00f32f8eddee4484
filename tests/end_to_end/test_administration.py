"""What an administrator does on the command line, seen from outside: at once, on the running server."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from mintmark.compose.demo_data import MACHINE_USER
from mintmark.web.demo_apis import OLERIA_SCOPE, SAMPLES
from tests.end_to_end.conftest import Demo
from tests.end_to_end.server import basic, call, call_api, mintmark, request_token, until


def admin(demo: Demo, *arguments: object, stdin: str = "") -> Any:
    done = mintmark("admin", *arguments, "--directory", demo.directory, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def soon(asked: Callable[[], Any]) -> Any:
    """Its first true answer: views follow a change of another process, and refusals are written, within a second."""
    found: list[Any] = []

    def true() -> bool:
        found.append(asked())
        return bool(found[-1])

    until(true)
    return found[-1]


def test_oleria_a_separate_application_for_each_integration_ended_by_deleting_it(demo: Demo) -> None:
    audience = SAMPLES["oleria"].audience
    made = admin(
        demo,
        *("client", "create", "oleria/production", "--name", "access-graph viewer"),
        *("--allow", f"{audience} {OLERIA_SCOPE}"),
    )
    entry = {
        **demo.entries["oleria"],
        "client_id": made["client_id"],
        "client_secret": made["client_secret"],
    }
    token = request_token("oleria", entry).json["access_token"]
    assert call_api(entry, token).status == 200
    admin(demo, "client", "delete", "oleria/production", made["client_id"], "--yes")
    assert request_token("oleria", entry).status == 401
    assert (
        call_api(
            demo.entries["oleria"], request_token("oleria", demo.entries["oleria"]).json["access_token"]
        ).status
        == 200
    )


def test_omnissa_a_new_secret_replaces_the_old_one_at_once(demo: Demo) -> None:
    audience = SAMPLES["omnissa"].audience
    made = json.loads(
        mintmark(
            *("admin", "service-account", "create", "omnissa/staging", "--name", "nightly"),
            *("--allow", f"{audience} *", "--directory", demo.directory),
        ).stdout
    )
    staging = demo.entries["omnissa"]["staging"]
    old = {**staging, "client_id": made["clientId"], "client_secret": made["clientSecret"]}
    assert request_token("omnissa", old).status == 200
    renewed = mintmark(
        *("admin", "service-account", "new-secret", "omnissa/staging", made["clientId"]),
        *("--directory", demo.directory),
    )
    assert renewed.returncode == 0, renewed.stderr
    new = {**old, "client_secret": json.loads(renewed.stdout)["clientSecret"]}
    assert request_token("omnissa", old).status == 401
    assert request_token("omnissa", new).status == 200


def test_omneo_a_machine_users_new_password_leaves_issued_tokens_valid(demo: Demo) -> None:
    entry = demo.entries["omneo"]["staging"]
    token = request_token("omneo", entry).json["access_token"]
    password = "another-password-of-24-x"
    admin(
        demo,
        *("machine-user", "change-password", "omneo/staging", MACHINE_USER, "--password-stdin"),
        stdin=password,
    )
    try:
        assert request_token("omneo", entry).json["error"] == "invalid_grant"
        assert request_token("omneo", {**entry, "password": password}).status == 200
        assert call_api(entry, token).status == 200
    finally:
        admin(
            demo,
            *("machine-user", "change-password", "omneo/staging", MACHINE_USER, "--password-stdin"),
            stdin=entry["password"],
        )


def test_omnilab_an_api_is_enabled_per_tenant(demo: Demo) -> None:
    entry = demo.entries["omnilab"]["staging"]
    token = request_token("omnilab", entry).json["access_token"]
    admin(demo, "api", "disable", "omnilab/staging", entry["audience"])
    try:
        assert request_token("omnilab", entry).status == 400
        assert soon(lambda: call_api(entry, token).status == 401)
    finally:
        admin(demo, "api", "enable", "omnilab/staging", entry["audience"])
    assert soon(lambda: request_token("omnilab", entry).status == 200)
    assert soon(lambda: call_api(entry, request_token("omnilab", entry).json["access_token"]).status == 200)
    assert call_api(entry, token).status == 401, "what was revoked stays so"


def test_fyma_an_imported_legacy_token_works_on_the_api(demo: Demo) -> None:
    entry = demo.entries["fyma"]
    admin(
        demo,
        *("legacy-token", "import", "fyma/production", "old-token", "--audience", entry["audience"]),
        *("--scope", "projects:read", "--secret-stdin"),
        stdin="pass:word & more",
    )
    assert call("GET", entry["api_url"], headers=basic("old-token", "pass:word & more")).status == 200
    assert call("GET", entry["api_url"], headers=basic("old-token", "pass:word")).status == 401


def test_a_request_id_leads_to_the_audit_event_of_the_answer(demo: Demo) -> None:
    entry = demo.entries["standard"]
    good = request_token("standard", entry)
    bad = request_token("standard", {**entry, "client_secret": "wrong"})
    for answer, outcome in ((good, "issued"), (bad, "refused")):
        found = soon(partial(admin, demo, "audit", "search", "--request-id", answer.headers["x-request-id"]))
        assert [event["outcome"] for event in found] == [outcome]
        assert found[0]["client_id"] == entry["client_id"]


def test_a_rotated_signing_key_is_published_before_it_signs(demo: Demo) -> None:
    entry = demo.entries["omnilab"]["staging"]
    before = {key["kid"] for key in call("GET", entry["jwks_uri"]).json["keys"]}
    token = request_token("omnilab", entry).json["access_token"]
    admin(demo, "signing-key", "rotate", "omnilab/staging")
    assert call_api(entry, request_token("omnilab", entry).json["access_token"]).status == 200
    after = {key["kid"] for key in call("GET", entry["jwks_uri"]).json["keys"]}
    assert before < after
    assert call_api(entry, token).status == 200
