"""Where each operation stands in the HTTP API: method, path, how its list is paged, what an If-Match is held against.

Data for both ends: `web.admin_api` serves by it, the command line calls by it. Values of a path are percent-encoded as
one segment each; ``{tenant}/{name}`` together are the input's `environment`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal
from urllib.parse import quote

from mintmark.authorization_server.administration.operation import Operation
from mintmark.authorization_server.administration.operations import REGISTRY

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Binding:
    """`method` and `path` (below the API). `order`: the keys of a row that a list is ordered by; it is paged by them.

    `newest_first`: whether that order falls. `state`: the operation that shows what is changed, whose ETag an
    If-Match names; `must_match`: without one the change is refused (428). `creates`: answered by 201, and safe to
    repeat with an Idempotency-Key.
    """

    method: Method
    path: str
    order: tuple[str, ...] = ()
    newest_first: bool = False
    state: str = ""
    must_match: bool = False
    creates: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The input's fields that stand in the path."""
        marked = self.path.replace("{tenant}/{name}", "{environment}")
        return tuple(part[1:-1] for part in marked.split("/") if part.startswith("{"))

    def filled(self, given: Any) -> str:
        """The path for an input."""
        path = self.path
        for name in self.names:
            value = str(getattr(given, name))
            if name == "environment":
                path = path.replace("{tenant}/{name}", "/".join(map(_segment, value.partition("/")[::2])))
            else:
                path = path.replace(f"{{{name}}}", _segment(value))
        return path

    def beside(self, operation: Operation[Any, Any]) -> tuple[str, ...]:
        """The input's fields that do not stand in the path: in the query of a GET, else in the body."""
        return tuple(each.name for each in fields(operation.given) if each.name not in self.names)


def _segment(text: str) -> str:
    """Percent-encoded; a segment of dots alone would be taken for a step up (RFC 3986 §5.2.4)."""
    encoded = quote(text, safe="")
    return encoded.replace(".", "%2E") if set(encoded) <= {"."} else encoded


def _read(path: str, *order: str, newest_first: bool = False) -> Binding:
    return Binding("GET", path, order, newest_first)


def _create(path: str) -> Binding:
    return Binding("POST", path, creates=True)


def _change(path: str, state: str) -> Binding:
    return Binding("PATCH", path, state=state, must_match=True)


def _act(path: str, state: str = "") -> Binding:
    return Binding("POST", path, state=state)


_E = "/environments/{tenant}/{name}"
_CLIENT = f"{_E}/clients/{{client_id}}"

BINDINGS: Mapping[str, Binding] = {
    "tenant.create": _create("/tenants"),
    "tenant.list": _read("/tenants", "handle"),
    "tenant.show": _read("/tenants/{tenant}"),
    "tenant.change": _change("/tenants/{tenant}", "tenant.show"),
    "tenant.disable": _act("/tenants/{tenant}/disable", "tenant.show"),
    "tenant.enable": _act("/tenants/{tenant}/enable", "tenant.show"),
    "tenant.delete": Binding("DELETE", "/tenants/{tenant}", state="tenant.show"),
    "tenant_quota.show": _read("/tenants/{tenant}/quota"),
    "tenant_quota.set": Binding("PUT", "/tenants/{tenant}/quota", state="tenant_quota.show"),
    "tenant_quota.clear": Binding("DELETE", "/tenants/{tenant}/quota", state="tenant_quota.show"),
    "environment.create": _create("/environments"),
    "environment.list": _read("/environments", "id"),
    "environment.show": _read(_E),
    "environment.change": _change(_E, "environment.show"),
    "environment.disable": _act(f"{_E}/disable", "environment.show"),
    "environment.enable": _act(f"{_E}/enable", "environment.show"),
    "environment.delete": Binding("DELETE", _E, state="environment.show"),
    "mount.add": _create(f"{_E}/mounts"),
    "mount.list": _read(f"{_E}/mounts", "path"),
    "mount.change": Binding("PATCH", f"{_E}/mounts/{{path}}"),
    "mount.end": _act(f"{_E}/mounts/{{path}}/end"),
    "mount.remove": Binding("DELETE", f"{_E}/mounts/{{path}}"),
    "api.create": _create(f"{_E}/apis"),
    "api.list": _read(f"{_E}/apis", "audience"),
    "api.show": _read(f"{_E}/apis/{{audience}}"),
    "api.change": _change(f"{_E}/apis/{{audience}}", "api.show"),
    "api.enable": _act(f"{_E}/apis/{{audience}}/enable", "api.show"),
    "api.disable": _act(f"{_E}/apis/{{audience}}/disable", "api.show"),
    "api.delete": Binding("DELETE", f"{_E}/apis/{{audience}}", state="api.show"),
    "client.create": _create(f"{_E}/clients"),
    "client.import": _create(f"{_E}/imported-clients"),
    "client.list": _read(f"{_E}/clients", "client_id"),
    "client.show": _read(_CLIENT),
    "client.change": _change(_CLIENT, "client.show"),
    "client.disable": _act(f"{_CLIENT}/disable", "client.show"),
    "client.enable": _act(f"{_CLIENT}/enable", "client.show"),
    "client.delete": Binding("DELETE", _CLIENT, state="client.show"),
    "quota.show": _read(f"{_CLIENT}/quota"),
    "quota.set": Binding("PUT", f"{_CLIENT}/quota", state="quota.show"),
    "quota.clear": Binding("DELETE", f"{_CLIENT}/quota", state="quota.show"),
    "secret.add": _create(f"{_CLIENT}/secrets"),
    "secret.import": _create(f"{_CLIENT}/imported-secrets"),
    "secret.list": _read(f"{_CLIENT}/secrets", "created_at", "secret_id", newest_first=True),
    "secret.retire": _act(f"{_CLIENT}/secrets/{{secret_id}}/retire"),
    "secret.revoke": _act(f"{_CLIENT}/secrets/{{secret_id}}/revoke"),
    "service_account.create": _create(f"{_E}/service-accounts"),
    "service_account.new_secret": _create(f"{_E}/service-accounts/{{client_id}}/secrets"),
    "machine_user.create": _create(f"{_E}/machine-users"),
    "machine_user.import": _create(f"{_E}/imported-machine-users"),
    "machine_user.list": _read(f"{_E}/machine-users", "username"),
    "machine_user.show": _read(f"{_E}/machine-users/{{username}}"),
    "machine_user.change": _change(f"{_E}/machine-users/{{username}}", "machine_user.show"),
    "machine_user.change_password": _create(f"{_E}/machine-users/{{username}}/passwords"),
    "machine_user.disable": _act(f"{_E}/machine-users/{{username}}/disable", "machine_user.show"),
    "machine_user.enable": _act(f"{_E}/machine-users/{{username}}/enable", "machine_user.show"),
    "machine_user.delete": Binding("DELETE", f"{_E}/machine-users/{{username}}", state="machine_user.show"),
    "api_token.create": _create(f"{_E}/api-tokens"),
    "api_token.list": _read(f"{_E}/api-tokens", "created_at", "token_id", newest_first=True),
    "api_token.revoke": _act(f"{_E}/api-tokens/{{token_id}}/revoke"),
    "legacy_token.import": _create(f"{_E}/imported-legacy-tokens"),
    "legacy_token.list": _read(f"{_E}/legacy-tokens", "token_id"),
    "legacy_token.retire": _act(f"{_E}/legacy-tokens/{{token_id}}/retire"),
    "legacy_token.revoke": _act(f"{_E}/legacy-tokens/{{token_id}}/revoke"),
    "token.revoke": _act(f"{_E}/tokens/revoke"),
    "signature_key.create": _create(f"{_E}/signature-keys"),
    "signature_key.list": _read(f"{_E}/signature-keys", "created_at", "key_id", newest_first=True),
    "signature_key.retire": _act(f"{_E}/signature-keys/{{key_id}}/retire"),
    "signature_key.revoke": _act(f"{_E}/signature-keys/{{key_id}}/revoke"),
    "signing_key.list": _read(f"{_E}/signing-keys", "signs_at", "kid", newest_first=True),
    "signing_key.rotate": _create(f"{_E}/signing-keys"),
    "signing_key.withdraw": _act(f"{_E}/signing-keys/{{kid}}/withdraw"),
    "hand_over.create": _create(f"{_E}/hand-overs"),
    "hand_over.list": _read(f"{_E}/hand-overs", "created_at", "hand_over_id"),
    "hand_over.withdraw": Binding("DELETE", f"{_E}/hand-overs/{{hand_over_id}}"),
    "access_request.ask": _create("/access-requests"),
    "access_request.list": _read("/access-requests", "created_at", "id"),
    "access_request.show": _read("/access-requests/{request_id}"),
    "access_request.approve": _act("/access-requests/{request_id}/approve", "access_request.show"),
    "access_request.grant": _create("/access-requests/{request_id}/grant"),
    "access_request.refuse": _act("/access-requests/{request_id}/refuse", "access_request.show"),
    "person.create": _create("/people"),
    "person.list": _read("/people", "username"),
    "person.show": _read("/people/{username}"),
    "person.change": _change("/people/{username}", "person.show"),
    "person.change_password": _act("/people/{username}/password"),
    "person.reset_sign_in": _act("/people/{username}/reset-sign-in", "person.show"),
    "person.disable": _act("/people/{username}/disable", "person.show"),
    "person.enable": _act("/people/{username}/enable", "person.show"),
    "person.delete": Binding("DELETE", "/people/{username}", state="person.show"),
    "attention.list": _read("/attention", "why", "environment", "kind", "credential_id", "client_id"),
    "usage.show": _read(f"{_E}/usage", "at", "client_id", "outcome", "reason"),
    "audit.search": _read("/audit", "id", newest_first=True),
    "audit.export": _read("/audit/export", "id"),
}


def bound() -> list[tuple[Operation[Any, Any], Binding]]:
    """Every operation with its place. Raises LookupError when one has none."""
    missing = set(REGISTRY) ^ set(BINDINGS)
    if missing:
        raise LookupError(f"operations and bindings differ: {', '.join(sorted(missing))}")
    return [(REGISTRY[name], binding) for name, binding in BINDINGS.items()]
