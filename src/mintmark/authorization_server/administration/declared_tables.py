"""The tables of a file that declares an installation: which objects there are, by what each is known, and reading one
with the types of its fields.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, get_type_hints

from mintmark.authorization_server.administration.act import AdministrationFault
from mintmark.authorization_server.administration.operation import Operation
from mintmark.authorization_server.administration.operations import (
    api,
    client,
    environment,
    machine_user,
    person,
    tenant,
)
from mintmark.authorization_server.administration.operations.inputs import (
    OfApi,
    OfClient,
    OfEnvironment,
    OfTenant,
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the file. `key`: what an object is known by. `beside`: fields that other operations set.

    `switches`: the operations that enable and disable, and the input that names the object for them.
    """

    name: str
    noun: str
    key: tuple[str, ...]
    create: Operation[Any, Any]
    change: Operation[Any, Any]
    switches: tuple[Operation[Any, Any], Operation[Any, Any], type]
    beside: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Every field that an object may have in the file; what is shown once or hashed is none of them."""
        own = (each.name for each in fields(self.create.given) if each.name not in _NEVER)
        return (*own, "enabled")


_NEVER = frozenset({"password", "secret", "label", "expires_at"})
TABLES = (
    Table(
        "tenants",
        "tenant",
        ("handle",),
        tenant.create,
        tenant.change,
        (tenant.enable, tenant.disable, OfTenant),
        ("daily_token_limit",),
        {"handle": "tenant"},
    ),
    Table(
        "environments",
        "environment",
        ("environment",),
        environment.create,
        environment.change,
        (environment.enable, environment.disable, OfEnvironment),
        ("mounts", "issuer"),
    ),
    Table(
        "apis",
        "API",
        ("environment", "audience"),
        api.create,
        api.change,
        (api.enable, api.disable, OfApi),
        ("token_format", "algorithm"),
    ),
    Table(
        "clients",
        "client",
        ("environment", "name"),
        client.create,
        client.change,
        (client.enable, client.disable, OfClient),
        ("daily_token_limit",),
    ),
    Table(
        "machine_users",
        "machine user",
        ("environment", "username"),
        machine_user.create,
        machine_user.change,
        (machine_user.enable, machine_user.disable, machine_user.OfMachineUser),
    ),
    Table(
        "people",
        "person",
        ("username",),
        person.create,
        person.change,
        (person.enable, person.disable, person.OfPerson),
        ("tenant",),
    ),
)


def read(table: Table, given: object, where: str) -> dict[str, Any]:
    """An object of the file with the types of its fields."""
    if not isinstance(given, dict):
        raise AdministrationFault(f"{where} must be a table.")
    hints = get_type_hints(table.create.given)
    for name in given:
        if name not in table.names:
            raise AdministrationFault(f"{where}: there is no field {name}{near(name, table.names)}.")
    for name in table.key:
        if not isinstance(given.get(name), str) or not given[name]:
            raise AdministrationFault(f"{where}: say its {name}.")
    return {name: _typed(hints.get(name, bool), value, f"{where}.{name}") for name, value in given.items()}


def _typed(hint: Any, value: Any, where: str) -> Any:
    """A value of the file as the field's type has it: lists are tuples there."""
    plain = {str: str, int: int, bool: bool}
    text = str(hint)
    if hint in plain:
        if type(value) is not plain[hint]:
            raise AdministrationFault(
                f"{where} must be a {'truth value' if hint is bool else 'number' if hint is int else 'text'}."
            )
        return value
    if "Mapping" in text or "dict" in text:
        if not isinstance(value, dict):
            raise AdministrationFault(f"{where} must be a table.")
        return {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}
    if "tuple" in text:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise AdministrationFault(f"{where} must be a list of texts.")
        return tuple(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise AdministrationFault(f"{where} must be a text or a number.")
    return value


def what(table: Table, key: tuple[Any, ...]) -> str:
    return f"{table.noun} {' '.join(map(str, key))}"


def near(name: str, known: Collection[str]) -> str:
    found = get_close_matches(name, list(known), 1)
    return f"; did you mean {found[0]}" if found else ""
