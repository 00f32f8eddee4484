"""A layer below the floor fails the tests, whether by its lines, its branches, or its absence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checks import coverage_by_layer


def report(tmp_path: Path, **changes: dict[str, int]) -> str:
    """Write a report in which every held layer is fully covered, save for `changes`; return its path."""
    files = {}
    for layer in (*coverage_by_layer.HELD_TO_THE_FLOOR, "web"):
        summary = {"num_statements": 100, "covered_lines": 100, "num_branches": 20, "covered_branches": 20}
        files[f"src/mintmark/{layer}/module.py"] = {"summary": summary | changes.get(layer, {})}
    path = tmp_path / "coverage.json"
    path.write_text(json.dumps({"files": files}), encoding="utf-8")
    return str(path)


def test_passes_when_every_held_layer_reaches_the_floor(tmp_path: Path) -> None:
    path = report(tmp_path, wire={"covered_branches": 19}, web={"covered_lines": 0, "covered_branches": 0})
    assert coverage_by_layer.main([path]) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"covered_branches": 18},
        {"covered_lines": 90},
        {"num_statements": 0, "covered_lines": 0, "num_branches": 0, "covered_branches": 0},
    ],
)
def test_fails_when_a_held_layer_is_below_or_unmeasured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, int]
) -> None:
    assert coverage_by_layer.main([report(tmp_path, jose=change)]) == 1
    assert "jose must reach 95 %" in capsys.readouterr().err


def test_fails_when_nothing_was_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert coverage_by_layer.main([str(tmp_path / "coverage.json")]) == 1
    assert "does not exist" in capsys.readouterr().err


def test_adds_up_the_files_of_a_layer_wherever_the_package_lies(tmp_path: Path) -> None:
    summary = {"num_statements": 2, "covered_lines": 1, "num_branches": 2, "covered_branches": 2}
    names = (
        "/x/mintmark/src/mintmark/wire/a.py",
        "src/mintmark/wire/sub/b.py",
        "src/mintmark/config.py",
        "other.py",
    )
    layers = coverage_by_layer.by_layer({"files": {name: {"summary": summary} for name in names}})
    assert set(layers) == {"wire", "config"}
    assert (layers["wire"].lines, layers["wire"].lines_run, layers["wire"].together) == (4, 2, 75.0)
