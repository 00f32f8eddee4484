"""The same server with a ledger that keeps nothing, to see what durability costs. It is composed here and nowhere else.

`python -m benchmarks.without_audit serve --config FILE` serves like `mintmark serve`.
"""

from __future__ import annotations

from typing import Any

from mintmark.authorization_server.ports import Committed, Issuance
from mintmark.compose import server
from mintmark.compose.main import main
from mintmark.values.audit_event import AuditEvent


class KeepsNothing:
    """A `ports.Ledger` that says yes to everything and writes nothing anywhere."""

    working, waiting = True, 0

    def __init__(self, *_: Any, **__: Any) -> None:
        """Takes what a real ledger takes."""

    async def commit(self, issuance: Issuance) -> Committed:
        """Nothing is counted: every token is the first."""
        return Committed((1,) * len(issuance.allowances))

    def note(self, event: AuditEvent) -> None:
        """Nothing is kept."""

    def use(self, environment: str, credential_id: str, at: float, peer: str) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        """Nothing is open."""


if __name__ == "__main__":
    setattr(server, "SqlLedger", KeepsNothing)  # noqa: B010 - a name of that module's own
    main()
