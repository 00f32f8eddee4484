"""The audit trail as Parquet: the same events as JSON lines, in a private file that is whole or not there."""

from __future__ import annotations

import json
import stat
import sys

import pytest
from pyarrow import parquet as reader

from mintmark.cli import parquet
from mintmark.cli.admin import audit
from tests.cli.conftest import Terminal


def test_parquet_has_the_events_of_json_lines(acme: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAGE", 2)
    monkeypatch.setattr(parquet, "GROUP", 2)
    acme.admin("audit", "export", "-o", "events.jsonl")
    assert acme.made("audit", "export", "-o", "events.parquet", "--format", "parquet") == {
        "file": "events.parquet"
    }
    file = acme.folder / "events.parquet"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in (acme.folder / "events.jsonl").read_text().splitlines()]
    rows = reader.read_table(file).to_pylist()
    assert [{**row, "at": row["at"].strftime("%Y-%m-%dT%H:%M:%SZ")} for row in rows] == [
        {name: line[name] for name in parquet.COLUMNS} for line in lines
    ]
    assert reader.ParquetFile(file).num_row_groups > 1


def test_an_empty_trail_is_an_empty_table(mintmark: Terminal) -> None:
    mintmark.admin("audit", "export", "-o", "events.parquet", "--format", "parquet")
    assert reader.read_table(mintmark.folder / "events.parquet").num_rows == 0


def test_without_pyarrow_a_sentence_says_what_to_install(
    acme: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    sentence = acme.refused("admin", "audit", "export", "-o", "events.parquet", "--format", "parquet")
    assert "mintmark[parquet]" in sentence
    assert not (acme.folder / "events.parquet").exists()


def test_what_cannot_be_written_is_refused(acme: Terminal) -> None:
    assert "--output" in acme.refused("admin", "audit", "export", "--format", "parquet")
    assert "jsonl or parquet" in acme.refused("admin", "audit", "export", "--format", "csv")
    acme.refused("admin", "audit", "export", "-o", "nowhere/events.parquet", "--format", "parquet")
