"""docs/architecture.md against the tree: every module is named in its layer, and what it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "mintmark"
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
LAYERS = {match[1]: match[2] for match in re.finditer(r"^### (\w+)/\n(.*?)(?=^##)", TEXT, re.M | re.S)}
#: One module per noun or command: named as folders.
FOLDERS = ("administration", "admin", "migrations", "data", "pages")


def modules() -> list[tuple[str, str]]:
    """(layer, module) of every module that is not a package; the command line has one per command instead."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        layer, *rest = path.relative_to(SOURCE).parts
        if rest and path.stem != "__init__" and not set(rest) & set(FOLDERS) and layer != "cli":
            found.append((layer, path.stem))
    return found


@pytest.mark.parametrize(("layer", "module"), modules(), ids=lambda part: part)
def test_every_module_is_named_in_its_layer(layer: str, module: str) -> None:
    assert re.search(rf"`(?:[\w/]*/)?{module}(?:\.py)?`", LAYERS[layer])


def test_every_layer_stands() -> None:
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert set(LAYERS) == folders


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w/]+\.py): ?\n? *(\w+)", TEXT))), ids=str)
def test_what_it_names_exists(name: tuple[str, str]) -> None:
    path, symbol = name
    found = [file for file in SOURCE.rglob("*.py") if file.as_posix().endswith(f"/{path}")]
    assert found, path
    assert re.search(rf"(?:class|def) {symbol}\b", found[0].read_text(encoding="utf-8")), name
