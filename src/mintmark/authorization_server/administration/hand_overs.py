"""Handing credentials over by a one-time link: sealed until somebody with the link's code asks for them, once.

The code is in the link's fragment, so that no server or proxy on the way writes it down; the database has its hash.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from mintmark.authorization_server.administration import checked, lookup
from mintmark.authorization_server.administration.act import Act, AdministrationFault, audited, not_found
from mintmark.authorization_server.ports import Transaction
from mintmark.values.hand_over import HandOver
from mintmark.values.secret import Secret, new_identifier

#: Seconds that a link lasts unless another time is given, and at most.
LIFETIME, LONGEST = 3 * 86400, 14 * 86400
CODE_CHARACTERS = 32
LONGEST_TEXT = 16 * 1024


@dataclass(frozen=True, slots=True)
class NewHandOver:
    """A hand-over and the code of its link, which nothing tells again."""

    hand_over: HandOver
    code: Secret = field(repr=False)


def create(
    tx: Transaction,
    act: Act,
    *,
    environment: str,
    about: str,
    text: Secret,
    lifetime: int = LIFETIME,
) -> NewHandOver:
    """Seal `text` until it is fetched, for `lifetime` seconds. Raises AdministrationFault."""
    lookup.environment(tx, environment)
    checked.number(lifetime, "time that the link lasts, in seconds,", least=60, most=LONGEST)
    if not 0 < len(text.reveal()) <= LONGEST_TEXT:
        raise AdministrationFault(f"What is handed over must be 1 to {LONGEST_TEXT} characters.")
    tx.forget(HandOver, created_before=act.now - LONGEST)
    code = Secret(new_identifier(act.entropy, CODE_CHARACTERS))
    identifier = _id(code)
    made = HandOver(
        id=identifier,
        environment=environment,
        about=checked.name(about, "description"),
        created_by=act.actor,
        created_at=act.now,
        expires_at=act.now + lifetime,
        sealed=act.seal(text.reveal().encode("utf-8", "surrogatepass"), context(identifier)),
    )
    tx.add(made, now=act.now)
    audited(
        tx,
        act,
        "hand_over.create",
        environment=environment,
        subject=f"hand_over:{identifier[:12]}",
        detail=about,
    )
    return NewHandOver(made, code)


def listing(tx: Transaction, environment: str, now: float) -> list[HandOver]:
    """Those of an environment that nobody has fetched yet, oldest first."""
    found = [each for each in tx.find(HandOver, environment=environment) if now < each.expires_at]
    return sorted(found, key=lambda each: (each.created_at, each.id))


def withdraw(tx: Transaction, act: Act, environment: str, hand_over_id: str) -> None:
    """Let a link lead nowhere. Raises AdministrationFault (not_found)."""
    found = tx.get(HandOver, hand_over_id)
    if found is None or found.environment != environment:
        raise not_found("There is no such hand-over: it was fetched or withdrawn.")
    tx.remove(found, now=act.now)
    audited(tx, act, "hand_over.withdraw", environment=environment, subject=f"hand_over:{hand_over_id[:12]}")


def fetch(tx: Transaction, act: Act, code: Secret) -> HandOver | None:
    """What the code is for, this once; None when it is for nothing (any more)."""
    found = tx.get(HandOver, _id(code))
    if found is None or act.now >= found.expires_at:
        return None
    tx.remove(found, now=act.now)
    audited(
        tx,
        act,
        "hand_over.fetch",
        environment=found.environment,
        subject=f"hand_over:{found.id[:12]}",
        detail=f"{found.about}, handed over by {found.created_by}",
    )
    return found


def context(identifier: str) -> str:
    """What the sealed values are bound to."""
    return f"hand_over:{identifier}"


def _id(code: Secret) -> str:
    return hashlib.sha256(code.reveal().encode("utf-8", "surrogatepass")).hexdigest()
