"""Legacy tokens (Fyma): Basic with token id and secret on API calls. They are imported, never created."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mintmark.authorization_server.administration import checked, endings, lookup
from mintmark.authorization_server.administration.act import (
    Act,
    AdministrationFault,
    audited,
    insert,
    not_found,
)
from mintmark.authorization_server.ports import Transaction
from mintmark.values.credential import CredentialState, LegacyToken


@dataclass(frozen=True, slots=True)
class LegacyTokenEntry:
    """A legacy token with its state and last use."""

    record: LegacyToken
    state: CredentialState
    last_used_at: float | None = None
    last_used_from: str | None = None


def import_token(
    tx: Transaction,
    act: Act,
    *,
    environment: str,
    token_id: str,
    digest: str,
    audience: str,
    scopes: Iterable[str],
    label: str = "",
    expires_at: int | None = None,
) -> LegacyToken:
    """A token from another server, for the API `audience`. `digest`: by `imported_secrets.digest`.

    Raises AdministrationFault.
    """
    lookup.usable_environment(tx, environment)
    api = lookup.api(tx, environment, audience)
    if ":" in checked.identifier(token_id, "token id"):
        raise AdministrationFault(
            "The token id must not hold a colon, which ends the user name in Basic (RFC 7617)."
        )
    record = LegacyToken(
        environment=environment,
        id=token_id,
        hash_kind="argon2id",
        digest=digest,
        audience=audience,
        scopes=checked.scope_tokens(scopes, api.scopes, audience),
        label=checked.label(label),
        created_at=act.now,
        expires_at=checked.later(expires_at, act.now, "expiry of the legacy token"),
    )
    insert(tx, act, record)
    audited(
        tx,
        act,
        "legacy_token.import",
        environment=environment,
        credential_id=token_id,
        audience=audience,
        scope=" ".join(record.scopes),
        detail=label,
    )
    return record


def listing(tx: Transaction, environment: str, now: float) -> list[LegacyTokenEntry]:
    """The legacy tokens of an environment, by id, with state and last use."""
    entries = []
    for record in tx.find(LegacyToken, environment=lookup.environment(tx, environment).id):
        at, peer = tx.last_use(environment, record.id) or (None, None)
        entries.append(LegacyTokenEntry(record, record.state(now), at, peer))
    return entries


def retire(
    tx: Transaction, act: Act, *, environment: str, token_id: str, at: int | None = None
) -> LegacyToken:
    """Let a token end at `at` (None: now). An end only comes nearer."""
    record = endings.expired(_token(tx, environment, token_id), act.now, at, "legacy token")
    tx.put(record, now=act.now)
    audited(tx, act, "legacy_token.retire", environment=environment, credential_id=token_id)
    return record


def revoke(tx: Transaction, act: Act, *, environment: str, token_id: str) -> LegacyToken:
    """End a token now because it has leaked. Twice is as once."""
    before = _token(tx, environment, token_id)
    record = endings.revoked(before, act.now)
    if record is not before:
        tx.put(record, now=act.now)
        audited(tx, act, "legacy_token.revoke", environment=environment, credential_id=token_id)
    return record


def _token(tx: Transaction, environment: str, token_id: str) -> LegacyToken:
    found = lookup.record(tx, LegacyToken, lookup.environment(tx, environment).id, token_id)
    if found is None:
        raise not_found(
            f"There is no legacy token '{token_id}' in {environment}; list the legacy tokens to see their "
            "ids."
        )
    return found
