"""Two weeks of sample history for the demo's production environments, so that its charts have something to show.

The events say that they are samples (`detail`), end yesterday, and count for no quota. They follow from the tenant's
name and the hour alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from mintmark.authorization_server.administration import access_requests
from mintmark.authorization_server.administration.act import Act
from mintmark.authorization_server.ports import Transaction
from mintmark.values.audit_event import AuditEvent
from mintmark.web.request_id import new_request_id

DAYS, DAY, HOUR = 14, 86400, 3600
DETAIL = "a sample of the demo's history"
#: What goes wrong now and then: reason -> one in how many hours.
REASONS: Mapping[str, int] = {
    "secret_mistyped": 29,
    "wrong_secret": 41,
    "scope_not_allowed": 67,
    "unknown_client": 83,
}
_PEERS = ("192.0.2.17", "198.51.100.4", "203.0.113.80")


def write(tx: Transaction, act: Act, clients: Mapping[str, tuple[str, str, str]]) -> None:
    """The history, and one access request that waits. `clients`: environment -> client id, mount, dialect."""
    today = act.now // DAY * DAY
    for environment, (client_id, mount, dialect) in clients.items():
        for event in _events(act, environment, client_id, mount, dialect, today):
            tx.audit(event)
    access_requests.ask(
        tx,
        act,
        name="Grace Hopper",
        organization="Meridian Surveys",
        use_case="Reading the plans of the new harbour into our building model, once a night.",
        contact="grace@meridian.example",
    )


def _events(
    act: Act, environment: str, client_id: str, mount: str, dialect: str, today: int
) -> Iterator[AuditEvent]:
    for at in range(today - DAYS * DAY, today, HOUR):
        dice = hashlib.sha256(f"{environment} {at - today}".encode()).digest()
        busy = 1 if 7 <= at // HOUR % 24 <= 19 else 4
        for number in range(dice[0] % 5 // busy):
            moment = at + (dice[1] * 13 + number * 701) % HOUR
            yield _event(act, environment, client_id, mount, dialect, moment, dice[2])
        for index, (reason, rarity) in enumerate(REASONS.items()):
            if dice[3 + index] % rarity == 0:
                moment = at + dice[8] * 14
                yield _event(act, environment, client_id, mount, dialect, moment, dice[9], reason)


def _event(
    act: Act,
    environment: str,
    client_id: str,
    mount: str,
    dialect: str,
    at: int,
    peer: int,
    reason: str = "",
) -> AuditEvent:
    return AuditEvent(
        at=float(at),
        kind="token",
        outcome="refused" if reason else "issued",
        environment=environment,
        request_id=new_request_id(at, act.entropy),
        client_id="nobody-knows-me" if reason == "unknown_client" else client_id,
        dialect=dialect,
        mount=mount,
        peer=_PEERS[peer % len(_PEERS)],
        reason=reason,
        detail=DETAIL,
    )
