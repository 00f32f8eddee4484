"""Operations on access requests: asked, approved, refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mintmark.authorization_server.administration import access_requests
from mintmark.authorization_server.administration.operation import Call, operation
from mintmark.authorization_server.ports import Transaction
from mintmark.values.tenancy import AccessRequest

RequestId = Annotated[str, "The id of the access request, as listed."]


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody asks for credentials."""

    name: Annotated[str, "Who asks."]
    organization: Annotated[str, "For which organization."]
    use_case: Annotated[str, "What for, in words."]
    contact: Annotated[str, "How to reach them."]


@dataclass(frozen=True, slots=True)
class RequestsIn:
    """All access requests, or those in a state."""

    state: Annotated[str, "asked, approved or refused; empty: all."] = ""


@dataclass(frozen=True, slots=True)
class OfRequest:
    """An access request."""

    request_id: RequestId


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an access request is refused."""

    request_id: RequestId
    reason: Annotated[str, "For the person who asked."]


@operation("access_request.ask", "installation", writes=True)
def ask(tx: Transaction, call: Call, given: Asked) -> AccessRequest:
    """Note a request for credentials."""
    return access_requests.ask(
        tx,
        call.act,
        name=given.name,
        organization=given.organization,
        use_case=given.use_case,
        contact=given.contact,
    )


@operation("access_request.list", "installation")
def listing(tx: Transaction, call: Call, given: RequestsIn) -> list[AccessRequest]:
    """List access requests, oldest first."""
    return access_requests.listing(tx, given.state)


@operation("access_request.show", "installation")
def show(tx: Transaction, call: Call, given: OfRequest) -> AccessRequest:
    """Show an access request."""
    return access_requests.show(tx, given.request_id)


@operation("access_request.approve", "installation", writes=True)
def approve(tx: Transaction, call: Call, given: OfRequest) -> AccessRequest:
    """Approve an access request; the client for it is made by the other operations."""
    return access_requests.approve(tx, call.act, given.request_id)


@operation("access_request.refuse", "installation", writes=True)
def refuse(tx: Transaction, call: Call, given: Refusal) -> AccessRequest:
    """Refuse an access request with a reason."""
    return access_requests.refuse(tx, call.act, given.request_id, reason=given.reason)
