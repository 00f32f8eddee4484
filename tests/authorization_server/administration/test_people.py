"""People: which role goes with which tenant, whose user name may look how, and that an operator is always left."""

from __future__ import annotations

from typing import Any

import pytest

from mintmark.authorization_server.administration import people, tenants
from mintmark.authorization_server.administration.access import RESERVED_TENANT
from tests.authorization_server.administration.conftest import House, furnish


@pytest.fixture(autouse=True)
def acme(house: House) -> None:
    furnish(house)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"role": "king"}, "The role of a person must be"),
        ({"role": "operator", "tenant": "acme", "username": "ada@acme"}, "An operator belongs to no tenant"),
        ({"role": "admin"}, "belongs to a tenant"),
        ({"role": "developer"}, "belongs to a tenant"),
        (
            {"role": "auditor", "tenant": RESERVED_TENANT, "username": f"ada@{RESERVED_TENANT}"},
            "has no people",
        ),
        ({"role": "admin", "tenant": "acme", "username": "ada"}, "end in @acme"),
        ({"role": "admin", "tenant": "acme", "username": "@acme"}, "end in @acme"),
        ({"role": "admin", "tenant": "acme", "username": "ada@other"}, "end in @acme"),
        ({"role": "operator", "username": "ada@acme"}, "ends as those of a tenant's people do"),
        ({"name": "x" * 201}, "The name must be"),
        ({"openid": "two\nlines"}, "The name at the OpenID provider must be"),
    ],
)
def test_refuses(house: House, changes: dict[str, Any], sentence: str) -> None:
    given = {"username": "ada", "role": "operator", **changes}
    assert sentence in house.refuses("invalid", people.create, **given)


def test_an_auditor_may_belong_to_a_tenant_or_to_none(house: House) -> None:
    house.do(people.create, username="all-seeing", role="auditor")
    house.do(people.create, username="aud@acme", role="auditor", tenant="acme")
    assert [each.tenant for each in house.see(people.listing)] == ["", "acme"]


def test_a_user_name_is_taken_once(house: House) -> None:
    house.do(people.create, username="ada")
    house.refuses("conflict", people.create, username="ada")


def test_a_name_at_the_openid_provider_is_one_persons(house: House) -> None:
    house.do(people.create, username="ada", openid="ada@company.example")
    assert "OpenID provider" in house.refuses(
        "conflict", people.create, username="eve", openid="ada@company.example"
    )
    house.do(people.create, username="eve")
    house.refuses("conflict", people.change, "eve", openid="ada@company.example")
    assert house.do(people.change, "ada", openid="ada@company.example").openid == "ada@company.example"
    assert house.do(people.change, "ada", openid="").openid == ""


@pytest.mark.parametrize(
    "act",
    [
        lambda tx, act: people.disable(tx, act, "ada"),
        lambda tx, act: people.delete(tx, act, "ada"),
        lambda tx, act: people.change(tx, act, "ada", role="auditor"),
    ],
    ids=["disabled", "deleted", "made something else"],
)
def test_the_last_operator_stays(house: House, act: Any) -> None:
    house.do(people.create, username="ada")
    house.refuses("conflict", act)
    house.do(people.create, username="eve")
    house.do(act)


def test_people_go_with_their_tenant(house: House) -> None:
    house.do(people.create, username="ada@acme", role="admin", tenant="acme")
    house.do(tenants.delete, "acme")
    assert house.see(people.listing) == []
