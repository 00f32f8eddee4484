"""What other people get: the page's examples run under a plain pytest, and the plugin is light."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from mintmark.testing import FakeVendor, Faults
from mintmark.testing.asked import Asked

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
#: Loaded by nothing that a fake vendor does.
HEAVY = (
    "aiohttp",
    "fastapi",
    "pydantic",
    "pytest",
    "requests",
    "rich",
    "sqlalchemy",
    "structlog",
    "typer",
    "uvicorn",
)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python of its own, with the package and without this project's settings."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MINTMARK", "PYTEST"))
    }
    # Other plugins that happen to be here are not what anybody has: they cost each process seconds.
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment |= {"PYTHONPATH": str(ROOT / "src"), "XDG_STATE_HOME": str(folder)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=100
    )


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")], ids=["alone", "xdist"])
def test_the_tests_of_the_page_pass_under_a_plain_pytest(tmp_path: Path, workers: tuple[str, ...]) -> None:
    tests = [block for block in BLOCKS if "def test_" in block]
    for number, block in enumerate(tests):
        (tmp_path / f"test_page_{number}.py").write_text(block)
    (tmp_path / "conftest.py").write_text("from mintmark.testing.plugin import fake_vendor\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    ran = run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", *workers)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{PAGE.count('def test_')} passed" in ran.stdout


def test_the_example_without_pytest_runs_without_pytest_and_loads_nothing_heavy(tmp_path: Path) -> None:
    (block,) = [block for block in BLOCKS if "def test_" not in block]
    tail = (
        "    vendor.source().token()\nimport sys\n"
        f"print(sorted(name for name in sys.modules if name.partition('.')[0] in {HEAVY!r}))\n"
        "print(sorted(name for name in sys.modules if name.startswith(('mintmark.storage', 'mintmark.web'))))\n"
    )
    (tmp_path / "example.py").write_text(block + tail)
    ran = run(tmp_path, "-W", "error", "example.py")
    assert (ran.stdout, ran.stderr) == ("[]\n[]\n", "")


def test_pytest_finds_the_plugin_by_its_entry_point_and_it_loads_no_vendor_unasked(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (module,) = project["entry-points"]["pytest11"].values()
    assert callable(import_module(module).fake_vendor)
    script = f"import sys, {module}; print([n for n in sys.modules if 'mintmark.testing.vendor' in n])"
    ran = run(tmp_path, "-c", script)
    assert ran.stdout == "[]\n"


def test_everything_public_is_on_the_page() -> None:
    for kind in (FakeVendor, Faults, Asked):
        for name, member in inspect.getmembers(kind):
            if not name.startswith("_") and (callable(member) or isinstance(member, property)):
                assert re.search(rf"\b{name}\b", PAGE), f"{kind.__name__}.{name}"


def test_the_package_offers_its_names_and_no_others() -> None:
    package = import_module("mintmark.testing")
    assert {"Asked", "Clock", "FakeVendor", "Faults", "fake_vendor"} <= set(dir(package))
    assert package.fake_vendor is package.FakeVendor is FakeVendor
    with pytest.raises(AttributeError, match="no attribute 'vendors'"):
        _ = package.vendors
