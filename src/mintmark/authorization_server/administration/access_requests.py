"""Access requests (Fyma): somebody asks for credentials, an operator approves or refuses with a reason."""

from __future__ import annotations

from dataclasses import replace

from mintmark.authorization_server.administration import checked, identifiers, lookup
from mintmark.authorization_server.administration.act import (
    Act,
    AdministrationFault,
    audited,
    conflict,
    not_found,
)
from mintmark.authorization_server.ports import Transaction
from mintmark.values.tenancy import AccessRequest

LONGEST_USE_CASE = 2000


def ask(
    tx: Transaction, act: Act, *, name: str, organization: str, use_case: str, contact: str
) -> AccessRequest:
    """A new request, waiting for a decision. Raises AdministrationFault."""
    printable = use_case.replace("\n", " ").replace("\r", " ")
    if not printable.isprintable() or not 0 < len(use_case) <= LONGEST_USE_CASE:
        raise AdministrationFault(f"The use case must be 1 to {LONGEST_USE_CASE} printable characters.")
    request = AccessRequest(
        id=identifiers.fresh(
            lambda: identifiers.user_id(act.entropy), lambda made: tx.get(AccessRequest, made)
        ),
        name=checked.name(name, "name"),
        organization=checked.name(organization, "organization"),
        use_case=use_case,
        contact=checked.name(contact, "contact"),
        created_at=act.now,
    )
    tx.add(request, now=act.now)
    audited(tx, act, "access_request.ask", subject=f"access_request:{request.id}")
    return request


def listing(tx: Transaction, state: str = "") -> list[AccessRequest]:
    """All requests, or those in a state (``asked``, ``approved``, ``refused``), oldest first."""
    found = tx.find(AccessRequest, state=state) if state else tx.find(AccessRequest)
    return sorted(found, key=lambda request: (request.created_at, request.id))


def show(tx: Transaction, request_id: str) -> AccessRequest:
    """One request. Raises AdministrationFault (not_found)."""
    found = lookup.record(tx, AccessRequest, request_id)
    if found is None:
        raise not_found(
            f"There is no access request '{request_id}'; list the access requests to see their ids."
        )
    return found


def approve(tx: Transaction, act: Act, request_id: str) -> AccessRequest:
    """Approve a request that waits. The other nouns make what it asks for, in the same transaction if wished."""
    decided = replace(_waiting(tx, request_id), state="approved", decided_at=act.now)
    tx.put(decided, now=act.now)
    audited(tx, act, "access_request.approve", subject=f"access_request:{request_id}")
    return decided


def refuse(tx: Transaction, act: Act, request_id: str, *, reason: str) -> AccessRequest:
    """Refuse a request that waits, with a reason for the person who asked."""
    decided = replace(
        _waiting(tx, request_id),
        state="refused",
        reason=checked.name(reason, "reason"),
        decided_at=act.now,
    )
    tx.put(decided, now=act.now)
    audited(tx, act, "access_request.refuse", subject=f"access_request:{request_id}", detail=reason)
    return decided


def _waiting(tx: Transaction, request_id: str) -> AccessRequest:
    request = show(tx, request_id)
    if request.state != "asked":
        raise conflict(f"The access request {request_id} was {request.state} already: a decision stands.")
    return request
