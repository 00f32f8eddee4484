"""API tokens: opaque Bearer tokens with chosen scopes, shown once, known afterwards by id and mask only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mintmark.authorization_server.administration import checked, endings, identifiers, lookup, machine_users
from mintmark.authorization_server.administration.act import Act, audited, conflict, not_found
from mintmark.authorization_server.ports import Transaction
from mintmark.crypto.secret_hash import digest_secret
from mintmark.values.credential import ApiToken, CredentialState
from mintmark.values.permission import EVERYTHING
from mintmark.values.secret import API_TOKEN, Secret, new_secret


@dataclass(frozen=True, slots=True)
class NewApiToken:
    """An API token and its text, shown once."""

    record: ApiToken
    token: Secret


@dataclass(frozen=True, slots=True)
class ApiTokenEntry:
    """A token with its state and last use. `mask`: its beginning, enough to recognise it and no more."""

    record: ApiToken
    mask: str
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
    username: str | None = None,
    expires_at: int | None = None,
) -> NewApiToken:
    """A new token for the API `audience`, acting for the machine user `username` where given.

    `scopes`: at least one, each the API's and the machine user's. Raises AdministrationFault.
    """
    lookup.usable_environment(tx, environment)
    api = lookup.api(tx, environment, audience)
    if not api.enabled:
        raise conflict(f"The API {audience} is disabled in {environment}: enable it first.")
    chosen = checked.scope_tokens(scopes, api.scopes, audience)
    if not chosen:
        raise conflict(
            f"An API token needs at least one scope of {audience}: {' '.join(api.scopes) or 'it has none'}."
        )
    user_id = None
    if username is not None:
        user = machine_users.show(tx, environment, username)
        if not user.enabled:
            raise conflict(f"The machine user {username} is disabled: enable it first.")
        missing = [token for token in chosen if token not in user.scopes and EVERYTHING not in user.scopes]
        if missing:
            raise conflict(f"The machine user {username} may not have the scope {missing[0]}: choose others.")
        user_id = user.id
    made = identifiers.fresh(
        lambda: identifiers.version_id(act.entropy), lambda found: tx.get(ApiToken, environment, found)
    )
    token = new_secret(API_TOKEN, made, act.entropy)
    record = ApiToken(
        environment=environment,
        id=made,
        digest=digest_secret(act.secret_key, token.reveal()),
        audience=audience,
        scopes=chosen,
        label=checked.label(label),
        user_id=user_id,
        created_at=act.now,
        expires_at=checked.later(expires_at, act.now, "expiry of the API token"),
    )
    tx.add(record, now=act.now)
    audited(
        tx,
        act,
        "api_token.create",
        environment=environment,
        credential_id=made,
        user_id=user_id or "",
        audience=audience,
        scope=" ".join(chosen),
        detail=label,
    )
    return NewApiToken(record, token)


def listing(tx: Transaction, environment: str, now: float) -> list[ApiTokenEntry]:
    """Tokens made by administrators, newest first; those issued to clients at the token endpoint are not
    listed.
    """
    found = tx.find(ApiToken, environment=lookup.environment(tx, environment).id)
    made = [record for record in found if record.client_id is None]
    made.sort(key=lambda record: (record.created_at, record.id), reverse=True)
    entries = []
    for record in made:
        at, peer = tx.last_use(environment, record.id) or (None, None)
        entries.append(ApiTokenEntry(record, f"{API_TOKEN}{record.id}…", record.state(now), at, peer))
    return entries


def revoke(tx: Transaction, act: Act, *, environment: str, token_id: str) -> ApiToken:
    """End a token now. Twice is as once. Raises AdministrationFault (not_found)."""
    before = lookup.record(tx, ApiToken, lookup.environment(tx, environment).id, token_id)
    if before is None:
        raise not_found(
            f"There is no API token '{token_id}' in {environment}; list the API tokens to see their ids."
        )
    record = endings.revoked(before, act.now)
    if record is not before:
        tx.put(record, now=act.now)
        user_id = record.user_id or ""
        audited(tx, act, "api_token.revoke", environment=environment, credential_id=token_id, user_id=user_id)
    return record
