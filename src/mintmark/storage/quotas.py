"""Daily counts. A count is kept only for whom a limit is set; for all others the audit trail is the count.

So a token of an unlimited client costs no row of its own. When a limit is set, the count begins with what the trail
holds of the day, in the same transaction; when it is lifted, the count is forgotten.
"""

from __future__ import annotations

import sqlalchemy as sa

from mintmark.storage.tables import audit_event, quota_use
from mintmark.values.client import Client
from mintmark.values.tenancy import Tenant

DAY = 86400


def used(connection: sa.Connection, subject: str, day: int) -> int:
    """Tokens issued to a quota subject on a UTC day (days since the epoch)."""
    counted = connection.execute(
        sa.select(quota_use.c.used).where(quota_use.c.day == day, quota_use.c.subject == subject)
    ).scalar()
    return _audited(connection, subject, day) if counted is None else int(counted)


def limit_changed(
    connection: sa.Connection, before: Client | Tenant, after: Client | Tenant, now: float
) -> None:
    """Begin or forget today's count when a limit has come or gone."""
    if (before.daily_token_limit is None) == (after.daily_token_limit is None):
        return
    subject = subject_of(after)
    day = int(now) // DAY
    connection.execute(quota_use.delete().where(quota_use.c.day == day, quota_use.c.subject == subject))
    if after.daily_token_limit is not None:
        so_far = _audited(connection, subject, day)
        connection.execute(quota_use.insert().values(day=day, subject=subject, used=so_far))


def subject_of(record: Client | Tenant) -> str:
    """The quota subject of a client or tenant, as allowances name it."""
    if isinstance(record, Client):
        return f"client:{record.environment}/{record.client_id}"
    return f"tenant:{record.handle}"


def _audited(connection: sa.Connection, subject: str, day: int) -> int:
    """What the audit trail says; it reads the events of that day in the subject's environments."""
    kind, _, name = subject.partition(":")
    columns = audit_event.c
    # A token that was given out again was counted when it was issued.
    conditions = [
        columns.outcome == "issued",
        columns.reason == "",
        columns.at >= day * DAY,
        columns.at < (day + 1) * DAY,
    ]
    if kind == "tenant":
        conditions += [columns.environment > f"{name}/", columns.environment < f"{name}0"]  # "0" follows "/"
    else:
        tenant, environment, identifier = name.split("/", 2)
        conditions.append(columns.environment == f"{tenant}/{environment}")
        conditions.append((columns.client_id if kind == "client" else columns.credential_id) == identifier)
    return int(connection.execute(sa.select(sa.func.count()).where(*conditions)).scalar_one())
