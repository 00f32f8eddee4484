"""The secret versions of a client: added, listed with their last use, retired at the end of an overlap,
revoked.

A generated secret is shown once and kept as a keyed hash; an imported one as argon2id. In an environment with
one live secret a new one replaces the old at once (Omnissa Intelligence); elsewhere the old ones overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mintmark.authorization_server.administration import checked, endings, identifiers, lookup
from mintmark.authorization_server.administration.act import Act, audited, conflict, not_found
from mintmark.authorization_server.ports import Transaction
from mintmark.crypto.secret_hash import digest_secret
from mintmark.values.client import Client
from mintmark.values.credential import CredentialState, SecretVersion
from mintmark.values.secret import CLIENT_SECRET, Secret, new_secret
from mintmark.values.tenancy import Environment

#: Imported secrets of one client that may live at once.
IMPORTED_VERSIONS = 2
LONGEST_OVERLAP = 366 * 86400


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret version and its text, shown once."""

    version: SecretVersion
    secret: Secret


@dataclass(frozen=True, slots=True)
class SecretEntry:
    """A version with its state now, and when and from where it was last used (None: never seen)."""

    version: SecretVersion
    state: CredentialState
    last_used_at: float | None = None
    last_used_from: str | None = None


def add(
    tx: Transaction,
    act: Act,
    *,
    environment: str,
    client_id: str,
    label: str = "",
    expires_at: int | None = None,
    overlap: int | None = None,
    keep_others: bool = False,
) -> NewSecret:
    """A further secret. The others live on for `overlap` seconds (None: as the environment says), or until
    they end otherwise with `keep_others`; where one secret may live they end now.

    Raises AdministrationFault, also when more secrets would live than the environment allows.
    """
    place = lookup.usable_environment(tx, environment)
    client = lookup.client(tx, environment, client_id)
    if overlap is not None:
        checked.number(overlap, "overlap in seconds", least=0, most=LONGEST_OVERLAP)
    seconds = place.overlap if overlap is None else overlap
    _make_room(tx, act, place, client, None if keep_others else seconds)
    return first(tx, act, client, label=label, expires_at=expires_at)


def first(tx: Transaction, act: Act, client: Client, *, label: str, expires_at: int | None) -> NewSecret:
    """A generated secret for a client that has room for it; `add` is the door for callers outside."""
    environment, client_id = client.environment, client.client_id
    made = _fresh_id(tx, act, client)
    secret = new_secret(CLIENT_SECRET, made, act.entropy)
    version = SecretVersion(
        environment=environment,
        client_id=client_id,
        id=made,
        hash_kind="hmac",
        digest=digest_secret(act.secret_key, secret.reveal()),
        label=checked.label(label),
        created_at=act.now,
        expires_at=checked.later(expires_at, act.now, "expiry of the secret"),
    )
    tx.add(version, now=act.now)
    audited(
        tx, act, "secret.add", environment=environment, client_id=client_id, credential_id=made, detail=label
    )
    return NewSecret(version, secret)


def add_imported(
    tx: Transaction,
    act: Act,
    *,
    environment: str,
    client_id: str,
    digest: str,
    label: str = "imported",
    expires_at: int | None = None,
) -> SecretVersion:
    """A secret from another server beside those that live; `digest` by `imported_secrets.digest`.

    At most two imported ones may live. Raises AdministrationFault.
    """
    place = lookup.usable_environment(tx, environment)
    client = lookup.client(tx, environment, client_id)
    _make_room(tx, act, place, client, None)
    imported = [each for each in _live(tx, client, act.now) if each.hash_kind == "argon2id"]
    if len(imported) >= IMPORTED_VERSIONS:
        raise conflict(
            f"The client {client_id} has {IMPORTED_VERSIONS} live imported secrets, the most allowed: "
            "retire or revoke one first."
        )
    version = SecretVersion(
        environment=environment,
        client_id=client_id,
        id=_fresh_id(tx, act, client),
        hash_kind="argon2id",
        digest=digest,
        label=checked.label(label),
        created_at=act.now,
        expires_at=checked.later(expires_at, act.now, "expiry of the secret"),
    )
    tx.add(version, now=act.now)
    audited(
        tx,
        act,
        "secret.import",
        environment=environment,
        client_id=client_id,
        credential_id=version.id,
        detail=label,
    )
    return version


def listing(tx: Transaction, environment: str, client_id: str, now: float) -> list[SecretEntry]:
    """All versions of a client, newest first, with state and last use."""
    client = lookup.client(tx, lookup.environment(tx, environment).id, client_id)
    entries = []
    for version in _versions(tx, client)[::-1]:
        at, peer = tx.last_use(environment, version.id) or (None, None)
        entries.append(SecretEntry(version, version.state(now), at, peer))
    return entries


def retire(
    tx: Transaction, act: Act, *, environment: str, client_id: str, secret_id: str, at: int | None = None
) -> SecretVersion:
    """End a secret at `at` (None: now), as planned; tokens it obtained live on. An end only comes nearer."""
    before = _version(tx, environment, client_id, secret_id)
    version = endings.retired(before, act.now, at, "secret")
    tx.put(version, now=act.now)
    audited(tx, act, "secret.retire", environment=environment, client_id=client_id, credential_id=secret_id)
    return version


def revoke(tx: Transaction, act: Act, *, environment: str, client_id: str, secret_id: str) -> SecretVersion:
    """End a secret now because it has leaked; tokens it obtained are refused too. Twice is as once."""
    before = _version(tx, environment, client_id, secret_id)
    version = endings.revoked(before, act.now)
    if version is not before:
        tx.put(version, now=act.now)
        audited(
            tx, act, "secret.revoke", environment=environment, client_id=client_id, credential_id=secret_id
        )
    return version


def _version(tx: Transaction, environment: str, client_id: str, secret_id: str) -> SecretVersion:
    lookup.client(tx, lookup.environment(tx, environment).id, client_id)
    found = lookup.record(tx, SecretVersion, environment, client_id, secret_id)
    if found is None:
        raise not_found(
            f"The client {client_id} has no secret '{secret_id}'; list its secrets to see their ids."
        )
    return found


def _versions(tx: Transaction, client: Client) -> list[SecretVersion]:
    """Oldest first."""
    found = tx.find(SecretVersion, environment=client.environment, client_id=client.client_id)
    return sorted(found, key=lambda version: (version.created_at, version.id))


def _live(tx: Transaction, client: Client, now: int) -> Sequence[SecretVersion]:
    return [version for version in _versions(tx, client) if version.live(now)]


def _make_room(tx: Transaction, act: Act, place: Environment, client: Client, overlap: int | None) -> None:
    """Give the live versions their end (`overlap` None: leave them) and refuse when too many stay."""
    live = _live(tx, client, act.now)
    if place.live_secrets == 1:
        overlap = 0
    staying = 0
    for version in live:
        if overlap is not None:
            end = act.now + overlap
            if version.retires_at is None or version.retires_at > end:
                version = replace(version, retires_at=end)
                tx.put(version, now=act.now)
        staying += version.live(act.now)
    if staying >= place.live_secrets:
        raise conflict(
            f"The client {client.client_id} has {staying} live secrets, the most that {place.id} allows: "
            "retire or revoke one first."
        )


def _fresh_id(tx: Transaction, act: Act, client: Client) -> str:
    return identifiers.fresh(
        lambda: identifiers.version_id(act.entropy),
        lambda made: tx.get(SecretVersion, client.environment, client.client_id, made),
    )
