"""Sessions of people in the console: begun by a sign-in, over after a time without use or after half a day at most.

A session is found by the hash of a value that only the browser holds. It ends at once when its person is disabled or
deleted, or has another password or name at the OpenID provider; ending one is an act like every other.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from mintmark.authorization_server.administration.act import Act, audited, not_found
from mintmark.authorization_server.ports import Transaction
from mintmark.values.person import Person
from mintmark.values.session import Session

#: Seconds without a request, and seconds altogether, after which one has to sign in again.
IDLE, LONGEST = 30 * 60, 12 * 3600
#: Seconds by which `seen_at` may be late, so that not every page is a write.
SEEN_GRAIN = 60
_LONGEST_AGENT = 200


def begin(tx: Transaction, act: Act, person: Person, value: str, agent: str) -> Session:
    """A new session, known to who holds `value` (random, made for it)."""
    tx.forget(Session, created_before=act.now - LONGEST)
    made = Session(
        id=_id(value),
        username=person.username,
        mark=mark(person),
        created_at=act.now,
        seen_at=act.now,
        peer=act.peer,
        agent="".join(each for each in agent if each.isprintable())[:_LONGEST_AGENT],
    )
    tx.add(made, now=act.now)
    audited(tx, act, "session.begin", subject=f"person:{person.username}")
    return made


def find(tx: Transaction, value: str, now: float) -> tuple[Session, Person] | None:
    """The living session of who holds `value`, with its person as it is now."""
    session = tx.get(Session, _id(value))
    if session is None:
        return None
    person = tx.get(Person, session.username)
    if person is None or not _lives(session, person, now):
        return None
    return session, person


def seen(tx: Transaction, session: Session, now: float) -> None:
    """Remember that it was used, unless it has ended meanwhile."""
    current = tx.get(Session, session.id)
    if current is not None:
        tx.put(replace(current, seen_at=int(now)), now=now)


def is_due(session: Session, now: float) -> bool:
    """Whether `seen` should be called."""
    return now - session.seen_at >= SEEN_GRAIN


def listing(tx: Transaction, person: Person, now: float) -> list[Session]:
    """A person's living sessions, the one used last first."""
    found = [each for each in tx.find(Session, username=person.username) if _lives(each, person, now)]
    return sorted(found, key=lambda each: (each.seen_at, each.created_at, each.id), reverse=True)


def end(tx: Transaction, act: Act, username: str, session_id: str) -> None:
    """End a session of a person. Raises AdministrationFault (not_found) for what is not one of theirs."""
    session = tx.get(Session, session_id)
    if session is None or session.username != username:
        raise not_found("There is no such session: it has ended already.")
    tx.remove(session, now=act.now)
    audited(tx, act, "session.end", subject=f"person:{username}")


def end_others(tx: Transaction, act: Act, username: str, session_id: str) -> int:
    """End all sessions of a person but one; how many there were."""
    others = [each for each in tx.find(Session, username=username) if each.id != session_id]
    for each in others:
        tx.remove(each, now=act.now)
    audited(tx, act, "session.end_others", subject=f"person:{username}", detail=f"{len(others)} sessions")
    return len(others)


def _lives(session: Session, person: Person, now: float) -> bool:
    return (
        person.enabled
        and session.mark == mark(person)
        and now < session.created_at + LONGEST
        and now < session.seen_at + IDLE
    )


def _id(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def mark(person: Person) -> str:
    """What a session keeps of its person: says nothing of the digest, and is another for another password, another
    name at the OpenID provider, and for whoever has the user name after the person was deleted.
    """
    told = (person.username, person.digest, person.openid, str(person.created_at))
    return hashlib.sha256("\0".join(("mintmark session", *told)).encode()).hexdigest()[:32]
