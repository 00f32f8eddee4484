"""Machine users: what stands for an integration (Omneo). A new password leaves issued tokens valid.

Passwords come as argon2id digests, made with `imported_secrets` before the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mintmark.authorization_server.administration import checked, identifiers, lookup
from mintmark.authorization_server.administration.act import (
    Act,
    AdministrationFault,
    audited,
    insert,
    not_found,
)
from mintmark.authorization_server.ports import Transaction
from mintmark.values.credential import ApiToken, MachineUser
from mintmark.values.permission import EVERYTHING


def create(
    tx: Transaction,
    act: Act,
    *,
    environment: str,
    username: str,
    digest: str,
    scopes: Iterable[str] = (EVERYTHING,),
    proxy_login: bool = False,
    proxy_audience: str | None = None,
    imported: bool = False,
) -> MachineUser:
    """A new machine user, or one from another server (`imported`, for the audit trail).

    `scopes`: the most it may be granted in any API, ``*`` for no bound of its own. `proxy_login`: may use the
    proxy login, for the API `proxy_audience`. Raises AdministrationFault.
    """
    lookup.usable_environment(tx, environment)
    _refuse_taken(tx, environment, checked.name(username, "user name"))
    made = identifiers.fresh(
        lambda: identifiers.user_id(act.entropy), lambda found: tx.get(MachineUser, environment, found)
    )
    user = _checked(
        tx,
        MachineUser(
            environment=environment,
            id=made,
            username=username,
            hash_kind="argon2id",
            digest=digest,
            scopes=tuple(dict.fromkeys(scopes)),
            proxy_login=proxy_login,
            proxy_audience=proxy_audience,
            created_at=act.now,
        ),
    )
    insert(tx, act, user)
    audited(
        tx,
        act,
        f"machine_user.{'import' if imported else 'create'}",
        environment=environment,
        user_id=made,
        subject=username,
        scope=" ".join(user.scopes),
    )
    return user


def listing(tx: Transaction, environment: str) -> list[MachineUser]:
    """The machine users of an environment, by user name."""
    found = tx.find(MachineUser, environment=lookup.environment(tx, environment).id)
    return sorted(found, key=lambda user: user.username)


def show(tx: Transaction, environment: str, username: str) -> MachineUser:
    """One machine user by user name. Raises AdministrationFault (not_found)."""
    lookup.environment(tx, environment)
    found = tx.find(MachineUser, environment=environment, username=username) if username.isprintable() else []
    if found:
        return found[0]
    raise not_found(
        f"There is no machine user '{username}' in {environment}; list the machine users to see those that "
        "exist."
    )


def change(
    tx: Transaction,
    act: Act,
    environment: str,
    username: str,
    *,
    scopes: Iterable[str] | None = None,
    proxy_login: bool | None = None,
    proxy_audience: str | None = None,
) -> MachineUser:
    """Change what is given; None leaves it. `scopes` replaces them all."""
    given = {
        "scopes": None if scopes is None else tuple(dict.fromkeys(scopes)),
        "proxy_login": proxy_login,
        "proxy_audience": proxy_audience,
    }
    changes = {field: value for field, value in given.items() if value is not None}
    user = replace(show(tx, environment, username), **changes)  # type: ignore[arg-type]
    return _put(tx, act, _checked(tx, user), "change", ", ".join(sorted(changes)))


def change_password(
    tx: Transaction, act: Act, environment: str, username: str, *, digest: str
) -> MachineUser:
    """Replace the password at once. Tokens that the old one obtained stay valid (Omneo)."""
    user = replace(show(tx, environment, username), hash_kind="argon2id", digest=digest)
    return _put(tx, act, user, "change_password")


def disable(tx: Transaction, act: Act, environment: str, username: str) -> MachineUser:
    """Refuse a machine user and its tokens at once."""
    return _put(tx, act, replace(show(tx, environment, username), enabled=False), "disable")


def enable(tx: Transaction, act: Act, environment: str, username: str) -> MachineUser:
    """Let a disabled machine user work again. Its revoked tokens stay revoked."""
    return _put(tx, act, replace(show(tx, environment, username), enabled=True), "enable")


def delete(tx: Transaction, act: Act, environment: str, username: str) -> None:
    """Delete a machine user, and with it the API tokens that act for it."""
    user = show(tx, environment, username)
    tokens = len(tx.find(ApiToken, environment=environment, user_id=user.id))
    tx.remove(user, now=act.now)
    audited(
        tx,
        act,
        "machine_user.delete",
        environment=environment,
        user_id=user.id,
        subject=username,
        detail=f"with {tokens} API tokens" if tokens else "",
    )


def _put(tx: Transaction, act: Act, user: MachineUser, verb: str, detail: str = "") -> MachineUser:
    tx.put(user, now=act.now)
    audited(
        tx,
        act,
        f"machine_user.{verb}",
        environment=user.environment,
        user_id=user.id,
        subject=user.username,
        detail=detail,
    )
    return user


def _refuse_taken(tx: Transaction, environment: str, username: str) -> None:
    if tx.find(MachineUser, environment=environment, username=username):
        raise AdministrationFault(
            f"There is a machine user '{username}' in {environment} already: choose another name, or change "
            "that one.",
            "conflict",
        )


def _checked(tx: Transaction, user: MachineUser) -> MachineUser:
    if len(user.username.encode()) > checked.LONGEST_IDENTIFIER:
        raise AdministrationFault(f"The user name must be at most {checked.LONGEST_IDENTIFIER} bytes.")
    if user.proxy_login and ":" in user.username:
        raise AdministrationFault(
            "The user name of a proxy login must not hold a colon, which ends the name in Basic (RFC 7617)."
        )
    checked.scope_grammar(user.scopes, f"the machine user {user.username}")
    if user.proxy_audience is not None:
        lookup.api(tx, user.environment, user.proxy_audience)
    if user.proxy_login and user.proxy_audience is None:
        raise AdministrationFault("A proxy login needs the audience of the API that its tokens are for.")
    return user
