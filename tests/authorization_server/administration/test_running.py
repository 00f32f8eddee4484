"""Running operations: access is decided by what is stored, and what may not be seen answers as what is not there."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from mintmark.authorization_server.administration import AdministrationFault, apis, clients, people, tenants
from mintmark.authorization_server.administration.access import RULES, Principal, admin_audience
from mintmark.authorization_server.administration.operation import REGISTRY, Call, operation
from mintmark.authorization_server.administration.operations import (
    access_request,
    audit,
    client,
    person,
    tenant,
    token,
    usage,
)
from mintmark.authorization_server.administration.operations.inputs import Nothing, OfClient, OfTenant
from mintmark.authorization_server.administration.running import Administration
from mintmark.authorization_server.ports import Transaction
from mintmark.storage.store import SqlStore
from mintmark.values.client import Client
from mintmark.values.secret import Secret
from tests.authorization_server.administration.conftest import AUDIENCE, ENVIRONMENT, House

PUBLIC_URL = "https://mint.example"
ADMIN_API = admin_audience(PUBLIC_URL)


class Office:
    """Runs operations in a house, as different people."""

    def __init__(self, house: House) -> None:
        self.house = house
        store = SqlStore(house.database)
        self.administration = Administration(
            store,
            lambda actor, request_id="", peer="": replace(
                house.act, actor=actor, request_id=request_id, peer=peer
            ),
            house.dialects,
            PUBLIC_URL,
        )

    def run(self, operation: Any, principal: Principal, given: Any) -> Any:
        return asyncio.run(
            self.administration.run(operation, principal, given, request_id="r-1", peer="192.0.2.1")
        )

    def refuses(self, kind: str, operation: Any, principal: Principal, given: Any) -> str:
        before = self.house.events()
        with pytest.raises(AdministrationFault) as caught:
            self.run(operation, principal, given)
        assert caught.value.kind == kind, str(caught.value)
        assert self.house.events() == before
        return str(caught.value)


@pytest.fixture
def office(acme: House) -> Office:
    acme.do(tenants.create, handle="globex", name="Globex")
    for username, role, of in (
        ("ada@acme", "admin", "acme"),
        ("dev@acme", "developer", "acme"),
        ("eve@acme", "developer", "acme"),
        ("bob@globex", "admin", "globex"),
        ("root", "operator", ""),
    ):
        acme.do(people.create, username=username, role=role, tenant=of, digest="d")
    return Office(acme)


def who(office: Office, username: str) -> Principal:
    return Principal.person(office.house.see(people.show, username))


def test_an_operation_without_a_rule_cannot_be_registered() -> None:
    def work(tx: Transaction, call: Call, given: Nothing) -> None:
        """Do."""

    with pytest.raises(LookupError, match="no rule"):
        operation("tenant.frobnicate", "installation")(work)
    with pytest.raises(LookupError, match="two operations"):
        operation("tenant.create", "installation")(work)
    assert set(REGISTRY) == set(RULES)


def test_an_operation_says_what_it_is_about_and_who_else_may(office: Office) -> None:
    del REGISTRY["tenant.list"]
    try:

        def nameless(tx: Transaction, call: Call, given: Nothing) -> None:
            """Do."""

        with pytest.raises(TypeError, match="has no environment"):
            operation("tenant.list", "environment")(nameless)
        with pytest.raises(TypeError, match="for operators alone"):
            operation("tenant.list", "installation")(nameless)
    finally:
        REGISTRY["tenant.list"] = tenant.listing
    call = office.administration.call
    with pytest.raises(TypeError, match="hashes nothing"):
        office.house.see(
            lambda tx: call(tx, tenant.listing, who(office, "root"), Nothing(), office.house.act).slow
        )


def test_what_only_operators_may_set_is_refused_to_others(office: Office) -> None:
    ada = who(office, "ada@acme")
    for given in (
        client.ClientToMake(ENVIRONMENT, "Export", daily_token_limit=5),
        client.ClientToMake(ENVIRONMENT, "Export", rate_limit=5),
    ):
        assert "Only operators" in office.refuses("forbidden", client.create, ada, given)
    made = office.run(client.create, ada, client.ClientToMake(ENVIRONMENT, "Export"))
    change = client.ClientChange(ENVIRONMENT, made.client.client_id, rate_limit=5)
    assert "Only operators" in office.refuses("forbidden", client.change, ada, change)
    named = person.PersonToMake("new@acme", "developer", "acme", openid="boss@company.example")
    assert "Only operators" in office.refuses("forbidden", person.create, ada, named)


def test_a_developers_application_protects_no_api(office: Office) -> None:
    given = client.ClientToMake(ENVIRONMENT, "Export", protects=("https://api.acme.example",))
    office.refuses("forbidden", client.create, who(office, "dev@acme"), given)


def test_the_people_of_a_disabled_tenant_are_locked_out(office: Office) -> None:
    ada = who(office, "ada@acme")
    office.house.do(tenants.disable, "acme")
    assert "disabled" in office.refuses("forbidden", tenant.listing, ada, Nothing())


@pytest.mark.parametrize(
    ("since", "span"), [(0, 3600), (-1, 3600), (401 * 3600, 3600), (3600, 60), (401 * 86400, 86400)]
)
def test_usage_is_counted_in_bounds(office: Office, since: int, span: int) -> None:
    office.refuses("invalid", usage.show, who(office, "root"), usage.UsageOf(ENVIRONMENT, since, span))


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_the_trail_is_searched_in_bounds(office: Office, limit: int) -> None:
    office.refuses("invalid", audit.search, who(office, "root"), audit.Search(limit=limit))


def test_a_token_is_named_by_its_id_or_by_its_text(office: Office) -> None:
    for given in (
        token.TokenToRevoke(ENVIRONMENT),
        token.TokenToRevoke(ENVIRONMENT, token_id="a", token=Secret("b")),
    ):
        office.refuses("invalid", token.revoke_access, who(office, "root"), given)


def test_a_granted_request_takes_what_is_there_already(office: Office) -> None:
    root = who(office, "root")

    def asked() -> str:
        given = access_request.Asked("Grace", "Harbour", "Plans", "by mail")
        made: str = office.run(access_request.ask, root, given).id
        return made

    first = access_request.Granted(asked(), "harbour", ENVIRONMENT, "one", 7)
    assert office.run(access_request.grant, root, first).client.daily_token_limit == 7
    again = access_request.Granted(asked(), "harbour", ENVIRONMENT, "two", environment="staging")
    assert office.run(access_request.grant, root, again).client.environment == "harbour/staging"
    third = access_request.Granted(asked(), "harbour", ENVIRONMENT, "three")
    assert office.run(access_request.grant, root, third).client.environment == "harbour/production"
    office.refuses("conflict", access_request.grant, root, first)


def test_an_act_stands_in_the_audit_trail_with_its_true_actor(office: Office) -> None:
    made = office.run(client.create, who(office, "dev@acme"), client.ClientToMake(ENVIRONMENT, "Export"))
    event = office.house.events()[-1]
    assert (event.actor, event.request_id, event.peer) == ("person:dev@acme", "r-1", "192.0.2.1")
    assert made.client.owner == "dev@acme"


def test_what_may_not_be_seen_answers_as_what_is_not_there(office: Office) -> None:
    made = office.run(client.create, who(office, "dev@acme"), client.ClientToMake(ENVIRONMENT, "Export"))
    client_id = made.client.client_id
    there, nowhere = OfClient(ENVIRONMENT, client_id), OfClient(ENVIRONMENT, "nobody")
    for stranger in ("eve@acme", "bob@globex"):
        seen = office.refuses("not_found", client.show, who(office, stranger), there)
        unseen = office.refuses("not_found", client.show, who(office, stranger), nowhere)
        assert seen.replace(client_id, "nobody") == unseen
    foreign = office.refuses("not_found", tenant.show, who(office, "bob@globex"), OfTenant("acme"))
    absent = office.refuses("not_found", tenant.show, who(office, "bob@globex"), OfTenant("umbrella"))
    assert foreign.replace("acme", "umbrella") == absent
    assert office.run(client.listing, who(office, "eve@acme"), client.OfEnvironment(ENVIRONMENT)) == []


def test_rights_that_were_lost_are_lost_for_a_session_that_stands(office: Office) -> None:
    ada = who(office, "ada@acme")
    office.house.do(people.change, "ada@acme", role="auditor")
    office.refuses("forbidden", client.create, ada, client.ClientToMake(ENVIRONMENT, "Export"))
    office.house.do(people.disable, "ada@acme")
    office.refuses("forbidden", tenant.listing, ada, Nothing())


def test_an_admin_makes_no_operator_and_nobody_without_a_tenant(office: Office) -> None:
    ada = who(office, "ada@acme")
    for given in (
        person.PersonToMake("mal@acme", "operator", "acme"),
        person.PersonToMake("mal", "operator"),
        person.PersonToMake("mal", "auditor"),
        person.PersonToMake("mal@globex", "admin", "acme"),
    ):
        with pytest.raises(AdministrationFault):
            office.run(person.create, ada, given)
    office.refuses("forbidden", person.change, ada, person.PersonChange("dev@acme", role="operator"))
    office.refuses("not_found", person.disable, ada, person.OfPerson("root"))
    office.refuses("not_found", person.disable, ada, person.OfPerson("bob@globex"))


def test_nobody_gets_past_the_account_page_with_a_session_that_was_left_open(office: Office) -> None:
    ada = Principal.person(office.house.see(people.show, "ada@acme"))
    for operation_, given in (
        (person.change_password, person.PersonPassword("ada@acme", Secret("another password"))),
        (person.reset_sign_in, person.OfPerson("ada@acme")),
    ):
        assert "page of your account" in office.refuses("forbidden", operation_, ada, given)
    office.run(person.reset_sign_in, ada, person.OfPerson("dev@acme"))


def test_nobody_has_people_in_the_operators_tenant(office: Office) -> None:
    office.house.do(tenants.create, handle="mintmark", name="Operators")
    given = person.PersonToMake("mal@mintmark", "admin", "mintmark")
    office.refuses("invalid", person.create, who(office, "root"), given)


def test_nobody_hands_on_more_of_the_admin_api_than_it_may_do(office: Office) -> None:
    house = office.house
    scopes = {"clients:write": "", "people:write": ""}
    house.do(apis.create, environment=ENVIRONMENT, audience=ADMIN_API, name="Admin", scopes=scopes)
    wide = house.do(clients.create, environment=ENVIRONMENT, name="Wide", allowed={ADMIN_API: tuple(scopes)})
    narrow = house.do(
        clients.create, environment=ENVIRONMENT, name="Narrow", allowed={ADMIN_API: ("clients:write",)}
    )
    asked = client.ClientToMake(ENVIRONMENT, "More", {ADMIN_API: ("people:write",)})
    office.refuses("forbidden", client.create, who(office, "dev@acme"), asked)
    office.refuses("forbidden", client.create, Principal.client(narrow.client, ["clients:write"]), asked)
    for given in ({ADMIN_API: ("*",)}, {ADMIN_API: ("clients:write", "people:write")}):
        office.refuses(
            "forbidden",
            client.create,
            Principal.client(narrow.client, ["clients:write", "people:write"]),
            replace(asked, allowed=given),
        )
    touched = OfClient(ENVIRONMENT, wide.client.client_id)
    office.refuses("forbidden", client.enable, Principal.client(narrow.client, ["clients:write"]), touched)
    made = office.run(client.create, who(office, "ada@acme"), asked)
    assert made.client.allowed == {ADMIN_API: ("people:write",)}


def test_a_client_acts_in_its_environment_with_the_scopes_that_it_still_has(office: Office) -> None:
    house = office.house
    house.do(
        apis.create, environment=ENVIRONMENT, audience=ADMIN_API, name="Admin", scopes={"clients:write": ""}
    )
    made = house.do(
        clients.create, environment=ENVIRONMENT, name="C", allowed={ADMIN_API: ("clients:write",)}
    )
    principal = Principal.client(made.client, ["clients:write"])
    asked = client.ClientToMake(ENVIRONMENT, "New", {AUDIENCE: ("orders:read",)})
    assert office.run(client.create, principal, asked).client.owner == ""
    office.refuses("forbidden", client.listing, principal, client.OfEnvironment(ENVIRONMENT))
    house.write(lambda tx: tx.put(replace(made.client, allowed={}), now=house.act.now))
    office.refuses("forbidden", client.create, principal, asked)
    house.write(lambda tx: tx.put(replace(made.client, enabled=False), now=house.act.now))
    assert "disabled" in office.refuses("forbidden", client.create, principal, asked)


def test_what_a_developer_made_belongs_to_nobody_when_the_developer_is_deleted(office: Office) -> None:
    made = office.run(client.create, who(office, "dev@acme"), client.ClientToMake(ENVIRONMENT, "Export"))
    office.run(person.delete, who(office, "ada@acme"), person.OfPerson("dev@acme"))
    found = office.house.see(lambda tx: tx.get(Client, ENVIRONMENT, made.client.client_id))
    assert found is not None
    assert found.owner == ""
