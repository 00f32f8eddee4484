"""Records as rows: what is shown of each, with stable keys. Digests and sealed keys are never among them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import singledispatch

from mintmark.authorization_server.administration.api_tokens import ApiTokenEntry, NewApiToken
from mintmark.authorization_server.administration.client_secrets import NewSecret, SecretEntry
from mintmark.authorization_server.administration.clients import NewClient
from mintmark.authorization_server.administration.legacy_tokens import LegacyTokenEntry
from mintmark.authorization_server.administration.mounts import MountEntry
from mintmark.authorization_server.administration.quotas import QuotaEntry
from mintmark.authorization_server.administration.signature_keys import NewSignatureKey, SignatureKeyEntry
from mintmark.authorization_server.administration.signing_keys import SigningKeyEntry
from mintmark.values.client import Client
from mintmark.values.credential import ApiToken, LegacyToken, MachineUser, SecretVersion, SignatureKey
from mintmark.values.person import Person
from mintmark.values.tenancy import AccessRequest, Api, Environment, Mount, SigningKey, Tenant

Row = dict[str, object]


def at(instant: float | None) -> str | None:
    """RFC 3339, UTC, to the second; None stays None."""
    return (
        None if instant is None else datetime.fromtimestamp(int(instant), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    )


@singledispatch
def row(record: object) -> Row:
    """The row of a record. Raises TypeError for a type that is not shown."""
    raise TypeError(f"{type(record).__name__} is not shown")


@row.register
def _(record: Tenant) -> Row:
    return {
        "handle": record.handle,
        "name": record.name,
        "enabled": record.enabled,
        "daily_token_limit": record.daily_token_limit,
        "created_at": at(record.created_at),
    }


@row.register
def _(record: Mount) -> Row:
    return {
        "path": record.path,
        "dialect": record.dialect,
        "roles": list(record.roles),
        "ends_at": at(record.ends_at),
        "slow_secrets": record.slow_secrets,
        "origins": list(record.origins),
    }


@row.register
def _(record: MountEntry) -> Row:
    uses = [
        {"client_id": use.client_id, "tokens": use.tokens, "last_at": at(use.last_at)} for use in record.uses
    ]
    return {**row(record.mount), "used_by": [use["client_id"] for use in uses], "uses": uses}


@row.register
def _(record: Environment) -> Row:
    return {
        "id": record.id,
        "issuer": record.issuer,
        "enabled": record.enabled,
        "hosts": {alias.host: alias.role for alias in record.hosts},
        "mounts": {mount.path: mount.dialect for mount in record.mounts},
        "client_id_template": record.client_id_template,
        "live_secrets": record.live_secrets,
        "overlap": record.overlap,
        "rate_limit": record.rate_limit,
        "variables": dict(record.variables),
        "created_at": at(record.created_at),
    }


@row.register
def _(record: Api) -> Row:
    return {
        "environment": record.environment,
        "audience": record.audience,
        "name": record.name,
        "enabled": record.enabled,
        "scopes": dict(record.scopes),
        "token_lifetime": record.token_lifetime,
        "token_format": record.token_format,
        "token_type_header": record.token_type_header,
        "algorithm": record.algorithm,
        "required_scope": record.required_scope,
        "claims": dict(record.claims),
    }


@row.register
def _(record: Client) -> Row:
    return {
        "environment": record.environment,
        "client_id": record.client_id,
        "name": record.client_name,
        "kind": record.kind,
        "enabled": record.enabled,
        "allowed": {audience: list(scopes) for audience, scopes in record.allowed.items()},
        "daily_token_limit": record.daily_token_limit,
        "rate_limit": record.rate_limit,
        "needs_user": record.needs_user,
        "imported": record.imported,
        "protects": list(record.protects),
        "owner": record.owner,
        "created_at": at(record.created_at),
    }


@row.register
def _(record: NewClient) -> Row:
    made = {"client_secret": record.secret} if record.secret is not None else {}
    return {**row(record.client), "secret_id": record.version.id, **made}


@row.register
def _(record: SecretVersion) -> Row:
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
def _(record: NewSecret) -> Row:
    return {**row(record.version), "client_secret": record.secret}


@row.register
def _(record: SecretEntry) -> Row:
    return {**row(record.version), **_life(record)}


@row.register
def _(record: MachineUser) -> Row:
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
def _(record: ApiToken) -> Row:
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
def _(record: NewApiToken) -> Row:
    return {**row(record.record), "token": record.token}


@row.register
def _(record: ApiTokenEntry) -> Row:
    return {**row(record.record), "mask": record.mask, **_life(record)}


@row.register
def _(record: LegacyToken) -> Row:
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
def _(record: LegacyTokenEntry) -> Row:
    return {**row(record.record), **_life(record)}


@row.register
def _(record: SignatureKey) -> Row:
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
def _(record: NewSignatureKey) -> Row:
    return {**row(record.record), "signature_key": record.key}


@row.register
def _(record: SignatureKeyEntry) -> Row:
    return {**row(record.record), **_life(record)}


@row.register
def _(record: SigningKey) -> Row:
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
def _(record: SigningKeyEntry) -> Row:
    return {**row(record.key), "state": record.state}


@row.register
def _(record: QuotaEntry) -> Row:
    left = None if record.limit is None else max(0, record.limit - record.used)
    return {
        "subject": record.subject,
        "daily_token_limit": record.limit,
        "used_today": record.used,
        "left_today": left,
        "resets_at": at(record.resets_at),
    }


@row.register
def _(record: AccessRequest) -> Row:
    return {
        "id": record.id,
        "state": record.state,
        "name": record.name,
        "organization": record.organization,
        "use_case": record.use_case,
        "contact": record.contact,
        "reason": record.reason,
        "created_at": at(record.created_at),
        "decided_at": at(record.decided_at),
    }


@row.register
def _(record: Person) -> Row:
    return {
        "username": record.username,
        "name": record.name,
        "role": record.role,
        "tenant": record.tenant,
        "has_password": record.digest != "",
        "enabled": record.enabled,
        "created_at": at(record.created_at),
    }


def _life(record: SecretEntry | ApiTokenEntry | LegacyTokenEntry | SignatureKeyEntry) -> Row:
    return {
        "state": record.state,
        "last_used_at": at(record.last_used_at),
        "last_used_from": record.last_used_from,
    }
