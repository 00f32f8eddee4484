"""docs/security-tests.md against the tests: every one that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "security-tests.md").read_text(encoding="utf-8")
ROWS = [
    line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith(("| class", "|---"))
]
NAMED = sorted(set(re.findall(r"`([\w/]+\.py(?:::test_\w+)?)`", "\n".join(ROWS))))


@pytest.mark.parametrize("name", NAMED)
def test_every_test_that_it_names_is_there(name: str) -> None:
    path, _, function = name.partition("::")
    source = (ROOT / "tests" / path).read_text(encoding="utf-8")
    assert re.search(rf"def {function}\b" if function else r"def test_|RuleBasedStateMachine", source)


def test_every_class_of_fault_has_a_test() -> None:
    assert len(ROWS) > 20
    assert [row for row in ROWS if ".py" not in row] == []
