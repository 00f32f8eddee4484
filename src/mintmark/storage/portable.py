"""All tables as plain rows, for whoever moves a whole database: a page at a time, parents before children, the same for
every engine.

A row is a list of text, numbers, truth values and None in the order of its table's columns, so JSON keeps it as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from mintmark.storage.tables import audit_check, metadata, node

Row = Sequence[Any]
#: What is true of this very database alone: who serves from it, and when its trail was checked.
HERE = (node, audit_check)
#: Rows of a page.
PAGE = 1000


def tables() -> list[sa.Table]:
    """Every table of the schema but those of `HERE`; a table stands behind those that it refers to."""
    return [table for table in metadata.sorted_tables if table not in HERE]


def count(connection: sa.Connection, table: sa.Table) -> int:
    """How many rows the table has."""
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def pages(
    connection: sa.Connection, table: sa.Table, after: Row | None = None, most: int = PAGE
) -> Iterator[list[Row]]:
    """The rows of a table in the order of its primary key, at most `most` at a time; no page is empty.

    `after`: the values of the primary key, as `key_of` gives them, behind which to begin.
    """
    key = list(table.primary_key.columns)
    places = [list(table.columns).index(column) for column in key]
    ordered = sa.select(table).order_by(*key).limit(most)
    while True:
        part = ordered if after is None else ordered.where(sa.tuple_(*key) > sa.tuple_(*_values(key, after)))
        rows: list[Row] = [list(row) for row in connection.execute(part)]
        if rows:
            yield rows
        if len(rows) < most:
            return
        after = [rows[-1][place] for place in places]


def key_of(table: sa.Table, row: Row) -> Row:
    """The values of the primary key in a row."""
    columns = list(table.columns)
    return [row[columns.index(column)] for column in table.primary_key.columns]


def insert(connection: sa.Connection, table: str, names: Sequence[str], rows: Sequence[Row]) -> None:
    """Add rows to the table `table`, whose columns `names` may be those of an older schema.

    Raises IntegrityError of SQLAlchemy when one is there already or its parent is not.
    """
    into = sa.table(table, *map(sa.column, names))
    connection.execute(into.insert(), [dict(zip(names, row, strict=True)) for row in rows])


def _values(key: Sequence[sa.Column[Any]], values: Row) -> list[sa.BindParameter[Any]]:
    return [sa.literal(value, column.type) for column, value in zip(key, values, strict=True)]
