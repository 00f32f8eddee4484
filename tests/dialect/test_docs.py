"""docs/dialects.md explains every key that a dialect file may hold, and every format; its example loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mintmark.dialect import explain, load_dialect
from mintmark.dialect.formats import FORMATS
from mintmark.dialect.schema import SCHEMA

PAGE = (Path(__file__).parents[2] / "docs" / "dialects.md").read_text(encoding="utf-8")
ARRAYS = {"forms", "response.also", "limits.quotas", "examples"}


def _section(heading: str) -> str:
    found = re.search(rf"^### {re.escape(heading)}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no heading '{heading}'"
    return found[1]


@pytest.mark.parametrize("kind", SCHEMA)
def test_every_key_has_a_row(kind: str) -> None:
    heading = "A dialect" if not kind else f"[[{kind}]]" if kind in ARRAYS else f"[{kind}]"
    rows = re.findall(r"^\| `(\w+)` \| \S", _section(heading), re.MULTILINE)
    assert tuple(rows) == SCHEMA[kind]


def test_every_format_has_a_row() -> None:
    rows = re.findall(r"^\| (`.*?) \|", _section("Formats"), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`([\w-]+)`", row)} == set(FORMATS)


def test_the_first_example_loads_and_explains_itself() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert blocks
    for block in blocks:
        assert "X-Acme-Token: ACCESS_TOKEN" in explain(load_dialect(block, "dialects.md"))
