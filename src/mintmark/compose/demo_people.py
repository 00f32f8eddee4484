"""The people of the demo: an operator, an admin of every sample tenant, and a developer and an auditor of one.

Their passwords are made once and kept in plain text by the demo alone, as its other credentials are.
"""

from __future__ import annotations

from collections.abc import Mapping

from mintmark.authorization_server.administration import imported_secrets, people
from mintmark.authorization_server.administration.act import Act
from mintmark.authorization_server.ports import Transaction
from mintmark.values.person import Person, Role
from mintmark.values.secret import Secret

#: User name -> name, role, tenant.
PEOPLE: Mapping[str, tuple[str, Role, str]] = {
    "operator": ("Olga Operator", "operator", ""),
    "admin@omnilab": ("Amir Admin", "admin", "omnilab"),
    "admin@oleria": ("Ada Admin", "admin", "oleria"),
    "developer@oleria": ("Dev Developer", "developer", "oleria"),
    "auditor@oleria": ("Aud Auditor", "auditor", "oleria"),
    "admin@fyma": ("Fay Admin", "admin", "fyma"),
    "admin@omneo": ("Mei Admin", "admin", "omneo"),
    "admin@omnissa": ("Sam Admin", "admin", "omnissa"),
    "admin@standard": ("Stan Admin", "admin", "standard"),
}
Hashed = tuple[str, Secret, str]


def prepare(act: Act, known: Mapping[str, str]) -> list[Hashed]:
    """User name, password and digest of everybody, made before the transaction; `known` passwords are kept."""
    made = []
    for username in PEOPLE:
        password = Secret(known[username]) if username in known else imported_secrets.new_password(act)
        digest = "" if username in known else imported_secrets.password_digest(act, password)
        made.append((username, password, digest))
    return made


def provision(tx: Transaction, act: Act, prepared: list[Hashed]) -> dict[str, str]:
    """Make those that are missing; everybody's password."""
    kept = {}
    for username, password, digest in prepared:
        name, role, tenant = PEOPLE[username]
        if digest and tx.get(Person, username) is None:
            people.create(tx, act, username=username, digest=digest, name=name, role=role, tenant=tenant)
        kept[username] = password.reveal()
    return kept
