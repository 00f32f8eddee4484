"""Operations on usage: how many tokens were issued and how many requests were refused, by client and over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mintmark.authorization_server.administration.act import AdministrationFault
from mintmark.authorization_server.administration.operation import Call, operation
from mintmark.authorization_server.administration.operations.inputs import EnvironmentId
from mintmark.authorization_server.ports import Transaction
from mintmark.values.client import Client

HOUR, DAY = 3600, 86400
MOST_BUCKETS = 400


@dataclass(frozen=True, slots=True)
class UsageEntry:
    """What one client did in one span of time. `at`: its beginning. `reason`: of refusals, ``reissued`` of tokens that
    were given out again, else empty.
    """

    at: int
    client_id: str
    outcome: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class UsageOf:
    """Which spans of an environment are counted."""

    environment: EnvironmentId
    since: Annotated[int, "Seconds back from now."] = DAY
    span: Annotated[int, "Seconds of one span: 3600 or 86400."] = HOUR


@operation("usage.show", "environment")
def show(tx: Transaction, call: Call, given: UsageOf) -> list[UsageEntry]:
    """Count tokens issued and requests refused, by span, client and reason; a developer's own applications only."""
    if given.span not in (HOUR, DAY):
        raise AdministrationFault("A span must be 3600 or 86400 seconds.")
    if not 0 < given.since <= MOST_BUCKETS * given.span:
        raise AdministrationFault(f"Ask for at most {MOST_BUCKETS} spans at once.")
    begins_at = (call.now - given.since) // given.span * given.span
    found = tx.tally(given.environment, begins_at, given.span)
    if call.principal.role == "developer":
        own = {
            client.client_id
            for client in tx.find(Client, environment=given.environment, owner=call.principal.username)
        }
        found = [each for each in found if each[1] in own]
    return [UsageEntry(*each) for each in found]
