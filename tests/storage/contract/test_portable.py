"""Moving all rows out of a database and into another: every table, every value, parents first, of one moment."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest
import sqlalchemy as sa

from mintmark.storage import backup, portable, schema
from mintmark.storage.backup import BackupFault, File, Head, Summary
from mintmark.storage.database import Database
from mintmark.storage.engines.sqlite import open_sqlite
from mintmark.storage.store import SqlStore
from mintmark.storage.tables import audit_event
from mintmark.values.revocation import Revocation
from tests.storage.samples import AUDIT_KEY, HOME, NOW, event, fill

FILES = [File("mintmark.toml", b"workers = 1\n"), File("own/a.toml", bytes(range(256)))]


@pytest.fixture
def filled(store: SqlStore, database: Database) -> Database:
    def work(transaction):
        fill(transaction)
        transaction.revoke(HOME, Revocation("token", "j1", int(NOW) + 600), now=NOW)
        for number in range(7):
            transaction.audit(event(jti=f"j{number}", detail="Ünïcode ☃", at=NOW + number / 7))

    asyncio.run(store.write(work))
    return database


def rows_of(database: Database) -> dict[str, list[list[object]]]:
    def work(connection: sa.Connection) -> dict[str, list[list[object]]]:
        return {
            table.name: [
                list(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))
            ]
            for table in portable.tables()
        }

    return database.reading(work)


def backed_up(database: Database) -> bytes:
    def work(connection: sa.Connection) -> bytes:
        counts = backup.count(connection)
        head = Head("1.0", schema.REVISIONS[-1], int(NOW), sum(counts.values()))
        return b"".join(backup.pieces(backup.lines(connection, head, FILES, counts, lambda *_: None)))

    return database.reading(work)


def in_pieces(text: bytes, size: int = 100) -> Iterable[bytes]:
    return (text[start : start + size] for start in range(0, len(text), size))


def checked(text: bytes) -> tuple[Summary, list[File]]:
    files: list[File] = []
    return backup.check(in_pieces(text), files.append, lambda *_: None), files


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_pages_hold_every_row_once_in_the_order_of_the_key(filled: Database, most: int) -> None:
    def work(connection: sa.Connection) -> dict[str, list[portable.Row]]:
        return {
            table.name: [row for page in portable.pages(connection, table, None, most) for row in page]
            for table in portable.tables()
        }

    assert filled.reading(work) == rows_of(filled)


def test_pages_go_on_behind_any_key(filled: Database) -> None:
    def work(connection: sa.Connection) -> None:
        for table in portable.tables():
            (all_rows,) = list(portable.pages(connection, table)) or [[]]
            assert portable.count(connection, table) == len(all_rows)
            for number, row in enumerate(all_rows):
                after = portable.key_of(table, row)
                rest = [each for page in portable.pages(connection, table, after, 2) for each in page]
                assert rest == all_rows[number + 1 :]

    filled.reading(work)


def test_a_table_stands_behind_those_that_it_refers_to() -> None:
    seen: set[str] = set()
    for table in portable.tables():
        assert {key.column.table.name for key in table.foreign_keys} <= seen
        seen.add(table.name)


def test_a_row_is_the_same_after_json(filled: Database) -> None:
    rows = rows_of(filled)
    assert json.loads(json.dumps(rows)) == rows
    assert {type(value) for table in rows.values() for row in table for value in row} <= {
        str,
        int,
        float,
        bool,
        type(None),
    }


def test_a_backup_brings_every_row_and_file_back(filled: Database, tmp_path: Path) -> None:
    text = backed_up(filled)
    summary, files = checked(text)
    assert files == FILES
    assert summary.files == [file.path for file in FILES]
    assert summary.counts == {name: len(rows) for name, rows in rows_of(filled).items()}
    other = open_sqlite(tmp_path / "other.db", AUDIT_KEY)
    told: list[tuple[int, int]] = []
    try:
        backup.restore(other, in_pieces(text), lambda done, whole: told.append((done, whole)))
        assert rows_of(other) == rows_of(filled)
        report = asyncio.run(SqlStore(other).check_trail({}))
        assert (report.faults, report.events) == ([], summary.counts["audit_event"])
        schema.check(other)
    finally:
        other.close()
    assert told[-1] == (summary.head.rows, summary.head.rows)


def test_a_backup_is_of_one_moment(filled: Database, store: SqlStore) -> None:
    before = rows_of(filled)

    def work(connection: sa.Connection) -> bytes:
        counts = backup.count(connection)
        head = Head("1.0", schema.REVISIONS[-1], int(NOW), sum(counts.values()))
        blocks = backup.lines(connection, head, [], counts, lambda *_: None)
        first = next(blocks)
        asyncio.run(store.write(lambda tx: tx.audit(event(jti="later"))))
        return b"".join(backup.pieces([first, *blocks]))

    summary, _ = checked(filled.reading(work))
    assert summary.counts["audit_event"] == len(before["audit_event"])
    assert len(rows_of(filled)["audit_event"]) == len(before["audit_event"]) + 1


def test_a_restore_that_fails_leaves_no_row(filled: Database, tmp_path: Path) -> None:
    text = zlib.decompress(backed_up(filled))
    for broken in (text[: len(text) // 2], text.replace(b'["acme","Acme"', b'["else","Acme"')):
        other = open_sqlite(tmp_path / f"{len(broken)}.db", AUDIT_KEY)
        try:
            with pytest.raises(BackupFault):
                backup.restore(other, [zlib.compress(broken)], lambda *_: None)
            assert all(rows == [] for rows in rows_of(other).values())
        finally:
            other.close()


def test_a_backup_of_an_older_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    old = open_sqlite(tmp_path / "old.db", AUDIT_KEY)
    schema.create_at(old, "0001")
    row = ["acme", "Acme", True, None, 5]
    text = "\n".join(
        [
            '{"mintmark_backup":1,"program":"0.1","schema":"0001","made_at":5,"rows":1}',
            '{"table":"tenant","columns":["handle","name","enabled","daily_token_limit","created_at"]}',
            json.dumps(row),
            '{"end":{"tenant":1}}\n',
        ]
    )
    old.close()
    new = open_sqlite(tmp_path / "new.db", AUDIT_KEY)
    try:
        backup.restore(new, [zlib.compress(text.encode())], lambda *_: None)
        schema.check(new)
        (restored,) = rows_of(new)["tenant"]
        assert restored[: len(row)] == row
    finally:
        new.close()


def test_a_backup_of_a_newer_schema_and_a_database_with_rows_are_refused(
    filled: Database, tmp_path: Path
) -> None:
    text = backed_up(filled)
    with pytest.raises(schema.SchemaMismatch, match="not empty"):
        backup.restore(filled, [text], lambda *_: None)
    newer = zlib.decompress(text).replace(f'"schema":"{schema.REVISIONS[-1]}"'.encode(), b'"schema":"9999"')
    other = open_sqlite(tmp_path / "other.db", AUDIT_KEY)
    try:
        with pytest.raises(schema.SchemaMismatch, match="newer version"):
            backup.restore(other, [zlib.compress(newer)], lambda *_: None)
        assert schema.state(other) == "empty"
    finally:
        other.close()


HEAD = b'{"mintmark_backup":1,"program":"1","schema":"0010","made_at":1,"rows":0}\n'


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]\n",
        b"{}\n",
        b"nonsense\n",
        b'{"mintmark_backup":2}\n',
        HEAD,
        HEAD + b'{"end":{}}',
        HEAD + b'{"end":{"tenant":1}}\n',
        HEAD + b"[1]\n" + b'{"end":{}}\n',
        HEAD + b'{"end":{}}\n{"end":{}}\n',
        HEAD + b'{"what":1}\n',
        HEAD + b'{"file":"a","content":"*"}\n{"end":{}}\n',
        HEAD.replace(b'"rows":0', b'"rows":1') + b'{"end":{}}\n',
    ],
)
def test_what_is_no_whole_backup_is_refused_in_one_sentence(text: bytes) -> None:
    with pytest.raises(BackupFault) as fault:
        checked(zlib.compress(text))
    assert str(fault.value).count(".") == 1 or "newer" in str(fault.value)


def test_compression_that_is_cut_or_goes_on_is_refused() -> None:
    text = zlib.compress(HEAD + b'{"end":{}}\n')
    assert checked(text)[0].counts == {}
    for broken in (text[:-1], text + b"x", b"x" + text):
        with pytest.raises(BackupFault):
            checked(broken)


def test_events_beyond_one_page_are_all_there(filled: Database, tmp_path: Path) -> None:
    """More rows than a page and a batch hold, so that both go round."""
    many = 2 * portable.PAGE + 3
    asyncio.run(
        SqlStore(filled).write(lambda tx: [tx.audit(event(jti=f"n{number}")) for number in range(many)])
    )
    held = filled.reading(lambda c: portable.count(c, audit_event))
    assert checked(backed_up(filled))[0].counts["audit_event"] == held
