"""What is shown of each record, as types: the keys of the JSON that the API and ``--json`` answer.

`views` fills them. Keys are stable; instants are RFC 3339 in UTC; digests and sealed keys are never among them.
"""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from mintmark.values.secret import Secret

#: An instant as it is shown.
Moment = Annotated[str, "instant"]
Allowed = dict[str, list[str]]


class TenantRow(TypedDict):
    """A tenant."""

    handle: str
    name: str
    enabled: bool
    daily_token_limit: int | None
    rate_limit: int
    rate_watched: bool
    created_at: Moment | None


class MountRow(TypedDict):
    """A token endpoint."""

    path: str
    dialect: str
    roles: list[str]
    ends_at: Moment | None
    slow_secrets: bool
    origins: list[str]


class UseRow(TypedDict):
    """A client that obtained tokens at a mount."""

    client_id: str
    tokens: int
    last_at: Moment | None


class MountEntryRow(MountRow):
    """A token endpoint and who uses it."""

    used_by: list[str]
    uses: list[UseRow]


class EnvironmentRow(TypedDict):
    """An environment. `hosts`: alias -> role. `mounts`: path -> dialect."""

    id: str
    issuer: str
    enabled: bool
    hosts: dict[str, str]
    mounts: dict[str, str]
    client_id_template: str
    live_secrets: int
    overlap: int
    rate_limit: int
    address_rate_limit: int
    address_rate_watched: bool
    reissue_seconds: int
    variables: dict[str, str]
    created_at: Moment | None


class ApiRow(TypedDict):
    """An API."""

    environment: str
    audience: str
    name: str
    enabled: bool
    scopes: dict[str, str]
    token_lifetime: int
    token_format: str
    token_type_header: str
    algorithm: str
    required_scope: str | None
    claims: dict[str, str]
    status_list: bool


class ClientRow(TypedDict):
    """A client."""

    environment: str
    client_id: str
    name: str
    kind: str
    enabled: bool
    allowed: Allowed
    daily_token_limit: int | None
    rate_limit: int | None
    needs_user: bool
    imported: bool
    protects: list[str]
    owner: str
    created_at: Moment | None


class NewClientRow(ClientRow):
    """A client as it was made, with its first secret, shown once; an imported one's is the caller's own."""

    secret_id: str
    client_secret: NotRequired[Secret]


class ClientShownRow(ClientRow):
    """A client and its secrets' states by their ids."""

    secrets: dict[str, str]


class QuotaRow(TypedDict):
    """A daily limit and its use."""

    subject: str
    daily_token_limit: int | None
    used_today: int
    left_today: int | None
    resets_at: Moment | None


class AccessRequestRow(TypedDict):
    """An access request."""

    id: str
    state: str
    name: str
    organization: str
    use_case: str
    contact: str
    reason: str
    created_at: Moment | None
    decided_at: Moment | None


class PersonRow(TypedDict):
    """A person."""

    username: str
    name: str
    role: str
    tenant: str
    has_password: bool
    has_totp: bool
    openid: str
    enabled: bool
    created_at: Moment | None


class NeedingRow(TypedDict):
    """A credential that needs attention. `why`: ``ends`` or ``unused``."""

    why: str
    kind: str
    environment: str
    client_id: str
    credential_id: str
    name: str
    ends_at: Moment | None
    last_used_at: Moment | None


class UsageRow(TypedDict):
    """What one client did in one span of time. `at`: its beginning."""

    at: Moment | None
    client_id: str
    outcome: str
    reason: str
    count: int


class EventRow(TypedDict):
    """An audit event. `count`: alike refusals that it stands for. `remedy`: what to do about its reason."""

    id: int
    at: Moment | None
    kind: str
    outcome: str
    environment: str
    request_id: str
    client_id: str
    credential_id: str
    user_id: str
    subject: str
    jti: str
    audience: str
    scope: str
    dialect: str
    mount: str
    peer: str
    actor: str
    reason: str
    detail: str
    count: int
    remedy: str
