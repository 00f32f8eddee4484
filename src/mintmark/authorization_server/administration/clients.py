"""Clients: OAuth applications and service accounts, made with a first secret that is shown once, or imported.

An imported client keeps the id that another server gave it. Because such ids are read raw and form-decoded on
the RFC mount, one that could be taken for another client's in either reading is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import get_args
from urllib.parse import unquote_plus

from mintmark.authorization_server.administration import checked, client_secrets, identifiers, lookup
from mintmark.authorization_server.administration.act import (
    Act,
    AdministrationFault,
    audited,
    conflict,
    insert,
)
from mintmark.authorization_server.ports import Transaction
from mintmark.values.client import CLIENT_CREDENTIALS, Client, ClientKind
from mintmark.values.credential import SecretVersion
from mintmark.values.secret import Secret
from mintmark.values.tenancy import Api

GRANT_TYPES = (CLIENT_CREDENTIALS,)


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client as it was made. `secret`: its first one, shown once and kept nowhere (an imported one is the
    caller's own).
    """

    client: Client
    version: SecretVersion
    secret: Secret | None = None


def create(
    tx: Transaction,
    act: Act,
    *,
    environment: str,
    name: str,
    allowed: Mapping[str, Iterable[str]] | None = None,
    kind: ClientKind = "application",
    needs_user: bool = False,
    daily_token_limit: int | None = None,
    rate_limit: int | None = None,
    label: str = "",
    expires_at: int | None = None,
    protects: Iterable[str] = (),
    owner: str = "",
) -> NewClient:
    """A new client with a generated id and a first secret (`label`, `expires_at` are the secret's).

    `allowed`: audience -> scope tokens; each must exist. `needs_user`: a machine user must act beside it
    (Omneo). `protects`: audiences of the APIs that it stands in front of. `owner`: user name of the
    developer who makes it. Raises AdministrationFault.
    """
    place = lookup.usable_environment(tx, environment)
    client_id = identifiers.fresh(
        lambda: identifiers.client_id(place, act.entropy), lambda found: tx.get(Client, environment, found)
    )
    client = checked_client(
        lambda audience: lookup.api(tx, environment, audience),
        Client(
            environment=environment,
            client_id=client_id,
            client_name=name,
            kind=kind,
            grant_types=GRANT_TYPES,
            allowed=_plain(allowed or {}),
            daily_token_limit=daily_token_limit,
            rate_limit=rate_limit,
            needs_user=needs_user,
            created_at=act.now,
            protects=tuple(dict.fromkeys(protects)),
            owner=owner,
        ),
    )
    insert(tx, act, client)
    audited(tx, act, "client.create", environment=environment, client_id=client_id, detail=kind)
    new = client_secrets.first(tx, act, client, label=label, expires_at=expires_at)
    return NewClient(client, new.version, new.secret)


def import_client(
    tx: Transaction,
    act: Act,
    *,
    environment: str,
    client_id: str,
    digest: str,
    name: str,
    allowed: Mapping[str, Iterable[str]] | None = None,
    kind: ClientKind = "application",
    needs_user: bool = False,
    daily_token_limit: int | None = None,
    rate_limit: int | None = None,
    label: str = "imported",
    expires_at: int | None = None,
    protects: Iterable[str] = (),
) -> NewClient:
    """A client from another server with the id and secret that its programs hold already.

    `client_id`: any printable ASCII. `digest`: of its secret, by `imported_secrets.digest` before the
    transaction. Raises AdministrationFault, also when the id could be taken for another client's.
    """
    lookup.usable_environment(tx, environment)
    mine = sorted(readings(checked.identifier(client_id, "client id")))
    refuse_likeness(
        environment, client_id, tx.client_ids(environment, mine), tx.encoded_client_ids(environment)
    )
    client = checked_client(
        lambda audience: lookup.api(tx, environment, audience),
        Client(
            environment=environment,
            client_id=client_id,
            client_name=name,
            kind=kind,
            grant_types=GRANT_TYPES,
            allowed=_plain(allowed or {}),
            daily_token_limit=daily_token_limit,
            rate_limit=rate_limit,
            needs_user=needs_user,
            imported=True,
            created_at=act.now,
            protects=tuple(dict.fromkeys(protects)),
        ),
    )
    insert(tx, act, client)
    audited(tx, act, "client.import", environment=environment, client_id=client_id, detail=kind)
    version = client_secrets.add_imported(
        tx,
        act,
        environment=environment,
        client_id=client_id,
        digest=digest,
        label=label,
        expires_at=expires_at,
    )
    return NewClient(client, version)


def listing(tx: Transaction, environment: str) -> list[Client]:
    """The clients of an environment, by id."""
    return tx.find(Client, environment=lookup.environment(tx, environment).id)


def show(tx: Transaction, environment: str, client_id: str) -> Client:
    """One client. Raises AdministrationFault (not_found)."""
    return lookup.client(tx, lookup.environment(tx, environment).id, client_id)


def change(
    tx: Transaction,
    act: Act,
    environment: str,
    client_id: str,
    *,
    name: str | None = None,
    allowed: Mapping[str, Iterable[str]] | None = None,
    needs_user: bool | None = None,
    rate_limit: int | None = None,
    protects: Iterable[str] | None = None,
) -> Client:
    """Change what is given; None leaves it. `allowed` and `protects` replace all there was; `rate_limit` 0 lifts it.

    Tokens already issued keep their permissions until they expire. The daily limit is `quotas.set_client`.
    """
    client = show(tx, environment, client_id)
    given = {
        "client_name": name,
        "allowed": None if allowed is None else _plain(allowed),
        "needs_user": needs_user,
        "protects": None if protects is None else tuple(dict.fromkeys(protects)),
    }
    changes: dict[str, object] = {field: value for field, value in given.items() if value is not None}
    if rate_limit is not None:
        changes["rate_limit"] = rate_limit or None
    client = checked_client(
        lambda audience: lookup.api(tx, client.environment, audience),
        replace(client, **changes),  # type: ignore[arg-type]
    )
    tx.put(client, now=act.now)
    detail = ", ".join(sorted(changes))
    audited(tx, act, "client.change", environment=environment, client_id=client_id, detail=detail)
    return client


def disable(tx: Transaction, act: Act, environment: str, client_id: str) -> Client:
    """Refuse a client at once; its secrets stay."""
    return _switch(tx, act, environment, client_id, enabled=False)


def enable(tx: Transaction, act: Act, environment: str, client_id: str) -> Client:
    """Let a disabled client work again. Secrets that are over stay over."""
    return _switch(tx, act, environment, client_id, enabled=True)


def _switch(tx: Transaction, act: Act, environment: str, client_id: str, *, enabled: bool) -> Client:
    client = replace(show(tx, environment, client_id), enabled=enabled)
    tx.put(client, now=act.now)
    kind = f"client.{'enable' if enabled else 'disable'}"
    audited(tx, act, kind, environment=environment, client_id=client_id)
    return client


def delete(tx: Transaction, act: Act, environment: str, client_id: str) -> None:
    """Delete a client with its secrets: no new token at once, and its tokens are refused."""
    tx.remove(show(tx, environment, client_id), now=act.now)
    audited(tx, act, "client.delete", environment=environment, client_id=client_id)


def _plain(allowed: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    return {audience: tuple(dict.fromkeys(scopes)) for audience, scopes in allowed.items()}


def checked_client(find_api: Callable[[str], Api], client: Client) -> Client:
    """The client, when what people chose of it can be so. `find_api` gives the API of an audience, or raises.

    Raises AdministrationFault.
    """
    checked.name(client.client_name, "name")
    checked.limit(client.daily_token_limit, "daily token limit")
    checked.limit(client.rate_limit, "rate limit per minute")
    if client.kind not in get_args(ClientKind):
        raise AdministrationFault("The kind of a client must be application or service_account.")
    for audience, scopes in client.allowed.items():
        checked.scope_tokens(scopes, find_api(audience).scopes, audience)
    for audience in client.protects:
        find_api(audience)
    return client


def refuse_likeness(environment: str, client_id: str, present: Iterable[str], encoded: Iterable[str]) -> None:
    """Raises AdministrationFault (conflict) when this id could be taken for another client's.

    `present`: ids that clients have, those of its readings among them. `encoded`: the ids that have another reading
    than themselves.
    """
    mine = readings(client_id)
    other = next((each for each in present if each in mine), None)
    if other is None:
        other = next((each for each in encoded if not mine.isdisjoint(readings(each))), None)
    if other is not None:
        raise conflict(
            f"The client id '{client_id}' could be taken for that of the client '{other}' in {environment}: import "
            "it into another environment, or delete the other first."
        )


def readings(client_id: str) -> frozenset[str]:
    """The id as it stands, and as form decoding reads it (RFC 6749 §2.3.1)."""
    try:
        return frozenset({client_id, unquote_plus(client_id, errors="strict")})
    except UnicodeDecodeError:
        return frozenset({client_id})
