"""An audit event as a row, with stable keys and the remedy for its reason."""

from __future__ import annotations

from mintmark.authorization_server.remedies import remedy
from mintmark.cli.typed import shown_instant as at
from mintmark.values.audit_event import AuditEvent

TEXTS = (
    "environment",
    "request_id",
    "client_id",
    "credential_id",
    "user_id",
    "subject",
    "jti",
    "audience",
    "scope",
    "dialect",
    "mount",
    "peer",
    "actor",
    "reason",
    "detail",
)


def event(number: int, record: AuditEvent) -> dict[str, object]:
    """An audit event with its number and, for a refusal, what to do about it."""
    texts = {name: getattr(record, name) for name in TEXTS}
    return {
        "id": number,
        "at": at(record.at),
        "kind": record.kind,
        "outcome": record.outcome,
        **texts,
        "count": record.count,
        "remedy": remedy(record.reason) if record.reason else "",
    }
