"""Refusals on the wire: Oleria's troubleshooting table, and the errors that every document shares."""

from __future__ import annotations

import pytest

from mintmark.compose.demo_data import TENANTS
from tests.end_to_end.conftest import Demo
from tests.end_to_end.server import Entry, basic, call, post_form, post_json, request_token

FIELDS = ("grant_type", "client_id", "client_secret", "scope")


def oleria_fields(entry: Entry) -> dict[str, str]:
    return {"grant_type": "client_credentials", **{name: entry[name] for name in FIELDS[1:]}}


@pytest.mark.parametrize("field", FIELDS)
def test_oleria_a_missing_or_misspelled_field_is_400_invalid_request(demo: Demo, field: str) -> None:
    entry = demo.entries["oleria"]
    fields = oleria_fields(entry)
    value = fields.pop(field)
    for given in (fields, {**fields, field + "s": value}, {**fields, field: ""}):
        answer = post_form(entry["token_url"], given)
        assert (answer.status, answer.json["error"]) == (400, "invalid_request"), given


@pytest.mark.parametrize("field", ["client_id", "client_secret"])
def test_oleria_wrong_credentials_are_401_invalid_client(demo: Demo, field: str) -> None:
    entry = demo.entries["oleria"]
    answer = post_form(entry["token_url"], {**oleria_fields(entry), field: "wrong"})
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


def test_oleria_credentials_of_another_environment_are_401_invalid_client(demo: Demo) -> None:
    entry = demo.entries["oleria"]
    answer = post_form(entry["staging"]["token_url"], oleria_fields(entry))
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


def test_omneo_tells_a_wrong_client_from_a_wrong_user(demo: Demo) -> None:
    entry = demo.entries["omneo"]
    wrong_client = request_token("omneo", {**entry, "client_secret": "wrong"})
    assert (wrong_client.status, wrong_client.json["error"]) == (401, "invalid_client")
    wrong_user = request_token("omneo", {**entry, "password": "wrong"})
    assert (wrong_user.status, wrong_user.json["error"]) == (400, "invalid_grant")


def test_omneo_refuses_a_wrong_signature(demo: Demo) -> None:
    entry = demo.entries["omneo"]
    signature = entry["shopify_signature"]
    for body in (
        {"id": "207119552", "signature": signature},
        {"id": entry["shopify_customer_id"], "signature": "0" * 64},
        {"id": entry["shopify_customer_id"], "signature": ""},
        {"id": True, "signature": signature},
        {"id": 2.5, "signature": signature},
        {"id": entry["shopify_customer_id"]},
    ):
        assert post_json(entry["shopify_token_url"], body).status == 400, body


def test_omneo_refuses_a_wrong_proxy_login(demo: Demo) -> None:
    entry = demo.entries["omneo"]
    for user, password in (
        (entry["proxy_username"], "wrong"),
        ("nobody", entry["proxy_password"]),
        (entry["username"], entry["password"]),
    ):
        assert call("POST", entry["proxy_login_url"], headers=basic(user, password)).status == 401
    assert call("POST", entry["proxy_login_url"]).status in (400, 401)


@pytest.mark.parametrize("tenant", list(TENANTS))
def test_every_refusal_has_a_request_id_and_no_store(demo: Demo, tenant: str) -> None:
    url = demo.entries[tenant]["token_url"]
    for answer in (
        call("GET", url),
        call("POST", url),
        call("POST", url + "/nothing"),
        call("POST", url, host="evil.example"),
        call("POST", url, body=b"x" * 20000),
        call("POST", url, headers={"Content-Type": "text/plain"}, body="grant_type=client_credentials"),
    ):
        assert 400 <= answer.status < 500
        assert len(answer.headers["x-request-id"]) == 26
        assert answer.headers["cache-control"] == "no-store"


def test_no_answer_names_the_software_below(demo: Demo) -> None:
    assert "server" not in call("GET", demo.url).headers
