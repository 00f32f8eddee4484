"""Who may do what: the one table of rules, and the one function that decides by it. Pure.

Operators may do everything. Everybody else acts within one tenant: what they may not see is *hidden* (answered as
what does not exist), what they see and may not do is *forbidden*. A client acts with the scopes of its token.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from mintmark.values.client import Client
from mintmark.values.person import Person, Role

#: The tenant whose clients act as operators; only operators see it.
RESERVED_TENANT = "mintmark"
#: Its environment, made by `mintmark init`.
OPERATORS = f"{RESERVED_TENANT}/operators"
#: Where the admin API stands below the public URL; both together are its audience.
ADMIN_PATH = "/admin/v1"

Verdict = Literal["allowed", "forbidden", "hidden"]


def admin_audience(public_url: str) -> str:
    """The audience of the admin API of this installation."""
    return public_url + ADMIN_PATH


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts. `actor`: for the audit trail: ``person:ada``, ``client:acme/production/abc``, ``cli:root``.

    `tenant`: the one it sees, empty for all. `environment`: the one it sees, empty for all of the tenant.
    `username` of a person, `client_id` of a client (in `home`, its environment). `scopes`: a client's; None for
    people and for the installation itself.
    """

    actor: str
    role: Role
    tenant: str = ""
    environment: str = ""
    username: str = ""
    client_id: str = ""
    home: str = ""
    scopes: frozenset[str] | None = None

    @classmethod
    def installation(cls, actor: str) -> Principal:
        """The installation itself: the local command line, or the server's own work. May do everything."""
        return cls(actor, "operator")

    @classmethod
    def person(cls, person: Person) -> Principal:
        """A person who has signed in."""
        return cls(f"person:{person.username}", person.role, person.tenant, username=person.username)

    @classmethod
    def client(cls, client: Client, scopes: Collection[str]) -> Principal:
        """A client with a token for the admin API. Of the operators' environment: an operator; else an admin there."""
        actor = f"client:{client.environment}/{client.client_id}"
        tenant = client.environment.partition("/")[0]
        own = frozenset(scopes)
        if client.environment == OPERATORS:
            return cls(actor, "operator", client_id=client.client_id, home=client.environment, scopes=own)
        return cls(actor, "admin", tenant, client.environment, "", client.client_id, client.environment, own)

    @property
    def is_operator(self) -> bool:
        """Whether it acts for the whole installation."""
        return self.role == "operator"

    def sees_tenant(self, handle: str) -> bool:
        """Whether it may know that the tenant exists."""
        return self.tenant in ("", handle)

    def sees_environment(self, environment: str) -> bool:
        """Whether it may know that the environment exists."""
        return self.sees_tenant(environment.partition("/")[0]) and self.environment in ("", environment)

    def sees_client(self, owner: str) -> bool:
        """Whether it may know of a client that this person made. A developer sees only its own."""
        return self.role != "developer" or (owner != "" and owner == self.username)

    def may_grant(self, scopes: Collection[str]) -> bool:
        """Whether it may hand these scopes of the admin API to a client, or touch one that has them.

        Nobody hands on more than it may do: a developer nothing, a client what its own token carries.
        """
        if self.role not in ("operator", "admin"):
            return not scopes
        return self.scopes is None or self.scopes.issuperset(scopes)


@dataclass(frozen=True, slots=True)
class Subject:
    """What an operation is about, as it is stored. `tenant` and `environment` are empty where it is about none.

    `owner`: of the client it is about; None when it is about no client.
    """

    tenant: str = ""
    environment: str = ""
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """`roles`: those who may, beside operators. `scope`: what a client's token must carry.

    `of_tenant`: it is about all of a tenant, so that the client of one environment may not.
    """

    scope: str
    roles: frozenset[Role] = frozenset()
    of_tenant: bool = False


def decide(rule: Rule, principal: Principal, subject: Subject) -> Verdict:
    """Whether `principal` may do to `subject` what `rule` is about."""
    if subject.tenant and not principal.sees_tenant(subject.tenant):
        return "hidden"
    if subject.environment and not principal.sees_environment(subject.environment):
        return "hidden"
    if subject.owner is not None and not principal.sees_client(subject.owner):
        return "hidden"
    if principal.tenant == RESERVED_TENANT:
        return "forbidden"
    if principal.scopes is not None and rule.scope not in principal.scopes:
        return "forbidden"
    if principal.is_operator:
        return "allowed"
    if principal.environment and rule.of_tenant:
        return "forbidden"
    return "allowed" if principal.role in rule.roles else "forbidden"


def may_ever(rule: Rule, principal: Principal) -> bool:
    """Whether there is anything at all that the rule lets `principal` do; for faces that leave out what is not."""
    return decide(rule, principal, Subject(principal.tenant, principal.environment)) == "allowed"


_ADMIN: frozenset[Role] = frozenset({"admin"})
_MAKERS: frozenset[Role] = frozenset({"admin", "developer"})
_READERS: frozenset[Role] = frozenset({"admin", "auditor"})
_EVERYBODY: frozenset[Role] = frozenset({"admin", "developer", "auditor"})

#: Every operation has its rule here; one without cannot be registered.
RULES: Mapping[str, Rule] = {
    "tenant.create": Rule("tenants:write"),
    "tenant.list": Rule("tenants:read", _EVERYBODY),
    "tenant.show": Rule("tenants:read", _EVERYBODY),
    "tenant.change": Rule("tenants:write"),
    "tenant.disable": Rule("tenants:write"),
    "tenant.enable": Rule("tenants:write"),
    "tenant.delete": Rule("tenants:write"),
    "environment.create": Rule("environments:write"),
    "environment.list": Rule("environments:read", _EVERYBODY),
    "environment.show": Rule("environments:read", _EVERYBODY),
    "environment.change": Rule("environments:write"),
    "environment.disable": Rule("environments:write"),
    "environment.enable": Rule("environments:write"),
    "environment.delete": Rule("environments:write"),
    "mount.add": Rule("environments:write"),
    "mount.list": Rule("environments:read", _READERS),
    "mount.change": Rule("environments:write"),
    "mount.end": Rule("environments:write"),
    "mount.remove": Rule("environments:write"),
    "api.create": Rule("apis:write"),
    "api.list": Rule("apis:read", _EVERYBODY),
    "api.show": Rule("apis:read", _EVERYBODY),
    "api.change": Rule("apis:write"),
    "api.enable": Rule("apis:write"),
    "api.disable": Rule("apis:write"),
    "api.delete": Rule("apis:write"),
    "client.create": Rule("clients:write", _MAKERS),
    "client.import": Rule("clients:write", _ADMIN),
    "client.list": Rule("clients:read", _EVERYBODY),
    "client.show": Rule("clients:read", _EVERYBODY),
    "client.change": Rule("clients:write", _MAKERS),
    "client.disable": Rule("clients:write", _MAKERS),
    "client.enable": Rule("clients:write", _MAKERS),
    "client.delete": Rule("clients:write", _MAKERS),
    "secret.add": Rule("clients:write", _MAKERS),
    "secret.import": Rule("clients:write", _ADMIN),
    "secret.list": Rule("clients:read", _EVERYBODY),
    "secret.retire": Rule("clients:write", _MAKERS),
    "secret.revoke": Rule("clients:write", _MAKERS),
    "service_account.create": Rule("clients:write", _ADMIN),
    "service_account.new_secret": Rule("clients:write", _ADMIN),
    "machine_user.create": Rule("machine_users:write", _ADMIN),
    "machine_user.import": Rule("machine_users:write", _ADMIN),
    "machine_user.list": Rule("machine_users:read", _READERS),
    "machine_user.show": Rule("machine_users:read", _READERS),
    "machine_user.change": Rule("machine_users:write", _ADMIN),
    "machine_user.change_password": Rule("machine_users:write", _ADMIN),
    "machine_user.disable": Rule("machine_users:write", _ADMIN),
    "machine_user.enable": Rule("machine_users:write", _ADMIN),
    "machine_user.delete": Rule("machine_users:write", _ADMIN),
    "api_token.create": Rule("api_tokens:write", _ADMIN),
    "api_token.list": Rule("api_tokens:read", _READERS),
    "api_token.revoke": Rule("api_tokens:write", _ADMIN),
    "legacy_token.import": Rule("legacy_tokens:write"),
    "legacy_token.list": Rule("legacy_tokens:read", _READERS),
    "legacy_token.retire": Rule("legacy_tokens:write", _ADMIN),
    "legacy_token.revoke": Rule("legacy_tokens:write", _ADMIN),
    "token.revoke": Rule("tokens:write", _ADMIN),
    "signature_key.create": Rule("signature_keys:write", _ADMIN),
    "signature_key.list": Rule("signature_keys:read", _READERS),
    "signature_key.retire": Rule("signature_keys:write", _ADMIN),
    "signature_key.revoke": Rule("signature_keys:write", _ADMIN),
    "hand_over.create": Rule("hand_overs:write", _MAKERS),
    "hand_over.list": Rule("hand_overs:read", _READERS),
    "hand_over.withdraw": Rule("hand_overs:write", _ADMIN),
    "quota.set": Rule("quotas:write"),
    "quota.clear": Rule("quotas:write"),
    "quota.show": Rule("quotas:read", _EVERYBODY),
    "tenant_quota.set": Rule("quotas:write", of_tenant=True),
    "tenant_quota.clear": Rule("quotas:write", of_tenant=True),
    "tenant_quota.show": Rule("quotas:read", _READERS, of_tenant=True),
    "signing_key.list": Rule("signing_keys:read", _READERS),
    "signing_key.rotate": Rule("signing_keys:write"),
    "signing_key.withdraw": Rule("signing_keys:write"),
    "access_request.ask": Rule("access_requests:write"),
    "access_request.list": Rule("access_requests:read"),
    "access_request.show": Rule("access_requests:read"),
    "access_request.approve": Rule("access_requests:write"),
    "access_request.grant": Rule("access_requests:write"),
    "access_request.refuse": Rule("access_requests:write"),
    "person.create": Rule("people:write", _ADMIN, of_tenant=True),
    "person.list": Rule("people:read", _READERS, of_tenant=True),
    "person.show": Rule("people:read", _READERS, of_tenant=True),
    "person.change": Rule("people:write", _ADMIN, of_tenant=True),
    "person.change_password": Rule("people:write", _ADMIN, of_tenant=True),
    "person.reset_sign_in": Rule("people:write", _ADMIN, of_tenant=True),
    "person.disable": Rule("people:write", _ADMIN, of_tenant=True),
    "person.enable": Rule("people:write", _ADMIN, of_tenant=True),
    "person.delete": Rule("people:write", _ADMIN, of_tenant=True),
    "attention.list": Rule("clients:read", _EVERYBODY),
    "usage.show": Rule("audit:read", _EVERYBODY),
    "audit.search": Rule("audit:read", _EVERYBODY),
    "audit.export": Rule("audit:read", _EVERYBODY),
}

#: Scopes of the admin API, each with what it allows in words.
SCOPES: Mapping[str, str] = {
    scope: f"{'Reading' if scope.endswith(':read') else 'Making and changing'} {noun}"
    for scope, noun in sorted(
        {rule.scope: rule.scope.partition(":")[0].replace("_", " ") for rule in RULES.values()}.items()
    )
}
