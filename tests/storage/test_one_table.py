"""How many bytes the audit trail takes on SQLite is told within a quarter of what its pages take."""

from __future__ import annotations

from contextlib import closing

import pytest
import sqlalchemy as sa

from mintmark.storage.engines.sqlite import SqliteDatabase
from mintmark.storage.trail import Trail
from tests.storage.samples import NOW, event

PAGES = "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name LIKE '%audit_event%'"


@pytest.mark.parametrize("detail", ["", "a longer sentence that says why something was refused, ünï ☃"])
def test_the_bytes_of_the_trail_are_those_of_its_pages(sqlite_database: SqliteDatabase, detail: str) -> None:
    trail = Trail(sqlite_database)

    def append(connection: sa.Connection) -> None:
        with closing(connection.connection.cursor()) as cursor:
            for number in range(40):
                ids = [f"{(number * 100 + each) * 7919 % 4001:022}" for each in range(100)]
                trail.append(
                    cursor, [event(at=NOW + number, jti=i, request_id=i, detail=detail) for i in ids]
                )

    def measured(connection: sa.Connection) -> tuple[int, int]:
        if not connection.exec_driver_sql("SELECT sqlite_compileoption_used('ENABLE_DBSTAT_VTAB')").scalar():
            pytest.skip("this SQLite cannot tell of its pages")
        return sqlite_database.layout.size(connection), connection.exec_driver_sql(PAGES).scalar_one()

    assert sqlite_database.reading(lambda c: sqlite_database.layout.size(c)) == 0
    sqlite_database.writing(append)
    told, pages = sqlite_database.reading(measured)
    assert 0.75 * pages < told < 1.25 * pages
