"""Operations on machine users: what stands for an integration, beside a client or at the proxy login."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from mintmark.authorization_server.administration import imported_secrets, machine_users
from mintmark.authorization_server.administration.act import Act
from mintmark.authorization_server.administration.operation import Call, Hashed, operation
from mintmark.authorization_server.administration.operations.inputs import EnvironmentId, OfEnvironment
from mintmark.authorization_server.ports import Transaction
from mintmark.values.credential import MachineUser
from mintmark.values.permission import EVERYTHING
from mintmark.values.secret import Secret

Username = Annotated[str, "The machine user's name."]
MostScopes = Annotated[tuple[str, ...], "The most it may be granted in any API; * for no bound of its own."]
ProxyLogin = Annotated[bool, "Whether it may use the proxy login."]
ProxyAudience = Annotated[str | None, "API of its proxy login's tokens."]
Password = Annotated[
    Secret | None, "The password, 12 characters or more; null: one is generated and shown once."
]


@dataclass(frozen=True, slots=True)
class MachineUserToMake:
    """A machine user to be made."""

    environment: EnvironmentId
    username: Username
    password: Password = None
    scopes: MostScopes = (EVERYTHING,)
    proxy_login: ProxyLogin = False
    proxy_audience: ProxyAudience = None


@dataclass(frozen=True, slots=True)
class MachineUserToImport:
    """A machine user of another server."""

    environment: EnvironmentId
    username: Username
    password: Annotated[Secret, "The password that its programs hold already."]
    scopes: MostScopes = (EVERYTHING,)
    proxy_login: ProxyLogin = False
    proxy_audience: ProxyAudience = None


@dataclass(frozen=True, slots=True)
class MachineUserChange:
    """What is given is changed; scopes replace all it had."""

    environment: EnvironmentId
    username: Username
    scopes: MostScopes | None = None
    proxy_login: ProxyLogin | None = None
    proxy_audience: ProxyAudience = None


@dataclass(frozen=True, slots=True)
class MachineUserPassword:
    """A new password of a machine user."""

    environment: EnvironmentId
    username: Username
    password: Password = None


@dataclass(frozen=True, slots=True)
class OfMachineUser:
    """A machine user of an environment."""

    environment: EnvironmentId
    username: Username


@dataclass(frozen=True, slots=True)
class NewMachineUser:
    """A machine user as it was made or changed. `password`: the generated one, shown once; None: it was given."""

    user: MachineUser
    password: Secret | None = field(repr=False)


def _generated(act: Act, given: MachineUserToMake | MachineUserPassword) -> Hashed:
    password = imported_secrets.new_password(act) if given.password is None else given.password
    return Hashed(password, imported_secrets.password_digest(act, password))


def _imported(act: Act, given: MachineUserToImport) -> Hashed:
    return Hashed(given.password, imported_secrets.password_digest(act, given.password, imported=True))


@operation("machine_user.create", "environment", writes=True, once=True, hashed=_generated)
def create(tx: Transaction, call: Call, given: MachineUserToMake) -> NewMachineUser:
    """Create a machine user with a password, generated or given."""
    made = machine_users.create(
        tx,
        call.act,
        environment=given.environment,
        username=given.username,
        digest=call.slow.digest,
        scopes=given.scopes,
        proxy_login=given.proxy_login,
        proxy_audience=given.proxy_audience,
    )
    return NewMachineUser(made, call.slow.text if given.password is None else None)


@operation("machine_user.import", "environment", writes=True, hashed=_imported)
def import_user(tx: Transaction, call: Call, given: MachineUserToImport) -> MachineUser:
    """Import a machine user with the password that its programs hold already."""
    return machine_users.create(
        tx,
        call.act,
        environment=given.environment,
        username=given.username,
        digest=call.slow.digest,
        scopes=given.scopes,
        proxy_login=given.proxy_login,
        proxy_audience=given.proxy_audience,
        imported=True,
    )


@operation("machine_user.list", "environment")
def listing(tx: Transaction, call: Call, given: OfEnvironment) -> list[MachineUser]:
    """List the machine users of an environment."""
    return machine_users.listing(tx, given.environment)


@operation("machine_user.show", "environment")
def show(tx: Transaction, call: Call, given: OfMachineUser) -> MachineUser:
    """Show a machine user."""
    return machine_users.show(tx, given.environment, given.username)


@operation("machine_user.change", "environment", writes=True)
def change(tx: Transaction, call: Call, given: MachineUserChange) -> MachineUser:
    """Change what is given; scopes replace all it had."""
    return machine_users.change(
        tx,
        call.act,
        given.environment,
        given.username,
        scopes=given.scopes,
        proxy_login=given.proxy_login,
        proxy_audience=given.proxy_audience,
    )


@operation("machine_user.change_password", "environment", writes=True, once=True, hashed=_generated)
def change_password(tx: Transaction, call: Call, given: MachineUserPassword) -> NewMachineUser:
    """Replace the password at once; issued tokens stay valid."""
    changed = machine_users.change_password(
        tx, call.act, given.environment, given.username, digest=call.slow.digest
    )
    return NewMachineUser(changed, call.slow.text if given.password is None else None)


@operation("machine_user.disable", "environment", writes=True)
def disable(tx: Transaction, call: Call, given: OfMachineUser) -> MachineUser:
    """Refuse a machine user and its tokens at once."""
    return machine_users.disable(tx, call.act, given.environment, given.username)


@operation("machine_user.enable", "environment", writes=True)
def enable(tx: Transaction, call: Call, given: OfMachineUser) -> MachineUser:
    """Let a disabled machine user work again."""
    return machine_users.enable(tx, call.act, given.environment, given.username)


@operation("machine_user.delete", "environment", writes=True)
def delete(tx: Transaction, call: Call, given: OfMachineUser) -> None:
    """Delete a machine user and the API tokens that act for it."""
    machine_users.delete(tx, call.act, given.environment, given.username)
