"""How tenants, environments, APIs, clients, people and events are shown. Digests and sealed keys never are."""

from __future__ import annotations

from typing import cast

from mintmark.authorization_server.administration.attention import Needing
from mintmark.authorization_server.administration.clients import NewClient
from mintmark.authorization_server.administration.mounts import MountEntry
from mintmark.authorization_server.administration.operations.audit import EventEntry
from mintmark.authorization_server.administration.operations.client import ClientShown
from mintmark.authorization_server.administration.operations.usage import UsageEntry
from mintmark.authorization_server.administration.quotas import QuotaEntry
from mintmark.authorization_server.administration.shapes import (
    AccessRequestRow,
    ApiRow,
    ClientRow,
    ClientShownRow,
    EnvironmentRow,
    EventRow,
    MountEntryRow,
    MountRow,
    NeedingRow,
    NewClientRow,
    PersonRow,
    QuotaRow,
    TenantRow,
    UsageRow,
    UseRow,
)
from mintmark.authorization_server.administration.showing import at, row
from mintmark.authorization_server.remedies import remedy
from mintmark.values.client import Client
from mintmark.values.person import Person
from mintmark.values.tenancy import AccessRequest, Api, Environment, Mount, Tenant


@row.register
def tenant(record: Tenant) -> TenantRow:
    """As it is shown."""
    return {
        "handle": record.handle,
        "name": record.name,
        "enabled": record.enabled,
        "daily_token_limit": record.daily_token_limit,
        "rate_limit": record.rate_limit,
        "rate_watched": record.rate_watched,
        "created_at": at(record.created_at),
    }


@row.register
def mount(record: Mount) -> MountRow:
    """As it is shown."""
    return {
        "path": record.path,
        "dialect": record.dialect,
        "roles": list(record.roles),
        "ends_at": at(record.ends_at),
        "slow_secrets": record.slow_secrets,
        "origins": list(record.origins),
    }


@row.register
def mount_entry(record: MountEntry) -> MountEntryRow:
    """As it is shown."""
    uses: list[UseRow] = [
        {"client_id": use.client_id, "tokens": use.tokens, "last_at": at(use.last_at)} for use in record.uses
    ]
    return {**mount(record.mount), "used_by": [use["client_id"] for use in uses], "uses": uses}


@row.register
def environment(record: Environment) -> EnvironmentRow:
    """As it is shown."""
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
        "address_rate_limit": record.address_rate_limit,
        "address_rate_watched": record.address_rate_watched,
        "reissue_seconds": record.reissue_seconds,
        "variables": dict(record.variables),
        "created_at": at(record.created_at),
    }


@row.register
def api(record: Api) -> ApiRow:
    """As it is shown."""
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
        "status_list": record.status_list,
    }


@row.register
def client(record: Client) -> ClientRow:
    """As it is shown."""
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
def new_client(record: NewClient) -> NewClientRow:
    """As it is shown."""
    shown: dict[str, object] = {**client(record.client), "secret_id": record.version.id}
    if record.secret is not None:
        shown["client_secret"] = record.secret
    return cast(NewClientRow, shown)


@row.register
def quota_entry(record: QuotaEntry) -> QuotaRow:
    """As it is shown."""
    left = None if record.limit is None else max(0, record.limit - record.used)
    return {
        "subject": record.subject,
        "daily_token_limit": record.limit,
        "used_today": record.used,
        "left_today": left,
        "resets_at": at(record.resets_at),
    }


@row.register
def access_request(record: AccessRequest) -> AccessRequestRow:
    """As it is shown."""
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
def person(record: Person) -> PersonRow:
    """As it is shown."""
    return {
        "username": record.username,
        "name": record.name,
        "role": record.role,
        "tenant": record.tenant,
        "has_password": record.digest != "",
        "has_totp": record.totp != "",
        "openid": record.openid,
        "enabled": record.enabled,
        "created_at": at(record.created_at),
    }


@row.register
def client_shown(record: ClientShown) -> ClientShownRow:
    """As it is shown."""
    return {
        **client(record.client),
        "secrets": {entry.version.id: entry.state for entry in record.secrets},
    }


@row.register
def needing(record: Needing) -> NeedingRow:
    """As it is shown."""
    return {
        "why": record.why,
        "kind": record.kind,
        "environment": record.environment,
        "client_id": record.client_id,
        "credential_id": record.credential_id,
        "name": record.name,
        "ends_at": at(record.ends_at),
        "last_used_at": at(record.last_used_at),
    }


@row.register
def usage_entry(record: UsageEntry) -> UsageRow:
    """As it is shown."""
    return {
        "at": at(record.at),
        "client_id": record.client_id,
        "outcome": record.outcome,
        "reason": record.reason,
        "count": record.count,
    }


@row.register
def event_entry(record: EventEntry) -> EventRow:
    """With its number and, for a refusal, what to do about it."""
    event = record.event
    return {
        "id": record.number,
        "at": at(event.at),
        "kind": event.kind,
        "outcome": event.outcome,
        "environment": event.environment,
        "request_id": event.request_id,
        "client_id": event.client_id,
        "credential_id": event.credential_id,
        "user_id": event.user_id,
        "subject": event.subject,
        "jti": event.jti,
        "audience": event.audience,
        "scope": event.scope,
        "dialect": event.dialect,
        "mount": event.mount,
        "peer": event.peer,
        "actor": event.actor,
        "reason": event.reason,
        "detail": event.detail,
        "count": event.count,
        "remedy": remedy(event.reason) if event.reason else "",
    }
