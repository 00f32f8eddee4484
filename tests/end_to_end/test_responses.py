"""The answers of the five documents and of RFC 6749, member by member, and what their tokens say."""

from __future__ import annotations

import json
import stat
import time
from datetime import datetime
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from mintmark.compose.demo_data import TENANTS
from tests.end_to_end.conftest import Demo
from tests.end_to_end.server import Answer, basic, call, call_api, post_form, post_json, request_token

ALL = list(TENANTS)
#: Members of a token answer, and the lifetime in seconds.
MEMBERS = {
    "omnilab": ({"access_token", "token_type", "expires_in"}, 3600),
    "oleria": ({"access_token", "token_type", "expires_in"}, 3600),
    "fyma": ({"access_token", "token_type", "expires_in"}, 86400),
    "omneo": ({"access_token", "token_type", "expires_in", "scope"}, 3600),
    "omnissa": (
        {"access_token", "expires_in", "iss", "jti", "nbf", "scope", "token_type", "dpa.org_id"},
        3599,
    ),
    "standard": ({"access_token", "token_type", "expires_in", "scope"}, 3600),
}


def claims_of(demo: Demo, tenant: str, token: str) -> tuple[dict[str, object], dict[str, object]]:
    """Header and claims, verified by another implementation with the published keys."""
    keys = KeySet.import_key_set(call("GET", demo.entries[tenant]["jwks_uri"]).json)
    decoded = jwt.decode(token, keys, algorithms=["ES256", "RS256"])
    return decoded.header, decoded.claims


@pytest.mark.parametrize("tenant", ALL)
def test_the_answer_has_the_documents_members(demo: Demo, tenant: str) -> None:
    answer = request_token(tenant, demo.entries[tenant])
    members, lifetime = MEMBERS[tenant]
    assert answer.status == 200
    assert set(answer.json) == members
    assert answer.json["expires_in"] == lifetime
    assert answer.json["token_type"] == ("bearer" if tenant == "omnissa" else "Bearer")
    assert answer.headers["cache-control"] == "no-store"
    assert "ratelimit" in answer.headers


@pytest.mark.parametrize("tenant", ALL)
def test_the_token_verifies_elsewhere_and_says_who_struck_it(demo: Demo, tenant: str) -> None:
    entry = demo.entries[tenant]
    header, claims = claims_of(demo, tenant, request_token(tenant, entry).json["access_token"])
    assert claims["iss"] == entry["issuer"]
    assert claims["client_id"] == entry["client_id"]
    assert claims["mm_tenant"] == tenant
    assert int(str(claims["exp"])) - int(str(claims["iat"])) == MEMBERS[tenant][1]
    assert header["kid"]
    assert header["typ"] == ("JWT" if tenant == "omnissa" else "at+jwt")


@pytest.mark.parametrize("tenant", ALL)
def test_the_key_set_is_public_cacheable_and_of_common_kinds(demo: Demo, tenant: str) -> None:
    answer = call("GET", demo.entries[tenant]["jwks_uri"])
    assert answer.headers["cache-control"] == "public, max-age=300"
    for key in answer.json["keys"]:
        assert {"kid", "use", "alg", "kty"} <= set(key)
        assert key["kty"] in ("EC", "RSA")
        assert not {"d", "p", "q"} & set(key)


@pytest.mark.parametrize("tenant", ALL)
def test_the_metadata_names_a_token_endpoint_that_works(demo: Demo, tenant: str) -> None:
    entry = demo.entries[tenant]
    path = entry["issuer"].removeprefix(demo.url)
    inserted = call("GET", f"{demo.url}/.well-known/oauth-authorization-server{path}")
    assert inserted.json == call("GET", f"{entry['issuer']}/.well-known/oauth-authorization-server").json
    assert inserted.json["issuer"] == entry["issuer"]
    assert request_token(tenant, entry, inserted.json["token_endpoint"]).status == 200


def test_omnissa_repeats_the_tokens_own_claims(demo: Demo) -> None:
    entry = demo.entries["omnissa"]
    told = request_token("omnissa", entry).json
    header, claims = claims_of(demo, "omnissa", told["access_token"])
    assert (told["iss"], told["jti"], told["nbf"]) == (claims["iss"], claims["jti"], claims["nbf"])
    assert told["scope"] == "dpa.example.scope.one dpa.example.scope.two"
    assert (header["alg"], header["typ"]) == ("RS256", "JWT")


def test_omnissa_takes_the_form_body_on_the_same_path(demo: Demo) -> None:
    entry = demo.entries["omnissa"]
    headers = basic(entry["client_id"], entry["client_secret"])
    assert post_form(entry["token_url"], {"grant_type": "client_credentials"}, headers=headers).status == 200


def test_omnissas_downloaded_file_has_exactly_the_documents_keys(demo: Demo) -> None:
    for entry in (demo.entries["omnissa"], demo.entries["omnissa"]["staging"]):
        path = Path(entry["credentials_file"])
        file = json.loads(path.read_text())
        assert list(file) == [
            "name",
            "tokenEndpoint",
            "clientId",
            "clientSecret",
            "authorizedGrantType",
            "resourceIds",
        ]
        assert file["authorizedGrantType"] == ["CLIENT_CREDENTIALS"]
        assert (file["tokenEndpoint"], file["clientId"]) == (entry["token_url"], entry["client_id"])
        assert len(f"{file['clientId']}:{file['clientSecret']}") <= 57
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_fyma_takes_the_form_encoding_by_content_type(demo: Demo) -> None:
    entry = demo.entries["fyma"]
    fields = {
        "grant_type": "client_credentials",
        **{name: entry[name] for name in ("audience", "client_id", "client_secret")},
    }
    assert post_form(entry["token_url"], fields).json["expires_in"] == 86400


def test_omneo_lists_the_scopes_that_client_user_and_api_share(demo: Demo) -> None:
    answer = request_token("omneo", demo.entries["omneo"])
    assert answer.json["scope"] == "profiles:read profiles:write orders:read"


def test_omneos_shopify_exchange_takes_the_id_as_a_number_too(demo: Demo) -> None:
    entry = demo.entries["omneo"]
    body = {"id": int(entry["shopify_customer_id"]), "signature": entry["shopify_signature"]}
    answer = post_json(entry["shopify_token_url"], body)
    assert set(answer.json) == {"token"}
    _, claims = claims_of(demo, "omneo", answer.json["token"])
    assert claims["sub"] == entry["shopify_customer_id"]
    assert int(str(claims["exp"])) - int(str(claims["iat"])) <= 3600


def test_a_shopify_customers_token_sees_that_customer_only(demo: Demo) -> None:
    entry = demo.entries["omneo"]
    body = {"id": entry["shopify_customer_id"], "signature": entry["shopify_signature"]}
    token = post_json(entry["shopify_token_url"], body).json["token"]
    assert (
        call("GET", entry["api_url"] + "/me", token=token).json["data"]["id"] == entry["shopify_customer_id"]
    )
    assert call_api(entry, token).status == 403


def test_omneos_proxy_login_answers_token_and_expiry_in_utc(demo: Demo) -> None:
    entry = demo.entries["omneo"]
    answer = call(
        "POST", entry["proxy_login_url"], headers=basic(entry["proxy_username"], entry["proxy_password"])
    )
    assert set(answer.json) == {"token", "expiry"}
    assert answer.json["expiry"].endswith("Z")
    left = datetime.fromisoformat(answer.json["expiry"]).timestamp() - time.time()
    assert 0 < left <= 3600
    assert call_api(entry, answer.json["token"]).status == 200


def test_fymas_legacy_token_is_basic_on_the_api_itself(demo: Demo) -> None:
    entry = demo.entries["fyma"]
    right = basic(entry["legacy_token_id"], entry["legacy_token_secret"])
    assert call("GET", entry["api_url"], headers=right).status == 200
    assert call("GET", entry["api_url"], headers=basic(entry["legacy_token_id"], "wrong")).status == 401
    assert call("GET", demo.entries["omneo"]["api_url"], headers=right).status == 401


def challenge(answer: Answer) -> str:
    return answer.headers["www-authenticate"]


@pytest.mark.parametrize("tenant", ALL)
def test_the_api_wants_a_token_and_says_so_as_rfc_6750_does(demo: Demo, tenant: str) -> None:
    entry = demo.entries[tenant]
    method, url, body = entry["api_method"], entry["api_url"], entry["api_body"]
    without = call(method, url, body=body)
    assert without.status == 401
    assert challenge(without).startswith("Bearer ")
    assert "error=" not in challenge(without)
    for header in ("Bearer", "Bearer not a token", "Bearer x.y.z", "Bearer  "):
        answer = call(method, url, body=body, headers={"Authorization": header})
        assert answer.status == 401, header
        assert 'error="invalid_token"' in challenge(answer)


def test_a_missing_permission_is_403_with_the_challenge(demo: Demo) -> None:
    oleria = demo.entries["oleria"]
    token = request_token("oleria", oleria).json["access_token"]
    refused = call("POST", oleria["api_url"], token=token, body='{"context": "accessInventoryGroupsV2"}')
    assert refused.status == 403
    assert 'error="insufficient_scope"' in challenge(refused)
    standard = demo.entries["standard"]
    headers = basic(standard["client_id"], standard["client_secret"])
    narrow = post_form(
        standard["token_url"], {"grant_type": "client_credentials", "scope": "things:write"}, headers=headers
    )
    assert call_api(standard, narrow.json["access_token"]).status == 403


def test_an_unknown_path_or_method_of_the_api_is_404_or_405(demo: Demo) -> None:
    issuer = demo.entries["omnilab"]["issuer"]
    assert call("GET", f"{issuer}/v1/nothing").status == 404
    assert call("DELETE", f"{issuer}/v1/bookings/1").headers["allow"] == "GET"
