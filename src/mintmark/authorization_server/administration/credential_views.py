"""How credentials and keys are shown: with state and last use, and with their secret only where it was just made."""

from __future__ import annotations

import json
from typing import cast

from mintmark.authorization_server.administration.api_tokens import ApiTokenEntry, NewApiToken
from mintmark.authorization_server.administration.client_secrets import NewSecret, SecretEntry
from mintmark.authorization_server.administration.credential_shapes import (
    ApiTokenEntryRow,
    ApiTokenRow,
    CredentialsFileRow,
    HandOverRow,
    LegacyTokenEntryRow,
    LegacyTokenRow,
    LifeRow,
    MachineUserRow,
    NewApiTokenRow,
    NewHandOverRow,
    NewMachineUserRow,
    NewSecretRow,
    NewSignatureKeyRow,
    RevokedTokenRow,
    SecretEntryRow,
    SecretRow,
    SignatureKeyEntryRow,
    SignatureKeyRow,
    SigningKeyEntryRow,
    SigningKeyRow,
)
from mintmark.authorization_server.administration.hand_overs import NewHandOver
from mintmark.authorization_server.administration.legacy_tokens import LegacyTokenEntry
from mintmark.authorization_server.administration.operations.machine_user import NewMachineUser
from mintmark.authorization_server.administration.operations.service_account import CredentialsFile
from mintmark.authorization_server.administration.operations.token import RevokedToken
from mintmark.authorization_server.administration.showing import at, row
from mintmark.authorization_server.administration.signature_keys import NewSignatureKey, SignatureKeyEntry
from mintmark.authorization_server.administration.signing_keys import SigningKeyEntry
from mintmark.values.credential import ApiToken, LegacyToken, MachineUser, SecretVersion, SignatureKey
from mintmark.values.hand_over import HandOver
from mintmark.values.tenancy import SigningKey


@row.register
def secret_version(record: SecretVersion) -> SecretRow:
    """As it is shown."""
    return {
        "environment": record.environment,
        "client_id": record.client_id,
        "secret_id": record.id,
        "label": record.label,
        "imported": record.hash_kind == "argon2id",
        "created_at": at(record.created_at),
        "retires_at": at(record.retires_at),
        "expires_at": at(record.expires_at),
        "revoked_at": at(record.revoked_at),
    }


@row.register
def new_secret(record: NewSecret) -> NewSecretRow:
    """As it is shown."""
    return {**secret_version(record.version), "client_secret": record.secret}


@row.register
def secret_entry(record: SecretEntry) -> SecretEntryRow:
    """As it is shown."""
    return {**secret_version(record.version), **_life(record)}


@row.register
def machine_user(record: MachineUser) -> MachineUserRow:
    """As it is shown."""
    return {
        "environment": record.environment,
        "username": record.username,
        "id": record.id,
        "enabled": record.enabled,
        "scopes": list(record.scopes),
        "proxy_login": record.proxy_login,
        "proxy_audience": record.proxy_audience,
        "created_at": at(record.created_at),
    }


@row.register
def api_token(record: ApiToken) -> ApiTokenRow:
    """As it is shown."""
    return {
        "environment": record.environment,
        "token_id": record.id,
        "label": record.label,
        "audience": record.audience,
        "scopes": list(record.scopes),
        "user_id": record.user_id,
        "created_at": at(record.created_at),
        "expires_at": at(record.expires_at),
        "revoked_at": at(record.revoked_at),
    }


@row.register
def new_api_token(record: NewApiToken) -> NewApiTokenRow:
    """As it is shown."""
    return {**api_token(record.record), "token": record.token}


@row.register
def api_token_entry(record: ApiTokenEntry) -> ApiTokenEntryRow:
    """As it is shown."""
    return {**api_token(record.record), "mask": record.mask, **_life(record)}


@row.register
def legacy_token(record: LegacyToken) -> LegacyTokenRow:
    """As it is shown."""
    return {
        "environment": record.environment,
        "token_id": record.id,
        "label": record.label,
        "audience": record.audience,
        "scopes": list(record.scopes),
        "created_at": at(record.created_at),
        "expires_at": at(record.expires_at),
        "revoked_at": at(record.revoked_at),
    }


@row.register
def legacy_token_entry(record: LegacyTokenEntry) -> LegacyTokenEntryRow:
    """As it is shown."""
    return {**legacy_token(record.record), **_life(record)}


@row.register
def signature_key(record: SignatureKey) -> SignatureKeyRow:
    """As it is shown."""
    return {
        "environment": record.environment,
        "key_id": record.id,
        "label": record.label,
        "audience": record.audience,
        "scopes": list(record.scopes),
        "lifetime": record.lifetime,
        "created_at": at(record.created_at),
        "retires_at": at(record.retires_at),
        "expires_at": at(record.expires_at),
        "revoked_at": at(record.revoked_at),
    }


@row.register
def new_signature_key(record: NewSignatureKey) -> NewSignatureKeyRow:
    """As it is shown."""
    return {**signature_key(record.record), "signature_key": record.key}


@row.register
def signature_key_entry(record: SignatureKeyEntry) -> SignatureKeyEntryRow:
    """As it is shown."""
    return {**signature_key(record.record), **_life(record)}


@row.register
def hand_over(record: HandOver) -> HandOverRow:
    """As it is shown."""
    return {
        "environment": record.environment,
        "hand_over_id": record.id,
        "about": record.about,
        "created_by": record.created_by,
        "created_at": at(record.created_at),
        "expires_at": at(record.expires_at),
    }


@row.register
def new_hand_over(record: NewHandOver) -> NewHandOverRow:
    """As it is shown."""
    return {**hand_over(record.hand_over), "code": record.code}


@row.register
def signing_key(record: SigningKey) -> SigningKeyRow:
    """As it is shown."""
    return {
        "environment": record.environment,
        "kid": record.kid,
        "algorithm": record.algorithm,
        "published_at": at(record.published_at),
        "signs_at": at(record.signs_at),
        "retires_at": at(record.retires_at),
        "removed_at": at(record.removed_at),
        "public": json.loads(record.public),
    }


@row.register
def signing_key_entry(record: SigningKeyEntry) -> SigningKeyEntryRow:
    """As it is shown."""
    return {**signing_key(record.key), "state": record.state}


@row.register
def new_machine_user(record: NewMachineUser) -> NewMachineUserRow:
    """As it is shown."""
    shown: dict[str, object] = {**machine_user(record.user)}
    if record.password is not None:
        shown["password"] = record.password
    return cast(NewMachineUserRow, shown)


@row.register
def credentials_file(record: CredentialsFile) -> CredentialsFileRow:
    """As it is shown."""
    return {
        "environment": record.environment,
        "client_id": record.client_id,
        "secret_id": record.secret_id,
        "credentials_file": record.text,
    }


@row.register
def revoked_token(record: RevokedToken) -> RevokedTokenRow:
    """As it is shown."""
    return {"environment": record.environment, "revoked": record.revoked}


def _life(record: SecretEntry | ApiTokenEntry | LegacyTokenEntry | SignatureKeyEntry) -> LifeRow:
    return {
        "state": record.state,
        "last_used_at": at(record.last_used_at),
        "last_used_from": record.last_used_from,
    }
