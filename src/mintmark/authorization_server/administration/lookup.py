"""Finding what an act names: each function gives the record or raises AdministrationFault (`not_found`).

`usable_environment` also refuses where the tenant or the environment is disabled: credentials are neither
made nor handed out there, whoever asks.
"""

from __future__ import annotations

from typing import TypeVar

from mintmark.authorization_server.administration.act import AdministrationFault, conflict, not_found
from mintmark.authorization_server.ports import Transaction
from mintmark.values.client import Client
from mintmark.values.person import Person
from mintmark.values.tenancy import Api, Environment, Tenant

Record = TypeVar("Record")


def record(tx: Transaction, kind: type[Record], *key: str) -> Record | None:
    """The record of that type and key, or None; a key that is no Unicode text (a lone surrogate) names nothing."""
    try:
        "".join(key).encode()
    except UnicodeEncodeError:
        return None
    return tx.get(kind, *key)


def tenant(tx: Transaction, handle: str) -> Tenant:
    """The tenant with this handle."""
    found = record(tx, Tenant, handle)
    if found is None:
        raise no_tenant(handle)
    return found


def environment(tx: Transaction, environment_id: str) -> Environment:
    """The environment ``tenant/name``."""
    handle, slash, name = environment_id.partition("/")
    found = record(tx, Environment, handle, name) if slash else None
    if found is None:
        raise no_environment(environment_id)
    return found


def usable_environment(tx: Transaction, environment_id: str) -> Environment:
    """The environment, refused when it or its tenant is disabled."""
    found = environment(tx, environment_id)
    if not tenant(tx, found.tenant).enabled:
        raise conflict(f"The tenant {found.tenant} is disabled: enable it before making credentials for it.")
    if not found.enabled:
        raise conflict(f"The environment {found.id} is disabled: enable it before making credentials in it.")
    return found


def api(tx: Transaction, environment_id: str, audience: str) -> Api:
    """The API with this audience."""
    found = record(tx, Api, environment_id, audience)
    if found is None:
        raise not_found(
            f"There is no API with the audience '{audience}' in {environment_id}; list the APIs to see "
            "those that exist."
        )
    return found


def client(tx: Transaction, environment_id: str, client_id: str) -> Client:
    """The client with this id."""
    found = record(tx, Client, environment_id, client_id)
    if found is None:
        raise no_client(environment_id, client_id)
    return found


def person(tx: Transaction, username: str) -> Person:
    """The person with this user name."""
    found = record(tx, Person, username)
    if found is None:
        raise no_person(username)
    return found


def no_tenant(handle: str) -> AdministrationFault:
    """What is said of a tenant that does not exist, or that the caller must not know of."""
    return not_found(f"There is no tenant '{handle}'; list the tenants to see those that exist.")


def no_environment(environment_id: str) -> AdministrationFault:
    """What is said of an environment that does not exist, or that the caller must not know of."""
    return not_found(
        f"There is no environment '{environment_id}'; name it as tenant/name, and list the environments "
        "to see those that exist."
    )


def no_client(environment_id: str, client_id: str) -> AdministrationFault:
    """What is said of a client that does not exist, or that the caller must not know of."""
    return not_found(
        f"There is no client '{client_id}' in {environment_id}; list the clients to see those that exist."
    )


def no_person(username: str) -> AdministrationFault:
    """What is said of a person who does not exist, or whom the caller must not know of."""
    return not_found(f"There is no person '{username}'; list the people to see those that exist.")
