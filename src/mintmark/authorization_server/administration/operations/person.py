"""Operations on people: operators, and the admins, developers and auditors of tenants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mintmark.authorization_server.administration import imported_secrets, people, second_factors
from mintmark.authorization_server.administration.act import Act, forbidden
from mintmark.authorization_server.administration.operation import Call, Hashed, operation
from mintmark.authorization_server.ports import Transaction
from mintmark.values.person import Person, Role
from mintmark.values.secret import Secret

Username = Annotated[str, "The person's user name."]
RoleName = Annotated[Role, "operator, admin, developer or auditor."]


@dataclass(frozen=True, slots=True)
class PersonToMake:
    """A person to be made."""

    username: Annotated[str, "User name; of a tenant's people it ends in @ and the tenant's handle."]
    role: RoleName
    tenant: Annotated[str, "The tenant's handle; empty for operators, and for an auditor of everything."] = ""
    name: Annotated[str, "Name for people; empty: the user name."] = ""
    password: Annotated[
        Secret | None, "12 characters or more; null: none, and the person signs in otherwise."
    ] = None
    openid: Annotated[str, "sub or e-mail address of the person at the OpenID provider; empty: none."] = ""


@dataclass(frozen=True, slots=True)
class PeopleOf:
    """The people that the caller sees, or those of a tenant."""

    tenant: Annotated[str, "Of this tenant only."] = ""


@dataclass(frozen=True, slots=True)
class OfPerson:
    """A person."""

    username: Username


@dataclass(frozen=True, slots=True)
class PersonChange:
    """What is given is changed."""

    username: Username
    name: Annotated[str | None, "Name for people."] = None
    role: RoleName | None = None
    openid: Annotated[str | None, "sub or e-mail address of the person at the OpenID provider."] = None


@dataclass(frozen=True, slots=True)
class PersonPassword:
    """A new password of a person."""

    username: Username
    password: Annotated[Secret, "12 characters or more."]


def _hashed(act: Act, given: PersonToMake | PersonPassword) -> Hashed | None:
    if given.password is None:
        return None
    return Hashed(given.password, imported_secrets.password_digest(act, given.password))


def _refuse_operators(call: Call, role: Role | None) -> None:
    if role == "operator" and not call.principal.is_operator:
        raise forbidden("Only operators make operators.")


def _refuse_oneself(call: Call, username: str, what: str) -> None:
    """A session that was left open does not get past what the account page asks for."""
    if call.principal.username == username:
        raise forbidden(f"Your own {what} you change on the page of your account.")


@operation("person.create", "tenant", writes=True, hashed=_hashed)
def create(tx: Transaction, call: Call, given: PersonToMake) -> Person:
    """Create a person."""
    _refuse_operators(call, given.role)
    call.operators_only(given.openid, "name at the OpenID provider")
    return people.create(
        tx,
        call.act,
        username=given.username,
        digest=call.hashed.digest if call.hashed else "",
        name=given.name,
        role=given.role,
        tenant=given.tenant,
        openid=given.openid,
    )


@operation("person.list", "somewhere")
def listing(tx: Transaction, call: Call, given: PeopleOf) -> list[Person]:
    """List people."""
    return people.listing(tx, given.tenant or call.principal.tenant or None)


@operation("person.show", "person")
def show(tx: Transaction, call: Call, given: OfPerson) -> Person:
    """Show a person."""
    return people.show(tx, given.username)


@operation("person.change", "person", writes=True)
def change(tx: Transaction, call: Call, given: PersonChange) -> Person:
    """Change what is given; user name and tenant stay."""
    _refuse_operators(call, given.role)
    if given.openid is not None:
        call.operators_only(True, "name at the OpenID provider")
    return people.change(tx, call.act, given.username, name=given.name, role=given.role, openid=given.openid)


@operation("person.change_password", "person", writes=True, hashed=_hashed)
def change_password(tx: Transaction, call: Call, given: PersonPassword) -> Person:
    """Replace another person's password at once."""
    _refuse_oneself(call, given.username, "password")
    return people.change_password(tx, call.act, given.username, digest=call.slow.digest)


@operation("person.reset_sign_in", "person", writes=True)
def reset_sign_in(tx: Transaction, call: Call, given: OfPerson) -> Person:
    """Take one-time codes and passkeys away from somebody who has lost a device, and end their sessions; the password
    stays.
    """
    _refuse_oneself(call, given.username, "ways to sign in")
    return second_factors.reset(tx, call.act, given.username)


@operation("person.disable", "person", writes=True)
def disable(tx: Transaction, call: Call, given: OfPerson) -> Person:
    """Lock a person out; the last operator cannot be."""
    return people.disable(tx, call.act, given.username)


@operation("person.enable", "person", writes=True)
def enable(tx: Transaction, call: Call, given: OfPerson) -> Person:
    """Let a disabled person in again."""
    return people.enable(tx, call.act, given.username)


@operation("person.delete", "person", writes=True)
def delete(tx: Transaction, call: Call, given: OfPerson) -> None:
    """Delete a person; a developer's applications stay and belong to nobody."""
    people.delete(tx, call.act, given.username)
