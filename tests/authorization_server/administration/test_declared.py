"""What a file declares against what there is: steps that make it so, and none when it is so."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from mintmark.authorization_server.administration import AdministrationFault
from mintmark.authorization_server.administration.access import Principal
from mintmark.authorization_server.administration.declared import Plan, plan
from mintmark.authorization_server.administration.operations import client
from mintmark.authorization_server.administration.running import Administration
from mintmark.authorization_server.administration.showing import row
from mintmark.storage.store import SqlStore
from tests.authorization_server.administration.conftest import House
from tests.end_to_end.test_apply import HOUSE

Text = Callable[[str], str]


class Keeper:
    """Plans and applies in one database."""

    def __init__(self, house: House) -> None:
        def act(actor: str, request_id: str = "", peer: str = "") -> Any:
            return house.act

        self.administration = Administration(
            SqlStore(house.database), act, house.dialects, "https://mint.example"
        )

    def run(self, operation: Any, given: Any) -> Any:
        made = asyncio.run(self.administration.run(operation, Principal.installation("cli:x"), given))
        return [row(each) for each in made] if isinstance(made, list) else made

    def plan(self, text: str) -> Plan:
        return plan(tomllib.loads(text), self.run)

    def apply(self, text: str) -> list[str]:
        steps = self.plan(text).steps
        for step in steps:
            self.run(step.operation, step.given)
        return [f"{step.sign} {step.operation.name}" for step in steps]

    def refuses(self, document: Any) -> str:
        with pytest.raises(AdministrationFault) as caught:
            plan(tomllib.loads(document) if isinstance(document, str) else document, self.run)
        return str(caught.value)


@pytest.fixture
def keeper(house: House) -> Keeper:
    return Keeper(house)


def test_what_is_missing_is_made_in_an_order_that_works(keeper: Keeper) -> None:
    assert keeper.apply(HOUSE) == [
        "+ tenant.create",
        "+ environment.create",
        "+ api.create",
        "+ client.create",
        "+ machine_user.create",
        "+ person.create",
    ]
    assert keeper.plan(HOUSE) == Plan((), 6)


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [
        ('name = "Umbra"', 'name = "Penumbra"', ["~ tenant.change"]),
        ("daily_token_limit = 100", "daily_token_limit = 7", ["~ tenant_quota.set"]),
        ("daily_token_limit = 100", "daily_token_limit = 0", ["~ tenant_quota.clear"]),
        ("rate_limit = 300", "rate_limit = 200", ["~ environment.change"]),
        ('"/oauth/token" = "standard"', '"/oauth/token" = "standard", "/x" = "oleria"', ["+ mount.add"]),
        ('"/oauth/token" = "standard"', "", ["- mount.remove"]),
        (', "orders:write" = "Changing orders"', "", ["~ api.change"]),
        ('name = "nightly export"', 'name = "nightly export"\ndaily_token_limit = 9', ["~ quota.set"]),
        ('name = "nightly export"', 'name = "nightly export"\nneeds_user = true', ["~ client.change"]),
        ('name = "nightly export"', 'name = "nightly export"\nenabled = false', ["~ client.disable"]),
        ('scopes = ["orders:read"]', 'scopes = ["*"]', ["~ machine_user.change"]),
        ('role = "admin"', 'role = "auditor"', ["~ person.change"]),
        ('handle = "umbra"', 'handle = "umbra"\nenabled = true', []),
    ],
)
def test_what_differs_is_changed(keeper: Keeper, before: str, after: str, steps: list[str]) -> None:
    keeper.apply(HOUSE)
    changed = HOUSE.replace(before, after, 1)
    assert keeper.apply(changed) == steps
    assert keeper.apply(changed) == []


def test_a_limit_and_a_switch_go_back(keeper: Keeper) -> None:
    limited = HOUSE.replace(
        'name = "nightly export"', 'name = "nightly export"\ndaily_token_limit = 9\nenabled = false'
    )
    keeper.apply(HOUSE)
    keeper.apply(limited)
    back = limited.replace("= 9", "= 0").replace("= false", "= true")
    assert keeper.apply(back) == ["~ quota.clear", "~ client.enable"]


def test_a_limit_of_nothing_is_none_from_the_beginning(keeper: Keeper) -> None:
    unlimited = HOUSE.replace("daily_token_limit = 100", "daily_token_limit = 0")
    keeper.apply(unlimited)
    assert keeper.apply(unlimited) == []


def test_two_clients_of_one_name_are_not_guessed_between(keeper: Keeper) -> None:
    keeper.apply(HOUSE)
    keeper.run(client.create, client.ClientToMake("umbra/production", "nightly export"))
    assert "clients[1]: there are 2 of this name" in keeper.refuses(HOUSE)


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"tenant": []}, "There is no table [[tenant]]"),
        ({"tenants": {}}, "tenants must be tables: write [[tenants]]."),
        ({"tenants": ["umbra"]}, "tenants[1] must be a table."),
        ({"tenants": [{"handle": 5}]}, "tenants[1]: say its handle."),
        ({"tenants": [{"handle": "x", "name": 5}]}, "tenants[1].name must be a text."),
        ({"tenants": [{"handle": "x", "enabled": "no"}]}, "tenants[1].enabled must be a truth value."),
        ({"tenants": [{"handle": "x", "daily_token_limit": True}]}, "must be a text or a number."),
        ({"tenants": [{"handle": "x", "enabled": False}]}, "cannot begin disabled"),
        ({"environments": [{"environment": "x/y", "mounts": []}]}, "environments[1].mounts must be a table."),
        ({"environments": [{"environment": "x/y", "rate_limit": "9"}]}, "rate_limit must be a number."),
        ({"people": [{"username": "x"}]}, "is new: say its role."),
    ],
)
def test_a_fault_has_its_place(keeper: Keeper, document: Any, sentence: str) -> None:
    assert sentence in keeper.refuses(document)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('name = "Orders"', 'name = "Orders"\nalgorithm = "RS256"', "its algorithm cannot be changed"),
        ("rate_limit = 300", 'issuer = "https://other.example"', "its issuer cannot be changed"),
        ('"/oauth/token" = "standard"', '"/oauth/token" = "oleria"', "/oauth/token speaks standard"),
    ],
)
def test_what_stays_for_ever_is_refused(keeper: Keeper, before: str, after: str, sentence: str) -> None:
    keeper.apply(HOUSE)
    assert sentence in keeper.refuses(HOUSE.replace(before, after))
