"""Whatever is done in whatever order: the disabled stays so until it is enabled itself, what is over stays over."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from mintmark.authorization_server.administration import (
    AdministrationFault,
    api_tokens,
    client_secrets,
    clients,
    environments,
    machine_users,
    quotas,
    tenants,
)
from mintmark.values.client import Client
from mintmark.values.credential import ApiToken, MachineUser, SecretVersion
from mintmark.values.tenancy import Environment, Tenant
from tests.authorization_server.administration.conftest import (
    AUDIENCE,
    ENVIRONMENT,
    House,
    furnish,
    open_house,
)

USER = "bot@brand.example"


class Doors(RuleBasedStateMachine):
    """A model of what is enabled and what is over, beside the real thing."""

    known_clients = Bundle("known_clients")
    known_secrets = Bundle("known_secrets")

    def __init__(self) -> None:
        super().__init__()
        self.resources = ExitStack()
        folder = self.resources.enter_context(tempfile.TemporaryDirectory())
        self.house: House = self.resources.enter_context(open_house(Path(folder)))
        furnish(self.house)
        self.house.do(machine_users.create, environment=ENVIRONMENT, username=USER, digest="d")
        self.enabled = {"acme": True, ENVIRONMENT: True, USER: True}
        self.over: set[str] = set()

    def teardown(self) -> None:
        self.resources.close()

    def usable(self) -> bool:
        return self.enabled["acme"] and self.enabled[ENVIRONMENT]

    @initialize(target=known_clients)
    def first_client(self) -> str:
        return self.create_client_now()

    def create_client_now(self) -> str:
        made = self.house.do(
            clients.create, environment=ENVIRONMENT, name="Some", allowed={AUDIENCE: ["orders:read"]}
        )
        self.enabled[made.client.client_id] = True
        return made.client.client_id

    @rule(target=known_clients)
    def create_client(self) -> object:
        if self.usable():
            return self.create_client_now()
        self.house.refuses("conflict", clients.create, environment=ENVIRONMENT, name="Some")
        return multiple()

    @rule(client=consumes(known_clients))
    def delete_client(self, client: str) -> None:
        self.house.do(clients.delete, ENVIRONMENT, client)
        del self.enabled[client]

    @rule(enable=st.booleans())
    def switch_tenant(self, enable: bool) -> None:
        self.house.do(tenants.enable if enable else tenants.disable, "acme")
        self.enabled["acme"] = enable

    @rule(enable=st.booleans())
    def switch_environment(self, enable: bool) -> None:
        self.house.do(environments.enable if enable else environments.disable, ENVIRONMENT)
        self.enabled[ENVIRONMENT] = enable

    @rule(client=known_clients, enable=st.booleans())
    def switch_client(self, client: str, enable: bool) -> None:
        self.house.do(clients.enable if enable else clients.disable, ENVIRONMENT, client)
        self.enabled[client] = enable

    @rule(enable=st.booleans())
    def switch_user(self, enable: bool) -> None:
        self.house.do(machine_users.enable if enable else machine_users.disable, ENVIRONMENT, USER)
        self.enabled[USER] = enable

    @rule(client=known_clients)
    def change_everything_else(self, client: str) -> None:
        self.house.do(tenants.change, "acme", name="Acme")
        self.house.do(environments.change, ENVIRONMENT, dialects=self.house.dialects, rate_limit=5)
        self.house.do(clients.change, ENVIRONMENT, client, name="Other", allowed={AUDIENCE: []})
        self.house.do(quotas.set_client, ENVIRONMENT, client, 5)
        self.house.do(machine_users.change_password, ENVIRONMENT, USER, digest="other")

    @rule(target=known_secrets, client=known_clients, overlap=st.sampled_from([None, 0, 5]))
    def add_secret(self, client: str, overlap: int | None) -> object:
        given = {"environment": ENVIRONMENT, "client_id": client, "overlap": overlap}
        if not self.usable():
            self.house.refuses("conflict", client_secrets.add, **given)
            return multiple()
        try:
            made = self.house.do(client_secrets.add, **given)
        except AdministrationFault as full:
            assert "live secrets" in str(full)
            return multiple()
        return (client, made.version.id)

    @rule(secret=known_secrets, after=st.sampled_from([None, 0, 3, 50]), revoke=st.booleans())
    def end_secret(self, secret: tuple[str, str], after: int | None, revoke: bool) -> None:
        client, secret_id = secret
        if client not in self.enabled:
            return
        given = {"environment": ENVIRONMENT, "client_id": client, "secret_id": secret_id}
        if revoke:
            self.house.do(client_secrets.revoke, **given)
            return
        at = None if after is None else self.house.act.now + after
        before = self.house.see(lambda tx: tx.get(SecretVersion, ENVIRONMENT, client, secret_id))
        try:
            end = self.house.do(client_secrets.retire, **given, at=at).retires_at
        except AdministrationFault as refusal:
            assert refusal.kind == "conflict"
            return
        assert before is not None
        assert end is not None
        assert before.retires_at is None or end <= before.retires_at

    @rule()
    def create_token(self) -> None:
        given = {
            "environment": ENVIRONMENT,
            "audience": AUDIENCE,
            "scopes": ["orders:read"],
            "username": USER,
        }
        if self.usable() and self.enabled[USER]:
            self.house.do(api_tokens.create, **given, expires_at=self.house.act.now + 4)
        else:
            self.house.refuses("conflict", api_tokens.create, **given)

    @rule(seconds=st.sampled_from([1, 5, 100]))
    def wait(self, seconds: int) -> None:
        self.house.later(seconds)

    @invariant()
    def only_its_own_switch_moves_it(self) -> None:
        def look(tx: object) -> dict[str, bool]:
            found = {"acme": tx.get(Tenant, "acme"), ENVIRONMENT: tx.get(Environment, "acme", "production")}  # type: ignore[attr-defined]
            found |= {each.client_id: each for each in tx.find(Client, environment=ENVIRONMENT)}  # type: ignore[attr-defined]
            found |= {each.username: each for each in tx.find(MachineUser, environment=ENVIRONMENT)}  # type: ignore[attr-defined]
            return {name: record.enabled for name, record in found.items()}

        assert self.house.see(look) == self.enabled

    @invariant()
    def what_is_over_stays_over(self) -> None:
        now = self.house.act.now
        found = self.house.see(
            lambda tx: [
                *tx.find(SecretVersion, environment=ENVIRONMENT),
                *tx.find(ApiToken, environment=ENVIRONMENT),
            ]
        )
        over = {each.id for each in found if each.state(now) in ("expired", "revoked")}
        assert self.over & {each.id for each in found} <= over
        self.over |= over


Doors.TestCase.settings = settings(max_examples=15, stateful_step_count=25)
TestNoSideDoor = Doors.TestCase
