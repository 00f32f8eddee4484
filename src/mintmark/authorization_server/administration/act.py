"""An act of administration: who does it, when, and with which keys; and the one way that it is refused.

Every noun's functions take a `Transaction` and an `Act`, write their audit event in that same transaction,
and raise `AdministrationFault` (one sentence for people) before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from mintmark.authorization_server.ports import Conflict, Transaction
from mintmark.values.audit_event import AuditEvent

FaultKind = Literal["invalid", "not_found", "conflict", "forbidden"]


class AdministrationFault(Exception):
    """A refusal. `kind`: ``invalid`` (bad input), ``not_found``, ``conflict`` (the state forbids it) or
    ``forbidden`` (the caller sees it and may not).

    The text is one sentence: what is wrong, where, what to do. It never holds a secret.
    """

    def __init__(self, sentence: str, kind: FaultKind = "invalid") -> None:
        super().__init__(sentence)
        self.kind: FaultKind = kind


def not_found(sentence: str) -> AdministrationFault:
    """What was named does not exist."""
    return AdministrationFault(sentence, "not_found")


def forbidden(sentence: str) -> AdministrationFault:
    """The caller sees what was named, and has not the right."""
    return AdministrationFault(sentence, "forbidden")


def conflict(sentence: str) -> AdministrationFault:
    """It exists already, or its state forbids the act."""
    return AdministrationFault(sentence, "conflict")


@dataclass(frozen=True, slots=True)
class Act:
    """`now`: whole seconds since the epoch, UTC. `actor`: who acts, for the audit trail.

    `entropy(n)`: n random bytes. `secret_key`: keys the HMAC of generated secrets. `seal(plain, context)`:
    seals a key at rest. `hash_password(text)`: argon2id, slow; call it before the transaction, never inside.
    `request_id`, `peer`: of the request that brought the act, where there is one.
    """

    now: int
    actor: str
    entropy: Callable[[int], bytes] = field(repr=False)
    secret_key: bytes = field(repr=False)
    seal: Callable[[bytes, str], str] = field(repr=False)
    hash_password: Callable[[str], str] = field(repr=False)
    request_id: str = ""
    peer: str = ""


def audited(
    tx: Transaction,
    act: Act,
    kind: str,
    *,
    environment: str = "",
    client_id: str = "",
    credential_id: str = "",
    user_id: str = "",
    subject: str = "",
    audience: str = "",
    scope: str = "",
    mount: str = "",
    dialect: str = "",
    detail: str = "",
) -> None:
    """Write the audit event ``admin.<kind>`` of an act into its own transaction."""
    tx.audit(
        AuditEvent(
            at=float(act.now),
            kind=f"admin.{kind}",
            outcome="done",
            environment=environment,
            request_id=act.request_id,
            client_id=client_id,
            credential_id=credential_id,
            user_id=user_id,
            subject=subject,
            audience=audience,
            scope=scope,
            mount=mount,
            dialect=dialect,
            peer=act.peer,
            actor=act.actor,
            detail=detail,
        )
    )


def insert(tx: Transaction, act: Act, record: object) -> None:
    """Add `record`. Raises AdministrationFault when its key, user name, host or issuer is taken."""
    try:
        tx.add(record, now=act.now)
    except Conflict as taken:
        raise _taken(taken) from None


def update(tx: Transaction, act: Act, record: object) -> None:
    """Replace `record`. Raises AdministrationFault when a host of it is taken."""
    try:
        tx.put(record, now=act.now)
    except Conflict as taken:
        raise _taken(taken) from None


def _taken(fault: Conflict) -> AdministrationFault:
    return conflict(f"{str(fault).rstrip('.')}: choose another, or change that one.")
