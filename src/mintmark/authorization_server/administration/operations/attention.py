"""The operation that lists credentials which end soon, or which nothing uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mintmark.authorization_server.administration import attention, environments
from mintmark.authorization_server.administration.attention import Needing
from mintmark.authorization_server.administration.operation import Call, operation
from mintmark.authorization_server.ports import Transaction


@dataclass(frozen=True, slots=True)
class Where:
    """Everything that the caller sees, or one environment."""

    environment: Annotated[str, "Of this environment only, as tenant/name."] = ""


@operation("attention.list", "somewhere")
def listing(tx: Transaction, call: Call, given: Where) -> list[Needing]:
    """List credentials that end within two weeks, and those that nothing has used for 90 days."""
    seen = [each.id for each in environments.listing(tx, None) if call.principal.sees_environment(each.id)]
    places = [given.environment] if given.environment else seen
    found = attention.listing(tx, places, call.now)
    return [each for each in found if call.principal.sees_client(each.owner)]
