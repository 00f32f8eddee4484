"""The credentials file of a service account (Omnissa Intelligence): the values that its dialect's key file
shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mintmark.authorization_server.administration import lookup
from mintmark.authorization_server.administration.act import conflict, not_found
from mintmark.authorization_server.ports import Transaction
from mintmark.values.client import Client
from mintmark.values.secret import Secret
from mintmark.values.tenancy import Environment, Mount


@dataclass(frozen=True, slots=True)
class ServiceAccountFile:
    """`token_endpoint`: URL. `grant_types`: canonical. `audiences`: of the APIs that the client is allowed.

    `dialect`: the name of the one that says how the file is written.
    """

    dialect: str
    name: str
    token_endpoint: str
    client_id: str
    client_secret: Secret = field(repr=False)
    grant_types: tuple[str, ...]
    audiences: tuple[str, ...]


def credentials_file(
    tx: Transaction,
    *,
    environment: str,
    client_id: str,
    secret: Secret,
    public_url: str,
    mount_path: str | None = None,
    token_endpoint: str | None = None,
) -> ServiceAccountFile:
    """The file's values for a client and its secret, which only the caller still knows.

    `mount_path`: the token endpoint it is for, where the environment has several; `token_endpoint`: its URL
    where customers reach it by another one than the path below `public_url`. Raises AdministrationFault.
    """
    place = lookup.environment(tx, environment)
    client: Client = lookup.client(tx, environment, client_id)
    mount = _mount(place, mount_path)
    return ServiceAccountFile(
        dialect=mount.dialect,
        name=client.client_name,
        token_endpoint=token_endpoint or f"{public_url}/t/{environment}{mount.path}",
        client_id=client_id,
        client_secret=secret,
        grant_types=client.grant_types,
        audiences=tuple(client.allowed),
    )


def _mount(place: Environment, path: str | None) -> Mount:
    if path is None and len(place.mounts) != 1:
        known = ", ".join(mount.path for mount in place.mounts)
        raise conflict(
            f"{place.id} has {len(place.mounts)} mounts{f' ({known})' if known else ''}: name the one that "
            "the file is for."
        )
    for mount in place.mounts:
        if path is None or mount.path == path:
            return mount
    raise not_found(f"{place.id} has no mount at the path {path}; list the mounts to see those it has.")
