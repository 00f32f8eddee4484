"""An installation as a file declares it: what the file says against what there is, as steps that make it so.

Pure but for the reads that it is handed. What the file does not name is left alone; within what it names, the fields
that it gives are made so and the others stay. Clients are known by their names, since their ids are generated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal

from mintmark.authorization_server.administration.act import AdministrationFault
from mintmark.authorization_server.administration.declared_tables import TABLES, Table, near
from mintmark.authorization_server.administration.declared_tables import read as read_table
from mintmark.authorization_server.administration.declared_tables import what as what_of
from mintmark.authorization_server.administration.operation import Operation
from mintmark.authorization_server.administration.operations import (
    api,
    client,
    environment,
    machine_user,
    mount,
    person,
    quota,
    tenant,
)
from mintmark.authorization_server.administration.operations.inputs import (
    Nothing,
    OfClient,
    OfEnvironment,
    OfTenant,
)
from mintmark.values.permission import EVERYTHING

Row = Mapping[str, Any]
Read = Callable[[Operation[Any, Any], Any], list[Row]]
"""Lists by an operation; the rows as they are shown."""
Sign = Literal["+", "~", "-"]


@dataclass(frozen=True, slots=True)
class Step:
    """One operation to run. `what`: its object in words. `differences`: field, what it is, what it will be."""

    sign: Sign
    what: str
    operation: Operation[Any, Any]
    given: Any = field(repr=False)
    differences: tuple[tuple[str, Any, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """`steps`: in the order in which they have to run. `unchanged`: how many objects are as the file has them."""

    steps: tuple[Step, ...]
    unchanged: int


def plan(document: Mapping[str, object], read: Read) -> Plan:
    """What has to be done. Raises AdministrationFault, one sentence with the place in the file."""
    known = {table.name for table in TABLES}
    for name in document:
        if name not in known:
            raise AdministrationFault(
                f"There is no table [[{name}]]; there are: {', '.join(sorted(known))}{near(name, known)}."
            )
    present = _Present(read)
    steps: list[Step] = []
    unchanged = 0
    for table in TABLES:
        wanted = document.get(table.name, [])
        if not isinstance(wanted, list):
            raise AdministrationFault(f"{table.name} must be tables: write [[{table.name}]].")
        seen: set[tuple[object, ...]] = set()
        for index, each in enumerate(wanted):
            where = f"{table.name}[{index + 1}]"
            asked = read_table(table, each, where)
            key = tuple(asked.get(name, "") for name in table.key)
            if key in seen:
                raise AdministrationFault(f"{where}: {' '.join(map(str, key))} stands twice.")
            seen.add(key)
            found = present.row(table, key, where)
            made = list(_made(table, asked, key) if found is None else _changed(table, asked, key, found))
            steps += made
            unchanged += not made
    return Plan(tuple(steps), unchanged)


class _Present:
    """What there is, read once for each table and environment."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._lists: dict[tuple[str, str], list[Row]] = {}

    def row(self, table: Table, key: tuple[Any, ...], where: str) -> Row | None:
        """The one row of that key, or None. Raises AdministrationFault when the key means several."""
        environment_id = str(key[0]) if table.key[0] == "environment" and table.name != "environments" else ""
        names = {"environment": "id"} if table.name == "environments" else {}
        found = [
            row
            for row in self._list(table.name, environment_id)
            if all(row[names.get(name, name)] == value for name, value in zip(table.key, key, strict=True))
        ]
        if len(found) > 1:
            raise AdministrationFault(
                f"{where}: there are {len(found)} of this name: rename all but one first."
            )
        return found[0] if found else None

    def _list(self, name: str, environment_id: str) -> list[Row]:
        if (name, environment_id) not in self._lists:
            self._lists[name, environment_id] = self._fetch(name, environment_id)
        return self._lists[name, environment_id]

    def _fetch(self, name: str, environment_id: str) -> list[Row]:
        if name == "tenants":
            return self._read(tenant.listing, Nothing())
        if name == "environments":
            return self._read(environment.listing, environment.EnvironmentsOf())
        if name == "people":
            return self._read(person.listing, person.PeopleOf())
        if not any(row["id"] == environment_id for row in self._list("environments", "")):
            return []  # made by an earlier step, and empty
        listings: dict[str, Operation[Any, Any]] = {
            "apis": api.listing,
            "clients": client.listing,
            "machine_users": machine_user.listing,
        }
        return self._read(listings[name], OfEnvironment(environment_id))


def _made(table: Table, asked: dict[str, Any], key: tuple[Any, ...]) -> Iterator[Step]:
    given = {name: value for name, value in asked.items() if name != "enabled"}
    for name in ("daily_token_limit", "rate_limit"):
        if given.get(name) == 0:
            del given[name]  # no limit is how it begins
    required = [
        each.name
        for each in fields(table.create.given)
        if each.default is MISSING and each.default_factory is MISSING
    ]
    for name in required:
        if name not in given:
            raise AdministrationFault(f"The {table.noun} {' '.join(map(str, key))} is new: say its {name}.")
    yield Step("+", what_of(table, key), table.create, table.create.given(**given))
    if asked.get("enabled") is False:
        raise AdministrationFault(
            f"The {table.noun} {' '.join(map(str, key))} is new and cannot begin disabled."
        )


def _changed(table: Table, asked: dict[str, Any], key: tuple[Any, ...], found: Row) -> Iterator[Step]:
    what = what_of(table, key)
    differences = [
        (name, found[name], value)
        for name, value in asked.items()
        if name not in table.key and name != "enabled" and not _same(value or None, found[name] or None)
    ]
    fixed = [name for name, _, _ in differences if name in ("issuer", "token_format", "algorithm", "tenant")]
    if fixed:
        raise AdministrationFault(f"The {what}: its {fixed[0]} cannot be changed; make another one.")
    changes = {name: value for name, _, value in differences if name not in table.beside}
    subject = {table.renamed.get(name, name): value for name, value in zip(table.key, key, strict=True)}
    if table.name == "clients":
        subject = {"environment": key[0], "client_id": found["client_id"]}
    if changes:
        told = tuple(each for each in differences if each[0] in changes)
        yield Step("~", what, table.change, table.change.given(**subject, **changes), told)
    for name, before, after in differences:
        if name == "daily_token_limit":
            yield _limit(table, what, subject, before, after)
        elif name == "mounts":
            yield from _mounts(what, str(key[0]), before, after)
    if "enabled" in asked and asked["enabled"] != found["enabled"]:
        enable, disable, of = table.switches
        operation = enable if asked["enabled"] else disable
        yield Step("~", what, operation, of(**subject), (("enabled", found["enabled"], asked["enabled"]),))


def _limit(table: Table, what: str, subject: dict[str, Any], before: Any, after: Any) -> Step:
    told = (("daily_token_limit", before, after or None),)
    if not after:
        of = OfTenant(**subject) if table.name == "tenants" else OfClient(**subject)
        return Step(
            "~", what, quota.clear_tenant if table.name == "tenants" else quota.clear_client, of, told
        )
    if table.name == "tenants":
        return Step("~", what, quota.set_tenant, quota.TenantLimit(subject["tenant"], after), told)
    given = quota.ClientLimit(subject["environment"], subject["client_id"], after)
    return Step("~", what, quota.set_client, given, told)


def _mounts(what: str, place: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Step]:
    """Token endpoints that the file adds, and those that it has no more; a path keeps its dialect."""
    for path, dialect in after.items():
        if path in before and before[path] != dialect:
            raise AdministrationFault(
                f"The {what}: {path} speaks {before[path]}; end it and add {dialect} elsewhere."
            )
        if path not in before:
            yield Step(
                "+", f"token endpoint {path} of {place}", mount.add, mount.NewMount(place, path, dialect)
            )
    for path in before:
        if path not in after:
            yield Step("-", f"token endpoint {path} of {place}", mount.remove, mount.OfMount(place, path))


def _same(wanted: Any, shown: Any) -> bool:
    """Whether what is shown is what the file wants; lists and tuples, in which the order of scopes means nothing."""
    if isinstance(wanted, tuple):
        return EVERYTHING not in wanted[1:] and sorted(wanted) == sorted(shown or ())
    if isinstance(wanted, dict):
        return wanted.keys() == (shown or {}).keys() and all(
            _same(value, shown[name]) for name, value in wanted.items()
        )
    return bool(wanted == shown)
