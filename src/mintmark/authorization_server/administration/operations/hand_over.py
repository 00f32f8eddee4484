"""Operations on hand-overs: credentials that somebody fetches by a one-time link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mintmark.authorization_server.administration import hand_overs
from mintmark.authorization_server.administration.hand_overs import NewHandOver
from mintmark.authorization_server.administration.operation import Call, operation
from mintmark.authorization_server.administration.operations.inputs import EnvironmentId, OfEnvironment
from mintmark.authorization_server.ports import Transaction
from mintmark.values.hand_over import HandOver
from mintmark.values.secret import Secret


@dataclass(frozen=True, slots=True)
class HandOverToMake:
    """Credentials to be fetched by somebody else."""

    environment: EnvironmentId
    about: Annotated[str, "What it is, for who fetches it and for the audit trail."]
    text: Annotated[Secret, "What is handed over; a JSON object of texts is shown field by field."]
    lifetime: Annotated[int, "Seconds that the link lasts; at most 14 days."] = hand_overs.LIFETIME


@dataclass(frozen=True, slots=True)
class OfHandOver:
    """A hand-over that nobody has fetched yet."""

    environment: EnvironmentId
    hand_over_id: Annotated[str, "The id of the hand-over, as listed."]


@operation("hand_over.create", "environment", writes=True, once=True)
def create(tx: Transaction, call: Call, given: HandOverToMake) -> NewHandOver:
    """Seal credentials until somebody fetches them by a one-time link, whose code is shown once."""
    return hand_overs.create(
        tx,
        call.act,
        environment=given.environment,
        about=given.about,
        text=given.text,
        lifetime=given.lifetime,
    )


@operation("hand_over.list", "environment")
def listing(tx: Transaction, call: Call, given: OfEnvironment) -> list[HandOver]:
    """List hand-overs that nobody has fetched yet."""
    return hand_overs.listing(tx, given.environment, call.now)


@operation("hand_over.withdraw", "environment", writes=True)
def withdraw(tx: Transaction, call: Call, given: OfHandOver) -> None:
    """Let a link lead nowhere."""
    hand_overs.withdraw(tx, call.act, given.environment, given.hand_over_id)
