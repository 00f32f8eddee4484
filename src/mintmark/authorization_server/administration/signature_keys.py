"""Signature keys: HMAC keys that sign customer ids (Omneo method 3). Shown once, kept sealed, at most two
live.

A key is sealed under the context ``signature_key:tenant/env/id``; the signature is made with the text of the
key as its UTF-8 bytes, as a storefront's template does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mintmark.authorization_server.administration import checked, endings, identifiers, lookup
from mintmark.authorization_server.administration.act import Act, audited, conflict, not_found
from mintmark.authorization_server.ports import Transaction
from mintmark.values.credential import CredentialState, SignatureKey
from mintmark.values.secret import SIGNATURE_KEY, Secret, new_secret

LIVE_KEYS = 2
LONGEST_LIFETIME = 3600


@dataclass(frozen=True, slots=True)
class NewSignatureKey:
    """A signature key and its text, shown once."""

    record: SignatureKey
    key: Secret


@dataclass(frozen=True, slots=True)
class SignatureKeyEntry:
    """A signature key with its state and last use."""

    record: SignatureKey
    state: CredentialState
    last_used_at: float | None = None
    last_used_from: str | None = None


def create(
    tx: Transaction,
    act: Act,
    *,
    environment: str,
    audience: str,
    scopes: Iterable[str],
    label: str = "",
    lifetime: int = LONGEST_LIFETIME,
    expires_at: int | None = None,
) -> NewSignatureKey:
    """A new key for tokens of the API `audience`. `lifetime`: of those tokens, seconds, at most an hour.

    Raises AdministrationFault, also when two keys live already.
    """
    lookup.usable_environment(tx, environment)
    api = lookup.api(tx, environment, audience)
    chosen = checked.scope_tokens(scopes, api.scopes, audience)
    live = [
        key
        for key in tx.find(SignatureKey, environment=environment)
        if key.state(act.now) in ("active", "retiring")
    ]
    if len(live) >= LIVE_KEYS:
        raise conflict(
            f"{environment} has {LIVE_KEYS} live signature keys, the most allowed while rotating: retire or "
            "revoke one first."
        )
    made = identifiers.fresh(
        lambda: identifiers.version_id(act.entropy), lambda found: tx.get(SignatureKey, environment, found)
    )
    key = new_secret(SIGNATURE_KEY, made, act.entropy)
    record = SignatureKey(
        environment=environment,
        id=made,
        sealed=act.seal(key.reveal().encode("ascii"), f"signature_key:{environment}/{made}"),
        audience=audience,
        scopes=chosen,
        label=checked.label(label),
        lifetime=checked.number(lifetime, "lifetime in seconds", most=LONGEST_LIFETIME),
        created_at=act.now,
        expires_at=checked.later(expires_at, act.now, "expiry of the signature key"),
    )
    tx.add(record, now=act.now)
    audited(
        tx,
        act,
        "signature_key.create",
        environment=environment,
        credential_id=made,
        audience=audience,
        scope=" ".join(chosen),
        detail=label,
    )
    return NewSignatureKey(record, key)


def listing(tx: Transaction, environment: str, now: float) -> list[SignatureKeyEntry]:
    """The signature keys of an environment, newest first."""
    found = tx.find(SignatureKey, environment=lookup.environment(tx, environment).id)
    entries = []
    for record in sorted(found, key=lambda key: (key.created_at, key.id), reverse=True):
        at, peer = tx.last_use(environment, record.id) or (None, None)
        entries.append(SignatureKeyEntry(record, record.state(now), at, peer))
    return entries


def retire(
    tx: Transaction, act: Act, *, environment: str, key_id: str, at: int | None = None
) -> SignatureKey:
    """Let a key end at `at` (None: now), once the storefront signs with the next. An end only comes nearer."""
    record = endings.retired(_key(tx, environment, key_id), act.now, at, "signature key")
    tx.put(record, now=act.now)
    audited(tx, act, "signature_key.retire", environment=environment, credential_id=key_id)
    return record


def revoke(tx: Transaction, act: Act, *, environment: str, key_id: str) -> SignatureKey:
    """End a key now because it has leaked; tokens it obtained are refused too. Twice is as once."""
    before = _key(tx, environment, key_id)
    record = endings.revoked(before, act.now)
    if record is not before:
        tx.put(record, now=act.now)
        audited(tx, act, "signature_key.revoke", environment=environment, credential_id=key_id)
    return record


def _key(tx: Transaction, environment: str, key_id: str) -> SignatureKey:
    found = lookup.record(tx, SignatureKey, lookup.environment(tx, environment).id, key_id)
    if found is None:
        raise not_found(
            f"There is no signature key '{key_id}' in {environment}; list the signature keys to see their "
            "ids."
        )
    return found
