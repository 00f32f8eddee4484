"""Reading an environment's view, and the credentials that a judgement asks for, from one snapshot.

Plain functions over a `Transaction`; `directory` decides when they run and what of their results it keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from mintmark.authorization_server.ports import EnvironmentView, Transaction
from mintmark.dialect import Dialect
from mintmark.jose.keyring import Keyring
from mintmark.storage.lookups import Find
from mintmark.storage.transaction import SqlTransaction
from mintmark.values.client import Client, Registration
from mintmark.values.credential import ApiToken, LegacyToken, MachineUser, SecretVersion, SignatureKey
from mintmark.values.tenancy import Api, Environment, SigningKey, Tenant

#: The loaded keyring of an environment's signing key records; it unseals them.
LoadKeyring = Callable[[Sequence[SigningKey]], Keyring]
#: The dialect of that name. Raises KeyError.
FindDialect = Callable[[str], Dialect]


def view(
    transaction: Transaction, environment_id: str, load_keyring: LoadKeyring, find_dialect: FindDialect
) -> EnvironmentView | None:
    """The environment with all that belongs to it, or None.

    A mount whose dialect is not known any more is left out: its path is not found, and the others stand.
    """
    tenant_handle, _, name = environment_id.partition("/")
    tenant = transaction.get(Tenant, tenant_handle)
    environment = transaction.get(Environment, tenant_handle, name)
    if tenant is None or environment is None:
        return None
    mounts = {}
    for mount in environment.mounts:
        try:
            mounts[mount.path] = (mount, find_dialect(mount.dialect))
        except KeyError:
            continue
    apis = {api.audience: api for api in transaction.find(Api, environment=environment_id)}
    keys = transaction.find(SigningKey, environment=environment_id)
    return EnvironmentView(tenant, environment, apis, mounts, load_keyring(keys))


def environment_ids(transaction: Transaction, tenant: str | None = None) -> list[str]:
    """The ids of all environments, or of a tenant's."""
    found = transaction.find(Environment) if tenant is None else transaction.find(Environment, tenant=tenant)
    return [environment.id for environment in found]


def registrations(transaction: SqlTransaction, after: tuple[str, str], most: int) -> list[Registration]:
    """The next clients behind the key (environment, client id), in order, with their secret versions."""
    return _registered(*transaction.clients_after(after, most))


def _clients(transaction: Transaction, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], object]:
    found: dict[tuple[str, str], object] = {}
    for registration in _registered(*cast(SqlTransaction, transaction).clients_at(keys)):
        found[registration.client.environment, registration.client.client_id] = registration
    return found


def _registered(clients: list[Client], secrets: list[SecretVersion]) -> list[Registration]:
    theirs: dict[tuple[str, str], list[SecretVersion]] = {}
    for secret in secrets:
        theirs.setdefault((secret.environment, secret.client_id), []).append(secret)
    return [
        _registration(client, theirs.get((client.environment, client.client_id), [])) for client in clients
    ]


def _registration(client: Client, secrets: list[SecretVersion]) -> Registration:
    # One text for the id, not one per secret: there may be a hundred thousand of these in memory.
    slim = [replace(secret, client_id=client.client_id) for secret in secrets]
    return Registration(client, tuple(sorted(slim, key=lambda secret: (secret.created_at, secret.id))))


def _signature_keys(transaction: Transaction, environment_id: str, _: str) -> tuple[SignatureKey, ...]:
    keys = transaction.find(SignatureKey, environment=environment_id)
    return tuple(sorted(keys, key=lambda key: (key.created_at, key.id)))


def _username(transaction: Transaction, environment_id: str, username: str) -> str | None:
    found = transaction.find(MachineUser, environment=environment_id, username=username)
    return found[0].id if found else None


def _each(find: Callable[[Transaction, str, str], object | None]) -> Find:
    def found(transaction: Transaction, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], object]:
        entries = {key: find(transaction, *key) for key in keys}
        return {key: entry for key, entry in entries.items() if entry is not None}

    return found


def _record(kind: type[object]) -> Find:
    return _each(
        lambda transaction, environment_id, record_id: transaction.get(kind, environment_id, record_id)
    )


#: How entries are looked up, by kind: `Registration` by client id, `MachineUser` by id, its id by user name, all
#: `SignatureKey` of an environment (newest last) by "", `ApiToken` and `LegacyToken` by id.
FINDS: Mapping[str, Find] = {
    "client": _clients,
    "user": _record(MachineUser),
    "username": _each(_username),
    "signature_keys": _each(_signature_keys),
    "api_token": _record(ApiToken),
    "legacy_token": _record(LegacyToken),
}
