"""The revocations of an environment as rows: numbered, chained and bounded in time, inside the transaction that
revokes.

`issued_before` is never earlier than the newest event of the environment's audit trail: every issued token has one with
its own time, so no token that was issued before can slip through, whatever clock or delay the act had.
"""

from __future__ import annotations

import sqlalchemy as sa

from mintmark.storage.tables import TABLES, audit_event, revocation
from mintmark.values.revocation import LONGEST_TOKEN_LIFETIME, Revocation, RevocationEntry, first_digest
from mintmark.values.tenancy import Environment

#: Seconds for which an entry is kept beyond its `until`, for verifiers whose clocks are late.
MARGIN = 120
_entry = [revocation.c[name] for name in RevocationEntry.__dataclass_fields__]


def append(connection: sa.Connection, environment: str, revoked: Revocation, now: float) -> bool:
    """Write the next entry; False when the present ones say it already. Raises KeyError without that environment.

    Entries whose time is over are forgotten, save the newest, which carries number and chain on.
    """
    places = TABLES[Environment]
    issuer = connection.execute(sa.select(places.c.issuer).where(places.c.id == environment)).scalar()
    if issuer is None:
        raise KeyError(f"There is no environment '{environment}'.")
    issued_before = max(int(now), _newest_event(connection, environment))
    here = revocation.c.environment == environment
    said = connection.execute(
        sa.select(sa.func.max(revocation.c.issued_before)).where(
            here, revocation.c.kind == revoked.kind, revocation.c.id == revoked.id
        )
    ).scalar()
    until = issued_before + LONGEST_TOKEN_LIFETIME
    if revoked.until is not None:
        until = min(until, revoked.until)
    if until < issued_before or (said is not None and (said >= issued_before or revoked.kind == "token")):
        return False
    row = connection.execute(
        sa.select(*_entry).where(here).order_by(revocation.c.seq.desc()).limit(1)
    ).first()
    last = None if row is None else RevocationEntry(*row)
    entry = RevocationEntry(
        seq=1 if last is None else last.seq + 1,
        prev=first_digest(issuer) if last is None else last.digest(issuer),
        kind=revoked.kind,
        id=revoked.id,
        issued_before=issued_before,
        until=until,
    )
    connection.execute(
        revocation.insert().values(
            environment=environment,
            **{name: getattr(entry, name) for name in RevocationEntry.__dataclass_fields__},
        )
    )
    connection.execute(
        revocation.delete().where(here, revocation.c.until < int(now) - MARGIN, revocation.c.seq < entry.seq)
    )
    return True


def after(connection: sa.Connection, environment: str, seq: int) -> list[RevocationEntry]:
    """The kept entries behind `seq`, in order."""
    rows = connection.execute(
        sa.select(*_entry)
        .where(revocation.c.environment == environment, revocation.c.seq > seq)
        .order_by(revocation.c.seq)
    )
    return [RevocationEntry(*row) for row in rows]


def _newest_event(connection: sa.Connection, environment: str) -> int:
    newest = connection.execute(
        sa.select(sa.func.max(audit_event.c.at)).where(audit_event.c.environment == environment)
    ).scalar()
    return int(newest or 0)
