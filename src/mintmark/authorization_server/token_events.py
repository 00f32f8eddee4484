"""What the audit trail is told of a token request: an event of a token, an event of a refusal."""

from __future__ import annotations

from typing import NamedTuple

from mintmark.authorization_server.claimed import claimed
from mintmark.authorization_server.grants.judgement import Judgement
from mintmark.dialect import Dialect
from mintmark.values.audit_event import AuditEvent
from mintmark.values.errors import OAuthError
from mintmark.values.token import TokenRequest


class Call(NamedTuple):
    """Where a request came in, from whom, and when."""

    environment: str
    path: str
    peer: str
    request_id: str
    now: float


def issued_event(call: Call, dialect: Dialect, judged: Judgement, jti: str) -> AuditEvent:
    """A token that is issued. `jti`: its id."""
    grant = judged.grant
    return AuditEvent(  # by position, as it is made for every token
        call.now,
        "token",
        "issued",
        call.environment,
        call.request_id,
        grant.client_id,
        grant.credential_id,
        grant.user_id or "",
        grant.subject,
        jti,
        grant.api.audience,
        judged.scope,
        dialect.name,
        call.path,
        call.peer,
    )


def refused_event(call: Call, dialect: Dialect, asked: TokenRequest | None, error: OAuthError) -> AuditEvent:
    """What was claimed is kept only as far as it is surely no secret."""
    return AuditEvent(
        at=call.now,
        kind="token",
        outcome="refused",
        environment=call.environment,
        request_id=call.request_id,
        client_id=claimed(asked.client_id) if asked is not None else "",
        user_id=claimed(asked.username) if asked is not None else "",
        subject=claimed(asked.subject) if asked is not None else "",
        audience=claimed(" ".join(asked.audience)) if asked is not None else "",
        scope=claimed(asked.scope) if asked is not None else "",
        dialect=dialect.name,
        mount=call.path,
        peer=call.peer,
        reason=error.reason,
        detail=error.detail or error.description,
    )
