"""Many records in few statements: adding them, reading clients ahead, and which client ids there are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa

from mintmark.authorization_server.ports import Conflict
from mintmark.storage.rows import KEYS, decode, encode, is_storable, refuse_unstorable
from mintmark.storage.tables import TABLES, whole
from mintmark.values.client import Client
from mintmark.values.credential import SecretVersion
from mintmark.values.tenancy import Environment

Record = TypeVar("Record")
#: Client ids that are looked up in one statement.
_AMONG = 500


def add(connection: sa.Connection, records: Sequence[object]) -> None:
    """Insert records of one type, none of them an environment, whose hosts are rows, too.

    Raises Conflict and KeyError, without saying which it was, and ValueError when a text cannot be stored.
    """
    if not records:
        return
    kind = type(records[0])
    if kind is Environment:
        raise TypeError("environments are added one by one")
    for record in records:
        refuse_unstorable(record)
    try:
        connection.execute(TABLES[kind].insert(), [encode(record) for record in records])
    except sa.exc.IntegrityError as error:
        if "foreign" in str(error.orig).lower():
            raise KeyError("What one of them belongs to does not exist.") from None
        raise Conflict("One of them, or a unique part of it, exists already.") from None


def client_ids(connection: sa.Connection, environment: str, among: Sequence[str]) -> set[str]:
    """Which of these client ids the environment has."""
    ids = TABLES[Client].c.client_id
    mine = sa.select(ids).where(TABLES[Client].c.environment == environment)
    found: set[str] = set()
    for start in range(0, len(among), _AMONG):
        some = [each for each in among[start : start + _AMONG] if is_storable(each)]
        found.update(connection.scalars(mine.where(ids.in_(some))))
    return found


def encoded_client_ids(connection: sa.Connection, environment: str) -> list[str]:
    """The client ids of an environment that hold ``%`` or ``+``."""
    ids = TABLES[Client].c.client_id
    odd = sa.or_(ids.contains("%", autoescape=True), ids.contains("+"))
    return list(connection.scalars(sa.select(ids).where(TABLES[Client].c.environment == environment, odd)))


def clients_after(
    connection: sa.Connection, after: tuple[str, str], most: int
) -> tuple[list[Client], list[SecretVersion]]:
    """The next clients behind the key (environment, client id), in order, and all of their secrets."""
    clients = _span(connection, Client, after, None, most)
    if not clients:
        return [], []
    last = (clients[-1].environment, clients[-1].client_id)
    return clients, _span(connection, SecretVersion, after, last, None)


def clients_at(
    connection: sa.Connection, keys: Sequence[tuple[str, str]]
) -> tuple[list[Client], list[SecretVersion]]:
    """The clients with these keys (environment, client id), those that there are, and all of their secrets."""
    found: tuple[list[Client], list[SecretVersion]] = ([], [])
    for environment in dict.fromkeys(environment for environment, _ in keys):
        ids = [entry for where, entry in keys if where == environment and is_storable(entry)]
        if ids and is_storable(environment):
            clients = _at(connection, Client, environment, ids)
            found[0].extend(clients)
            found[1].extend(_at(connection, SecretVersion, environment, ids) if clients else ())
    return found


def _at(connection: sa.Connection, kind: type[Record], environment: str, ids: Sequence[str]) -> list[Record]:
    """Of so many ids as a power of two has, so that there are few statements, and each is prepared once."""
    count = 1 << (len(ids) - 1).bit_length()
    given = (environment, *ids, *[ids[-1]] * (count - len(ids)))
    statement = _select_at(connection.dialect, kind, count)  # type: ignore[arg-type]  # a class is hashable
    return [decode(kind, row) for row in connection.exec_driver_sql(statement, given)]


@cache
def _select_at(dialect: sa.Dialect, kind: type[Any], count: int) -> str:
    """In the driver's own words, as `transaction._select`."""
    table = TABLES[kind]
    ids: list[sa.BindParameter[str]] = [sa.bindparam(f"id{number}") for number in range(count)]
    rows = whole(kind).where(table.c.environment == sa.bindparam("environment"), table.c.client_id.in_(ids))
    return str(rows.compile(dialect=dialect))


def _span(
    connection: sa.Connection,
    kind: type[Record],
    after: tuple[str, str],
    last: tuple[str, str] | None,
    most: int | None,
) -> list[Record]:
    table = TABLES[kind]
    key = sa.tuple_(table.c.environment, table.c.client_id)
    found = whole(kind).where(key > after)
    if last is not None:
        found = found.where(key <= last)
    found = found.order_by(*(table.c[name] for name in KEYS[kind])).limit(most)
    return [decode(kind, row) for row in connection.execute(found)]
