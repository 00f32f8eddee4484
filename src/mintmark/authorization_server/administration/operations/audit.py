"""Operations on the audit trail: what happened, why a request was refused, and what to do about it.

A tenant's people see the events of its environments, a developer those of its own applications.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

from mintmark.authorization_server.administration.act import AdministrationFault
from mintmark.authorization_server.administration.operation import Call, Instant, operation
from mintmark.authorization_server.ports import AuditQuery, Transaction
from mintmark.values.audit_event import AuditEvent
from mintmark.values.client import Client
from mintmark.values.tenancy import Environment

MOST = 10_000


class EventEntry(NamedTuple):
    """An event and its number in the trail; numbers rise with time."""

    number: int
    event: AuditEvent


@dataclass(frozen=True, slots=True)
class Search:
    """Filters; empty or null means any."""

    environment: Annotated[str, "Of this environment only, as tenant/name."] = ""
    tenant: Annotated[str, "Of this tenant's environments only."] = ""
    request_id: Annotated[str, "X-Request-Id of an answer."] = ""
    client_id: Annotated[str, "Client id."] = ""
    credential_id: Annotated[str, "Id of a secret, token or key."] = ""
    kind: Annotated[str, "Such as token or admin.client.create."] = ""
    outcome: Annotated[str, "issued, refused, watched or done."] = ""
    reason: Annotated[str, "Reason of a refusal."] = ""
    dialect: Annotated[str, "Name of a dialect."] = ""
    mount: Annotated[str, "Path of a mount."] = ""
    jti: Annotated[str, "The jti of a token."] = ""
    since: Annotated[Instant | None, "From then on."] = None
    until: Annotated[Instant | None, "Before then."] = None
    before: Annotated[int | None, "Only events with a lower number."] = None
    limit: Annotated[int, "How many, at most 10000."] = 100


@dataclass(frozen=True, slots=True)
class Export:
    """One page of the trail."""

    environment: Annotated[str, "Of this environment only, as tenant/name."] = ""
    tenant: Annotated[str, "Of this tenant's environments only."] = ""
    after: Annotated[int, "Only events with a higher number."] = 0
    limit: Annotated[int, "How many, at most 10000."] = 1000


def _most(limit: int) -> int:
    if not 0 < limit <= MOST:
        raise AdministrationFault(f"The limit must be a whole number from 1 to {MOST}.")
    return limit


def _own(tx: Transaction, call: Call, environment: str) -> tuple[str, ...] | None:
    """For a developer, the applications that its events are about, as ``tenant/env/id``; None: all."""
    if call.principal.role != "developer":
        return None
    places = (
        [environment]
        if environment
        else [place.id for place in tx.find(Environment, tenant=call.principal.tenant)]
    )
    return tuple(
        f"{place}/{client.client_id}"
        for place in places
        for client in tx.find(Client, environment=place, owner=call.principal.username)
    )


@operation("audit.search", "somewhere")
def search(tx: Transaction, call: Call, given: Search) -> list[EventEntry]:
    """Search the audit trail, newest first."""
    environment = given.environment or call.principal.environment
    found = tx.events(
        AuditQuery(
            environment=environment,
            tenant="" if environment else given.tenant or call.principal.tenant,
            clients=_own(tx, call, environment),
            kind=given.kind,
            outcome=given.outcome,
            request_id=given.request_id,
            client_id=given.client_id,
            credential_id=given.credential_id,
            dialect=given.dialect,
            mount=given.mount,
            reason=given.reason,
            jti=given.jti,
            since=given.since,
            until=given.until,
            before_id=given.before,
            limit=_most(given.limit),
        )
    )
    return [EventEntry(*each) for each in found]


@operation("audit.export", "somewhere")
def export(tx: Transaction, call: Call, given: Export) -> list[EventEntry]:
    """Read the audit trail in order, oldest first, a page at a time."""
    environment = given.environment or call.principal.environment
    found = tx.events(
        AuditQuery(
            environment=environment,
            tenant="" if environment else given.tenant or call.principal.tenant,
            clients=_own(tx, call, environment),
            after_id=given.after,
            limit=_most(given.limit),
        )
    )
    return [EventEntry(*each) for each in found]
