"""Many clients at once, a page in a transaction: ids and secrets from another server, or made here.

A page is imported as a whole or not at all. Clients that are there already are left as they are, so an import that was
stopped goes on when it is run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mintmark.authorization_server.administration import checked, clients, identifiers, lookup
from mintmark.authorization_server.administration.act import (
    Act,
    AdministrationFault,
    audited,
    not_found,
)
from mintmark.authorization_server.ports import Transaction
from mintmark.crypto.secret_hash import digest_secret, is_acceptable
from mintmark.values.client import Client
from mintmark.values.credential import SecretVersion
from mintmark.values.permission import EVERYTHING
from mintmark.values.secret import CLIENT_SECRET, Secret, new_secret
from mintmark.values.tenancy import Api


@dataclass(frozen=True, slots=True)
class ClientEntry:
    """A client to import. `line`: where it stands, for faults.

    `digest`: of the secret that its programs hold (argon2id); None: a secret is made. `allowed`: ``*`` is all scopes
    that the API has now.
    """

    line: int
    client_id: str
    name: str
    digest: str | None = None
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protects: tuple[str, ...] = ()
    needs_user: bool = False
    daily_token_limit: int | None = None
    rate_limit: int | None = None
    label: str = ""
    expires_at: int | None = None


class ImportedClient(NamedTuple):
    """A client that was made. `secret`: the one that was made for it; None: its programs hold theirs."""

    client_id: str
    secret: Secret | None


class Page(NamedTuple):
    """What became of a page. `present`: how many were there already."""

    made: list[ImportedClient]
    present: int


class Importer:
    """Imports page by page into one environment, and remembers between pages what need not be read again."""

    def __init__(self, environment: str) -> None:
        self.environment = environment
        self._position = -1
        self._encoded: list[str] = []

    def page(self, tx: Transaction, act: Act, entries: Sequence[ClientEntry]) -> Page:
        """Import a page. Raises AdministrationFault, with the line; nothing of the page is then imported."""
        lookup.usable_environment(tx, self.environment)
        known = {api.audience: api for api in tx.find(Api, environment=self.environment)}
        if tx.position() != self._position:
            self._encoded = tx.encoded_client_ids(self.environment)
        wanted = {reading for entry in entries for reading in clients.readings(entry.client_id)}
        present = tx.client_ids(self.environment, sorted(wanted))
        encoded = [*self._encoded]
        records: list[Client] = []
        versions: list[SecretVersion] = []
        made: list[ImportedClient] = []
        seen: set[str] = set()
        for entry in entries:
            client_id = entry.client_id
            if client_id in present:
                continue
            try:
                if client_id in seen:
                    raise AdministrationFault("The client id stands in the file twice.")
                mine = clients.readings(checked.identifier(client_id, "client id"))
                present_or_seen = (mine & present) | (mine & seen)
                clients.refuse_likeness(self.environment, client_id, present_or_seen, encoded)
                client = _client(act, entry, self.environment, known)
                secret, version = _secret(act, entry, client)
            except AdministrationFault as fault:
                raise AdministrationFault(f"Line {entry.line}: {fault}", fault.kind) from None
            seen.add(client_id)
            if len(clients.readings(client_id)) > 1:
                encoded.append(client_id)
            records.append(client)
            versions.append(version)
            made.append(ImportedClient(client_id, secret))
        tx.add_many(records, now=act.now)
        tx.add_many(versions, now=act.now)
        for client, version in zip(records, versions, strict=True):
            audited(
                tx,
                act,
                "client.import",
                environment=client.environment,
                client_id=client.client_id,
                credential_id=version.id,
                detail=client.kind,
            )
        self._position, self._encoded = tx.position(), encoded
        return Page(made, len(entries) - len(made))


def _client(act: Act, entry: ClientEntry, environment: str, known: Mapping[str, Api]) -> Client:
    def find_api(audience: str) -> Api:
        if audience not in known:
            raise not_found(f"{environment} has no API with one of the audiences that the client names.")
        return known[audience]

    allowed = {
        audience: tuple(find_api(audience).scopes) if EVERYTHING in scopes else tuple(dict.fromkeys(scopes))
        for audience, scopes in entry.allowed.items()
    }
    client = Client(
        environment=environment,
        client_id=entry.client_id,
        client_name=entry.name,
        grant_types=clients.GRANT_TYPES,
        allowed=allowed,
        daily_token_limit=entry.daily_token_limit,
        rate_limit=entry.rate_limit,
        needs_user=entry.needs_user,
        imported=True,
        created_at=act.now,
        protects=tuple(dict.fromkeys(entry.protects)),
    )
    return clients.checked_client(find_api, client)


def _secret(act: Act, entry: ClientEntry, client: Client) -> tuple[Secret | None, SecretVersion]:
    made = identifiers.version_id(act.entropy)
    secret = None if entry.digest is not None else new_secret(CLIENT_SECRET, made, act.entropy)
    if entry.digest is not None and not is_acceptable(entry.digest):
        raise AdministrationFault(
            "The hash of the secret must be argon2id in its encoded form ($argon2id$v=19$m=...,t=...,p=...$salt$hash) "
            "with at most 64 MiB, 4 passes and 4 lanes."
        )
    version = SecretVersion(
        environment=client.environment,
        client_id=client.client_id,
        id=made,
        hash_kind="hmac" if secret is not None else "argon2id",
        digest=digest_secret(act.secret_key, secret.reveal()) if secret is not None else entry.digest or "",
        label=checked.label(entry.label),
        created_at=act.now,
        expires_at=checked.later(entry.expires_at, act.now, "expiry of the secret"),
    )
    return secret, version
