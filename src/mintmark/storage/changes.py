"""The change log's words: which subjects a record stands for, and reading what changed since a position.

A subject names what caches hold and what issuances were judged by: ``client:acme/production/abc``. Tenant and
environment names hold no slash, so the rest after the second one is the id, whatever it contains.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from mintmark.storage.tables import change_log
from mintmark.values.client import Client
from mintmark.values.credential import ApiToken, LegacyToken, MachineUser, SecretVersion, SignatureKey
from mintmark.values.tenancy import Api, Environment, SigningKey, Tenant

_NEWEST = "SELECT coalesce(max(seq), 0) FROM change_log"


def subjects_of(record: Any) -> tuple[str, ...]:
    """The subjects that change with a record; none for records that no cache holds."""
    match record:
        case Tenant():
            return (f"tenant:{record.handle}",)
        case Environment():
            return (f"environment:{record.id}",)
        case Api() | SigningKey():
            return (f"environment:{record.environment}",)
        case Client() | SecretVersion():
            return (f"client:{record.environment}/{record.client_id}",)
        case MachineUser():
            return (f"user:{record.environment}/{record.id}",)
        case SignatureKey():
            return (
                f"signature_key:{record.environment}/{record.id}",
                f"environment:{record.environment}",
            )
        case ApiToken():
            return (f"api_token:{record.environment}/{record.id}",)
        case LegacyToken():
            return (f"legacy_token:{record.environment}/{record.id}",)
        case _:
            return ()


def revocations_subject(environment: str) -> str:
    """The subject that changes when something is revoked in an environment."""
    return f"revocations:{environment}"


def split_subject(subject: str) -> tuple[str, str, str]:
    """(kind, ``tenant/environment`` or tenant handle, id or empty) of a subject."""
    kind, _, rest = subject.partition(":")
    if kind in ("tenant", "environment", "revocations"):
        return kind, rest, ""
    tenant, environment, record_id = rest.split("/", 2)
    return kind, f"{tenant}/{environment}", record_id


def position(connection: sa.Connection) -> int:
    """The newest position that this connection sees."""
    return int(connection.exec_driver_sql(_NEWEST).scalar_one())


def append(connection: sa.Connection, subjects: tuple[str, ...], now: float) -> None:
    """Note that `subjects` change in this transaction."""
    if subjects:
        connection.execute(change_log.insert(), [{"subject": subject, "at": now} for subject in subjects])


def since(connection: sa.Connection, start: int) -> list[tuple[int, str]]:
    """(position, subject) of everything after `start`, in order."""
    rows = connection.execute(
        sa.select(change_log.c.seq, change_log.c.subject)
        .where(change_log.c.seq > start)
        .order_by(change_log.c.seq)
    )
    return [(seq, subject) for seq, subject in rows]
