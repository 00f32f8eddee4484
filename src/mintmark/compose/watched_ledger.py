"""A ledger that tells what became of each token and of each refusal, to whoever counts or traces them."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mintmark.authorization_server.ports import Committed, Issuance, Ledger, OverQuota, Stale
from mintmark.values.audit_event import AuditEvent

_OUTCOMES = {Committed: "issued", Stale: "judged_again", OverQuota: "over_quota"}


class WatchedLedger(ABC):
    """The ledger that it was given."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @abstractmethod
    def committed(self, event: AuditEvent, outcome: str) -> None:
        """Told of each token: ``issued``, ``judged_again``, ``over_quota``, or ``unavailable`` when it was raised."""

    @abstractmethod
    def noted(self, event: AuditEvent) -> None:
        """Told of each refusal."""

    async def commit(self, issuance: Issuance) -> Committed | Stale | OverQuota:
        """As the ledger's."""
        word = "unavailable"
        try:
            outcome = await self._ledger.commit(issuance)
            word = _OUTCOMES[type(outcome)]
            return outcome
        finally:
            self.committed(issuance.event, word)

    def note(self, event: AuditEvent) -> None:
        """As the ledger's."""
        self.noted(event)
        self._ledger.note(event)

    def use(self, environment: str, credential_id: str, at: float, peer: str) -> None:
        """As the ledger's."""
        self._ledger.use(environment, credential_id, at, peer)
