"""The OpenAPI document of each environment and the pages over it: what they name is there, and nothing else."""

from __future__ import annotations

import json

import pytest

from tests.end_to_end.conftest import Demo
from tests.end_to_end.server import call

TENANTS = ("omnilab", "oleria", "fyma", "omneo", "omnissa", "standard")


@pytest.mark.parametrize("tenant", TENANTS)
def test_the_document_names_what_is_there(demo: Demo, tenant: str) -> None:
    entry = demo.entries[tenant]
    document = call("GET", f"{entry['issuer']}/openapi.json").json
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": entry["issuer"]}]
    below = entry["token_url"].removeprefix(entry["issuer"])
    assert "post" in document["paths"][below]
    for path, operations in document["paths"].items():
        for method in operations:
            url = entry["issuer"] + path.replace("{id}", "1001")
            assert call(method.upper(), url).status not in (404, 405, 500), path
    text = json.dumps(document)
    assert entry["client_id"] not in text
    flows = document["components"]["securitySchemes"].get("oauth2", {}).get("flows", {})
    if flows:
        assert flows["clientCredentials"]["tokenUrl"].startswith(entry["issuer"])


def test_a_dialect_that_is_no_plain_oauth_offers_the_pasted_token_alone(demo: Demo) -> None:
    document = call("GET", f"{demo.entries['omnilab']['issuer']}/openapi.json").json
    assert "oauth2" not in document["components"]["securitySchemes"]
    assert {"token": []} in document["paths"]["/v1/bookings/{id}"]["get"]["security"]


def test_the_pages_load_nothing_from_elsewhere_and_others_are_not_there(demo: Demo) -> None:
    page = call("GET", f"{demo.url}/docs/e/standard/production")
    assert page.status == 200
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "https://" not in page.body.decode()
    assert call("GET", f"{demo.url}/docs").headers["location"] == f"{demo.url}/docs/admin"
    for path in (
        "/docs/e/nobody/production",
        "/docs/files/x",
        "/docs/files/../swagger.py",
        "/docs/e/standard",
    ):
        assert call("GET", demo.url + path).status == 404
    assert call("POST", f"{demo.url}/docs/admin").status == 405
    files = call("GET", f"{demo.url}/docs/files/swagger-ui.css")
    assert (files.status, files.headers["content-type"]) == (200, "text/css; charset=utf-8")
