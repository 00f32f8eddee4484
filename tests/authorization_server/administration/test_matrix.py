"""Every operation, asked by everybody, about an object of their own and of others: held against `matrix.txt`.

The operations come from the registry, so a new one is in here by itself and fails until the table says who may.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

from mintmark.authorization_server.administration import (
    AdministrationFault,
    access_requests,
    api_tokens,
    apis,
    client_secrets,
    clients,
    environments,
    hand_overs,
    legacy_tokens,
    machine_users,
    people,
    signature_keys,
    signing_keys,
    tenants,
)
from mintmark.authorization_server.administration.access import OPERATORS, SCOPES, Principal, admin_audience
from mintmark.authorization_server.administration.operation import Hashed
from mintmark.authorization_server.administration.operations import REGISTRY
from mintmark.authorization_server.administration.running import Administration
from mintmark.storage.store import SqlStore
from mintmark.values.secret import Secret
from mintmark.values.tenancy import Mount
from tests.authorization_server.administration.conftest import House, open_house

TABLE = Path(__file__).with_name("matrix.txt")
CALLERS = ("op", "adm", "own", "dev", "aud", "all", "cli", "cl-", "sta", "oth", "opc", "op-", "no")
PUBLIC_URL = "https://mint.example"
AUDIENCE = "https://api.example"
WORDS = {"invalid": "i", "conflict": "c", "forbidden": "f", "not_found": "n"}
HASHED = Hashed(Secret("a long password"), "digest")


def table() -> dict[str, str]:
    """Operation -> a letter for each caller."""
    rows = (line.split() for line in TABLE.read_text().splitlines() if line and not line.startswith("#"))
    return {name: "".join(letters) for name, *letters in rows}


class _Undone(Exception):
    """Ends a transaction without a trace."""


@dataclass
class Stage:
    """Two tenants with all that there can be, people, and clients for the admin API."""

    house: House
    administration: Administration
    principals: dict[str, Any]
    values: dict[str, Any]

    def given(self, name: str, **other: Any) -> Any:
        """An input about the objects of acme; `other` replaces some of its values."""
        operation = REGISTRY[name]
        wanted = {**SPECIAL.get(name, {}), **other}
        made = {}
        for each in fields(operation.given):
            needed = each.default is MISSING and each.default_factory is MISSING
            if each.name in wanted:
                made[each.name] = wanted[each.name]
            elif needed or each.name in ("environment", "tenant", "token_id"):
                if each.name not in self.values:
                    pytest.fail(f"say in test_matrix.py what `{each.name}` of {name} is")
                made[each.name] = self.values[each.name]
        return operation.given(**made)

    def outcome(self, name: str, caller: str, given: Any) -> tuple[str, str]:
        """The letter of what comes of it, and the sentence; nothing stays."""
        operation, house = REGISTRY[name], self.house
        scope = operation.rule.scope
        principal = self.principals[caller]
        if callable(principal):
            principal = principal(scope)
        act = replace(house.act, actor=principal.actor)

        def work(tx: Any) -> None:
            self.administration.within(tx, operation, principal, given, act, HASHED)
            raise _Undone

        try:
            house.write(work)
        except _Undone:
            return "y", ""
        except AdministrationFault as fault:
            return WORDS[fault.kind], str(fault)
        raise AssertionError


#: Values that one operation wants otherwise.
SPECIAL: dict[str, dict[str, Any]] = {
    "access_request.grant": {
        "tenant": "granted",
        "environment": "production",
        "copy_from": "acme/production",
    },
    "tenant.create": {"handle": "newcomer"},
    "environment.create": {"environment": "acme/fresh"},
    "mount.add": {"path": "/login/token"},
    "mount.end": {"ends_at": None},
    "api.create": {"audience": "https://new.example"},
    "client.import": {"client_id": "from-elsewhere"},
    "service_account.create": {"environment": "acme/production", "allowed": {AUDIENCE: ("read",)}},
    "service_account.new_secret": {"client_id": "account"},
    "machine_user.create": {"username": "new-robot"},
    "machine_user.import": {"username": "new-robot"},
    "legacy_token.import": {"token_id": "new-legacy"},
    "legacy_token.retire": {"token_id": "legacy"},
    "legacy_token.revoke": {"token_id": "legacy"},
    "person.create": {"username": "new@acme", "role": "developer"},
    "quota.set": {"limit": 5},
    "tenant_quota.set": {"limit": 5},
    "api_token.create": {"scopes": ("read",)},
}
#: What `username` is where it is a person's.
PERSON = {"username": "gone@acme"}


def _build(house: House) -> Stage:
    do = house.do
    admin_api = admin_audience(PUBLIC_URL)
    for handle in ("acme", "globex", "mintmark"):
        do(tenants.create, handle=handle, name=handle.title())
    for place in ("acme/production", "acme/staging", "globex/production", OPERATORS):
        tenant, _, name = place.partition("/")
        do(
            environments.create,
            tenant=tenant,
            name=name,
            issuer=f"{PUBLIC_URL}/t/{place}",
            mounts=[Mount("/oauth/token", "omnissa", slow_secrets=True)],
            client_id_template="{id}.x",
            dialects=house.dialects,
        )
        do(apis.create, environment=place, audience=AUDIENCE, name="Api", scopes={"read": "Read."})
        do(apis.create, environment=place, audience="https://unused.example", name="Unused")
        do(apis.create, environment=place, audience=admin_api, name="Admin", scopes=SCOPES)
    for username, role, tenant in (
        ("root", "operator", ""),
        ("all", "auditor", ""),
        ("adm@acme", "admin", "acme"),
        ("own@acme", "developer", "acme"),
        ("dev@acme", "developer", "acme"),
        ("aud@acme", "auditor", "acme"),
        ("gone@acme", "developer", "acme"),
        ("oth@globex", "admin", "globex"),
    ):
        do(people.create, username=username, role=role, tenant=tenant)
    here = "acme/production"
    made = do(clients.create, environment=here, name="App", allowed={AUDIENCE: ("read",)}, owner="own@acme")
    do(client_secrets.add, environment=here, client_id=made.client.client_id, keep_others=True)
    robots = {
        place: do(clients.create, environment=place, name="Robot", allowed={admin_api: tuple(SCOPES)}).client
        for place in (here, "acme/staging", OPERATORS)
    }
    do(machine_users.create, environment=here, username="robot", digest="d")
    token = do(api_tokens.create, environment=here, audience=AUDIENCE, scopes=["read"])
    do(
        legacy_tokens.import_token,
        environment=here,
        token_id="legacy",
        digest="d",
        audience=AUDIENCE,
        scopes=[],
    )
    key = do(signature_keys.create, environment=here, audience=AUDIENCE, scopes=["read"])
    asked = do(access_requests.ask, name="A", organization="B", use_case="C", contact="D")
    over = house.do(hand_overs.create, environment=here, about="for a partner", text=Secret("x"))
    kid = house.see(signing_keys.listing, here, house.act.now)[0].key.kid
    SPECIAL["service_account.new_secret"]["client_id"] = made.client.client_id

    def person(username: str) -> Principal:
        return Principal.person(house.see(people.show, username))

    principals: dict[str, Any] = {
        "op": person("root"),
        "adm": person("adm@acme"),
        "own": person("own@acme"),
        "dev": person("dev@acme"),
        "aud": person("aud@acme"),
        "all": person("all"),
        "oth": person("oth@globex"),
        "cli": lambda scope: Principal.client(robots[here], SCOPES),
        "cl-": lambda scope: Principal.client(robots[here], set(SCOPES) - {scope}),
        "sta": lambda scope: Principal.client(robots["acme/staging"], SCOPES),
        "opc": lambda scope: Principal.client(robots[OPERATORS], SCOPES),
        "op-": lambda scope: Principal.client(robots[OPERATORS], set(SCOPES) - {scope}),
    }
    values = {
        "environment": here,
        "tenant": "acme",
        "name": "A new name",
        "client_id": made.client.client_id,
        "secret_id": made.version.id,
        "secret": Secret("from-the-other-server"),
        "password": Secret("a long password"),
        "username": "robot",
        "audience": AUDIENCE,
        "scopes": (),
        "path": "/oauth/token",
        "dialect": "standard",
        "token_id": token.record.id,
        "key_id": key.record.id,
        "kid": kid,
        "request_id": asked.id,
        "reason": "Because.",
        "organization": "Brand",
        "use_case": "Reports",
        "contact": "by mail",
        "about": "for a partner",
        "text": Secret("what is handed over"),
        "hand_over_id": over.hand_over.id,
    }
    store = SqlStore(house.database)
    administration = Administration(
        store, lambda actor, request_id="", peer="": house.act, house.dialects, PUBLIC_URL
    )
    return Stage(house, administration, principals, values)


@contextmanager
def _stage(folder: Path) -> Iterator[Stage]:
    with open_house(folder) as house:
        yield _build(house)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with _stage(tmp_path_factory.mktemp("matrix")) as built:
        yield built


def _given(stage: Stage, name: str, **other: Any) -> Any:
    person = PERSON if name.startswith("person.") and name != "person.create" else {}
    special = {"audience": "https://unused.example"} if name == "api.delete" else {}
    return stage.given(name, **{**person, **special, **other})


def test_the_table_names_every_operation_and_no_other() -> None:
    assert set(table()) == set(REGISTRY)
    assert all(len(letters) == len(CALLERS) and set(letters) <= set("yfnu") for letters in table().values())


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_everybody_may_do_what_the_table_says_and_nothing_else(stage: Stage, name: str) -> None:
    expected = table()[name]
    given = _given(stage, name)
    found = ""
    for caller, letter in zip(CALLERS, expected, strict=True):
        if caller == "no":
            found += letter  # who nobody is, is told by tests/web/admin_api: every route answers 401
            continue
        outcome, sentence = stage.outcome(name, caller, given)
        assert outcome == letter, f"{caller}: {outcome} instead of {letter}: {sentence}"
        found += outcome
    assert found == expected


@pytest.mark.parametrize(
    "name", sorted(name for name, each in REGISTRY.items() if each.about != "installation")
)
def test_what_is_hidden_answers_word_for_word_as_what_is_not_there(stage: Stage, name: str) -> None:
    operation = REGISTRY[name]
    absent: dict[str, str] = {"environment": "umbrella/production", "tenant": "umbrella"}
    names = [each.name for each in fields(operation.given)]
    if operation.about == "person":
        absent = {"username": "nobody@umbrella"}
    there = _given(stage, name)
    wanted = {key: value for key, value in absent.items() if key in names and getattr(there, key)}
    nowhere = _given(stage, name, **wanted)
    for caller in ("oth", "sta", "dev"):
        outcome, sentence = stage.outcome(name, caller, there)
        if outcome != "n":
            continue
        if operation.about == "client" and caller == "dev":
            nowhere = _given(stage, name, client_id="nobody-at-all")
            wanted = {"client_id": "nobody-at-all"}
        other, said = stage.outcome(name, caller, nowhere)
        for key, value in wanted.items():
            sentence = sentence.replace(str(getattr(there, key)), value)
        assert (other, said) == ("n", sentence)
