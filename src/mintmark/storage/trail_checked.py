"""When the audit trail was last held against its links, and with what result: for operators, who see its age.

It proves nothing by itself, for whoever can write to the database can write this too; the check does. Backups and moves
leave it out: the trail was not checked there.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from mintmark.crypto.audit_chain import Report
from mintmark.storage.tables import audit_check

_WHOLE, _BROKEN = "whole", "broken"
#: Characters of a fault that are kept.
_LONGEST = 500


class Checked(NamedTuple):
    """`whole_at`, `up_to`: when it was last found whole, and its last event then. `broken_at`, `fault`: when it was
    last found not to be, and why. Seconds since the epoch; None: never.
    """

    whole_at: float | None = None
    up_to: int | None = None
    broken_at: float | None = None
    fault: str = ""

    @property
    def failed(self) -> bool:
        """Whether the last check found it broken."""
        return self.broken_at is not None and self.broken_at >= (self.whole_at or 0.0)


def note(connection: sa.Connection, report: Report, at: float) -> None:
    """Keep the result of a check that began at `at`."""
    outcome = _BROKEN if report.faults else _WHOLE
    up_to = max((link.end - 1 for link in report.heads.values()), default=0)
    said = report.faults[0][:_LONGEST] if report.faults else ""
    connection.execute(audit_check.delete().where(audit_check.c.outcome == outcome))
    connection.execute(audit_check.insert().values(outcome=outcome, at=at, up_to=up_to, said=said))


def last(connection: sa.Connection) -> Checked:
    """The newest results."""
    rows = {row.outcome: row for row in connection.execute(sa.select(audit_check))}
    whole, broken = rows.get(_WHOLE), rows.get(_BROKEN)
    return Checked(
        whole_at=None if whole is None else whole.at,
        up_to=None if whole is None else whole.up_to,
        broken_at=None if broken is None else broken.at,
        fault="" if broken is None else broken.said,
    )
