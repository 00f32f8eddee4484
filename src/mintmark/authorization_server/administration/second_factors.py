"""What people sign in with beside or in place of a password: one-time codes (RFC 6238) and passkeys (WebAuthn).

People set these up for themselves; whoever administers them can take them away, for somebody who has lost a device.
"""

from __future__ import annotations

from dataclasses import replace

from mintmark.authorization_server.administration import checked, lookup
from mintmark.authorization_server.administration.act import Act, audited, conflict, not_found
from mintmark.authorization_server.ports import Conflict, Transaction
from mintmark.values.passkey import Passkey
from mintmark.values.person import Person
from mintmark.values.session import Session

MOST_PASSKEYS = 10


def totp_context(username: str) -> str:
    """What the sealed secret of a person's one-time codes is bound to."""
    return f"totp:{username}"


def enable_totp(tx: Transaction, act: Act, username: str, secret: bytes, step: int) -> Person:
    """From now on the password alone does not sign this person in. `step`: of the code that has confirmed the secret.

    Raises AdministrationFault (conflict) where codes are asked for already: a session that was left open does not
    replace them.
    """
    person = lookup.person(tx, username)
    if person.totp:
        raise conflict("Codes are asked for already: turn them off with a code first.")
    sealed = act.seal(secret, totp_context(username))
    return _put(tx, act, replace(person, totp=sealed, totp_used=step), "enable_totp")


def disable_totp(tx: Transaction, act: Act, username: str) -> Person:
    """The password alone signs in again."""
    return _put(tx, act, replace(lookup.person(tx, username), totp=""), "disable_totp")


def use_code(tx: Transaction, act: Act, username: str, step: int) -> bool:
    """Use the code of a time step, if no sign-in has used it or a later one (RFC 6238 §5.2)."""
    person = lookup.person(tx, username)
    if step <= person.totp_used:
        return False
    tx.put(replace(person, totp_used=step), now=act.now)
    return True


def add_passkey(tx: Transaction, act: Act, passkey: Passkey) -> Passkey:
    """A further passkey of a person. Raises AdministrationFault."""
    checked.name(passkey.name, "name of the passkey")
    if len(tx.find(Passkey, username=passkey.username)) >= MOST_PASSKEYS:
        raise conflict(
            f"A person has at most {MOST_PASSKEYS} passkeys: remove one that is not used any more."
        )
    try:
        tx.add(passkey, now=act.now)
    except Conflict:
        raise conflict("This passkey is registered already.") from None
    audited(tx, act, "person.add_passkey", subject=f"person:{passkey.username}", detail=passkey.name)
    return passkey


def passkeys(tx: Transaction, username: str) -> list[Passkey]:
    """Those of a person, oldest first."""
    return sorted(tx.find(Passkey, username=username), key=lambda each: (each.created_at, each.id))


def used_passkey(tx: Transaction, act: Act, passkey_id: str, uses: int) -> None:
    """Remember that it signed somebody in."""
    found = tx.get(Passkey, passkey_id)
    if found is not None:
        tx.put(replace(found, uses=uses, used_at=act.now), now=act.now)


def remove_passkey(tx: Transaction, act: Act, username: str, passkey_id: str) -> None:
    """Take a passkey of a person away. Raises AdministrationFault (not_found) for what is not one of theirs."""
    found = tx.get(Passkey, passkey_id)
    if found is None or found.username != username:
        raise not_found("There is no such passkey: it was removed already.")
    tx.remove(found, now=act.now)
    audited(tx, act, "person.remove_passkey", subject=f"person:{username}", detail=found.name)


def reset(tx: Transaction, act: Act, username: str) -> Person:
    """Take one-time codes and all passkeys away, and end all sessions, of somebody who has lost a device."""
    for each in (*tx.find(Passkey, username=username), *tx.find(Session, username=username)):
        tx.remove(each, now=act.now)
    return _put(tx, act, replace(lookup.person(tx, username), totp=""), "reset_sign_in")


def _put(tx: Transaction, act: Act, person: Person, verb: str) -> Person:
    tx.put(person, now=act.now)
    audited(tx, act, f"person.{verb}", subject=f"person:{person.username}")
    return person
