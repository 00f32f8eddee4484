"""A small repository of its own for each test of the repository checks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

PYPROJECT = """
[build-system]
requires = ["backend>=1"]

[project]
dependencies = ["alpha>=2,<3"]

[project.optional-dependencies]
server = ["Beta_Gamma[asyncio]>=1"]

[tool.towncrier]
directory = "changelog.d"
ignore = ["README.md"]

[[tool.towncrier.type]]
directory = "added"

[[tool.towncrier.type]]
directory = "fixed"
"""

Write = Callable[[str, str], Path]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the two files that every check may read; git knows nothing of it."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (tmp_path / "Makefile").write_text(
        "VENV := .venv\nrun: ready ## go\n\techo\ntest-all:\n\techo\n", encoding="utf-8"
    )
    return tmp_path


@pytest.fixture
def write(root: Path) -> Write:
    """Write a text file into the repository, with its folders."""

    def write_file(name: str, text: str) -> Path:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file
