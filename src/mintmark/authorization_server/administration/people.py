"""People: operators, and the admins, developers and auditors of tenants. Passwords come as argon2id digests, made
before the transaction.

The last enabled operator can be neither disabled nor deleted, nor made anything else.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args

from mintmark.authorization_server.administration import checked, lookup
from mintmark.authorization_server.administration.access import RESERVED_TENANT
from mintmark.authorization_server.administration.act import (
    Act,
    AdministrationFault,
    audited,
    conflict,
    insert,
)
from mintmark.authorization_server.ports import Transaction
from mintmark.values.client import Client
from mintmark.values.person import Person, Role
from mintmark.values.tenancy import Environment

#: How the user names of tenants' people end; nobody else's may.
_OF_A_TENANT = re.compile(r".*@[a-z][a-z0-9-]*", re.ASCII | re.DOTALL)


def create(
    tx: Transaction,
    act: Act,
    *,
    username: str,
    digest: str = "",
    name: str = "",
    role: Role = "operator",
    tenant: str = "",
    openid: str = "",
) -> Person:
    """A new person. `digest`: by `imported_secrets.password_digest`; empty: without a password. `name`: else the
    user name.

    Raises AdministrationFault.
    """
    person = _checked(
        Person(
            username=checked.name(username, "user name"),
            name=name or username,
            role=role,
            tenant=tenant,
            digest=digest,
            created_at=act.now,
            openid=openid,
        )
    )
    _refuse_name(tx, person)
    _refuse_openid(tx, person)
    insert(tx, act, person)
    audited(tx, act, "person.create", subject=f"person:{username}", detail=_detail(person))
    return person


def create_first(tx: Transaction, act: Act, *, username: str, digest: str) -> Person:
    """The first operator of an installation; refused (conflict) when there is one."""
    if tx.find(Person, role="operator"):
        raise conflict("There is an operator already: sign in as one and create further ones.")
    return create(tx, act, username=username, digest=digest)


def listing(tx: Transaction, tenant: str | None = None) -> list[Person]:
    """All people, or those of a tenant (empty: of none), by user name."""
    return tx.find(Person) if tenant is None else tx.find(Person, tenant=tenant)


def show(tx: Transaction, username: str) -> Person:
    """One person. Raises AdministrationFault (not_found)."""
    return lookup.person(tx, username)


def change(
    tx: Transaction,
    act: Act,
    username: str,
    *,
    name: str | None = None,
    role: Role | None = None,
    openid: str | None = None,
) -> Person:
    """Change what is given; None leaves it. The tenant stays, as the user name does."""
    person = lookup.person(tx, username)
    if role is not None and role != "operator":
        _refuse_last(tx, person, "made anything else")
    given = {"name": name, "role": role, "openid": openid}
    changes = {field: value for field, value in given.items() if value is not None}
    changed = _checked(replace(person, **changes))  # type: ignore[arg-type]
    _refuse_openid(tx, changed)
    return _put(
        tx, act, changed, "change", ", ".join(f"{field} {changes[field]}" for field in sorted(changes))
    )


def change_password(tx: Transaction, act: Act, username: str, *, digest: str) -> Person:
    """Replace a person's password at once."""
    return _put(tx, act, replace(lookup.person(tx, username), digest=digest), "change_password")


def disable(tx: Transaction, act: Act, username: str) -> Person:
    """Lock a person out. The last enabled operator cannot be."""
    person = lookup.person(tx, username)
    _refuse_last(tx, person, "disabled")
    return _put(tx, act, replace(person, enabled=False), "disable")


def enable(tx: Transaction, act: Act, username: str) -> Person:
    """Let a disabled person in again."""
    return _put(tx, act, replace(lookup.person(tx, username), enabled=True), "enable")


def delete(tx: Transaction, act: Act, username: str) -> None:
    """Delete a person. Applications of a developer stay and belong to nobody, so that a later namesake has none."""
    person = lookup.person(tx, username)
    _refuse_last(tx, person, "deleted")
    orphaned = 0
    for environment in tx.find(Environment, tenant=person.tenant) if person.tenant else ():
        for client in tx.find(Client, environment=environment.id, owner=username):
            tx.put(replace(client, owner=""), now=act.now)
            orphaned += 1
    tx.remove(person, now=act.now)
    detail = f"{orphaned} applications belong to nobody now" if orphaned else ""
    audited(tx, act, "person.delete", subject=f"person:{username}", detail=detail)


def _refuse_last(tx: Transaction, person: Person, what: str) -> None:
    others = (each for each in tx.find(Person, role="operator") if each.username != person.username)
    if person.role == "operator" and not any(other.enabled for other in others):
        raise conflict(f"The last enabled operator cannot be {what}: create or enable another first.")


def _put(tx: Transaction, act: Act, person: Person, verb: str, detail: str = "") -> Person:
    tx.put(person, now=act.now)
    audited(tx, act, f"person.{verb}", subject=f"person:{person.username}", detail=detail)
    return person


def _detail(person: Person) -> str:
    return f"{person.role} of {person.tenant}" if person.tenant else person.role


def _checked(person: Person) -> Person:
    checked.name(person.name, "name")
    if person.openid:
        checked.identifier(person.openid, "name at the OpenID provider")
    if person.role not in get_args(Role):
        raise AdministrationFault("The role of a person must be operator, admin, developer or auditor.")
    if person.role == "operator" and person.tenant:
        raise AdministrationFault("An operator belongs to no tenant: leave the tenant out.")
    if person.role in ("admin", "developer") and not person.tenant:
        raise AdministrationFault(f"A person with the role {person.role} belongs to a tenant: name it.")
    if person.tenant == RESERVED_TENANT:
        raise AdministrationFault(
            f"The tenant {RESERVED_TENANT} is the operators' own and has no people: leave the tenant out."
        )
    return person


def _refuse_openid(tx: Transaction, person: Person) -> None:
    """Refuse a name at the OpenID provider that is another person's already."""
    if person.openid and any(
        each.username != person.username for each in tx.find(Person, openid=person.openid)
    ):
        raise conflict(
            "Somebody else is known to the OpenID provider by this name: give each person their own."
        )


def _refuse_name(tx: Transaction, person: Person) -> None:
    """Refuse a user name that says another tenant than the person's."""
    if person.tenant:
        lookup.tenant(tx, person.tenant)
        if not person.username.endswith(f"@{person.tenant}") or person.username.startswith("@"):
            raise AdministrationFault(
                f"The user names of the people of {person.tenant} end in @{person.tenant}, as in ada@{person.tenant}."
            )
    elif _OF_A_TENANT.fullmatch(person.username):
        raise AdministrationFault(
            "The user name ends as those of a tenant's people do: choose one without it, or name the tenant."
        )
