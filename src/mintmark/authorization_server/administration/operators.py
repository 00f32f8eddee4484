"""Operators: the people who run the service. Passwords come as argon2id digests, made before the transaction."""

from __future__ import annotations

from dataclasses import replace

from mintmark.authorization_server.administration import checked, lookup
from mintmark.authorization_server.administration.act import Act, audited, conflict, insert, not_found
from mintmark.authorization_server.ports import Transaction
from mintmark.values.tenancy import Operator


def create(tx: Transaction, act: Act, *, username: str, digest: str) -> Operator:
    """A new operator. `digest`: by `imported_secrets.password_digest`. Raises AdministrationFault."""
    operator = Operator(username=checked.name(username, "user name"), digest=digest, created_at=act.now)
    insert(tx, act, operator)
    audited(tx, act, "operator.create", subject=f"operator:{username}")
    return operator


def create_first(tx: Transaction, act: Act, *, username: str, digest: str) -> Operator:
    """The first operator of an installation; refused (conflict) when there is one."""
    if tx.find(Operator):
        raise conflict("There is an operator already: sign in as one and create further ones.")
    return create(tx, act, username=username, digest=digest)


def listing(tx: Transaction) -> list[Operator]:
    """All operators, by user name."""
    return tx.find(Operator)


def change_password(tx: Transaction, act: Act, username: str, *, digest: str) -> Operator:
    """Replace an operator's password at once."""
    return _put(tx, act, replace(_operator(tx, username), digest=digest), "change_password")


def disable(tx: Transaction, act: Act, username: str) -> Operator:
    """Lock an operator out. The last enabled one cannot be."""
    operator = _operator(tx, username)
    if not any(other.enabled for other in tx.find(Operator) if other.username != username):
        raise conflict("The last enabled operator cannot be disabled: create or enable another first.")
    return _put(tx, act, replace(operator, enabled=False), "disable")


def enable(tx: Transaction, act: Act, username: str) -> Operator:
    """Let a disabled operator in again."""
    return _put(tx, act, replace(_operator(tx, username), enabled=True), "enable")


def _put(tx: Transaction, act: Act, operator: Operator, verb: str) -> Operator:
    tx.put(operator, now=act.now)
    audited(tx, act, f"operator.{verb}", subject=f"operator:{operator.username}")
    return operator


def _operator(tx: Transaction, username: str) -> Operator:
    found = lookup.record(tx, Operator, username)
    if found is None:
        raise not_found(f"There is no operator '{username}'; list the operators to see those that exist.")
    return found
