"""Tenants and environments: reached by path and by host, one issuer either way, and nothing crosses them."""

from __future__ import annotations

import pytest

from mintmark.compose.demo_data import TENANTS
from tests.end_to_end.conftest import Demo
from tests.end_to_end.server import call, call_api, request_token

ALL = list(TENANTS)


def alias(demo: Demo, tenant: str, role: str, *, staging: bool = False) -> str:
    return f"{role}.{'staging.' if staging else ''}{tenant}.mintmark.localhost:{demo.port}"


@pytest.mark.parametrize("tenant", ALL)
@pytest.mark.parametrize("staging", [False, True], ids=["production", "staging"])
def test_token_and_api_are_reached_by_host_alias_with_the_same_issuer(
    demo: Demo, tenant: str, staging: bool
) -> None:
    entry = demo.entries[tenant]["staging"] if staging else demo.entries[tenant]
    below = entry["token_url"].removeprefix(entry["issuer"])
    role = "auth" if tenant == "omnissa" else "api"
    answer = request_token(tenant, entry, demo.url + below, host=alias(demo, tenant, role, staging=staging))
    assert answer.status == 200
    api = {**entry, "api_url": demo.url + entry["api_url"].removeprefix(entry["issuer"])}
    token = answer.json["access_token"]
    assert call_api(api, token, host=alias(demo, tenant, "api", staging=staging)).status == 200
    assert call_api(entry, token).status == 200


def test_omnissas_token_endpoint_is_on_the_auth_host_and_only_there(demo: Demo) -> None:
    entry = demo.entries["omnissa"]
    for role, status in (("auth", 200), ("api", 404), ("manager", 404)):
        host = alias(demo, "omnissa", role)
        assert request_token("omnissa", entry, demo.url + "/oauth/token", host=host).status == status
    api = {**entry, "api_url": demo.url + "/v2/reports"}
    token = request_token("omnissa", entry).json["access_token"]
    assert call_api(api, token, host=alias(demo, "omnissa", "auth")).status == 404


def test_the_managers_host_is_the_tenants_console(demo: Demo) -> None:
    answer = call("GET", demo.url + "/", host=alias(demo, "omneo", "manager"))
    assert (answer.status, answer.headers["location"]) == (
        303,
        f"{demo.url}/console/e/omneo/production/applications",
    )


@pytest.mark.parametrize("tenant", ALL)
def test_production_and_staging_differ_in_issuer_keys_and_credentials(demo: Demo, tenant: str) -> None:
    production, staging = demo.entries[tenant], demo.entries[tenant]["staging"]
    for name in ("environment", "issuer", "client_id", "client_secret", "token_url", "api_url", "jwks_uri"):
        assert production[name] != staging[name]
    keys = [
        {key["kid"] for key in call("GET", one["jwks_uri"]).json["keys"]} for one in (production, staging)
    ]
    assert keys[0] and keys[1] and not keys[0] & keys[1]


@pytest.mark.parametrize("tenant", ALL)
def test_a_credential_or_token_of_one_environment_is_refused_in_the_other(demo: Demo, tenant: str) -> None:
    production, staging = demo.entries[tenant], demo.entries[tenant]["staging"]
    assert request_token(tenant, production, staging["token_url"]).status == 401
    token = request_token(tenant, production).json["access_token"]
    assert call_api(production, token).status == 200
    assert call_api(staging, token).status == 401


def test_a_token_of_one_tenant_is_refused_by_every_other(demo: Demo) -> None:
    tokens = {tenant: request_token(tenant, demo.entries[tenant]).json["access_token"] for tenant in ALL}
    for tenant in ALL:
        for other, token in tokens.items():
            assert call_api(demo.entries[tenant], token).status == (200 if other == tenant else 401)


def test_an_omneo_api_token_is_refused_in_the_other_environment(demo: Demo) -> None:
    entry = demo.entries["omneo"]
    assert call_api(entry, entry["api_token"]).status == 200
    assert call_api(entry["staging"], entry["api_token"]).status == 401
    assert call_api(entry["staging"], entry["staging"]["api_token"]).status == 200
