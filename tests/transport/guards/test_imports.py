"""A door costs what its framework costs: it imports that one and no other, and the guard imports none."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "src"
GUARDS = SOURCE / "mintmark" / "transport" / "guards"
FRAMEWORKS = {
    "aiohttp",
    "asgiref",
    "django",
    "fastapi",
    "flask",
    "grpc",
    "rest_framework",
    "starlette",
    "werkzeug",
}
OWN = {
    "aiohttp_web": {"aiohttp"},
    "django": {"django", "asgiref"},
    "drf": {"rest_framework"},
    "fastapi": {"fastapi"},
    "flask": {"flask"},
    "grpc": {"grpc"},
    "starlette": {"starlette"},
}


@pytest.mark.parametrize("path", sorted(GUARDS.glob("*.py")), ids=lambda path: path.stem)
def test_a_door_imports_its_own_framework_alone(path: Path) -> None:
    named = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            named.add((node.module or "").partition(".")[0])
    assert named & FRAMEWORKS == OWN.get(path.stem, set())


def test_a_guard_is_built_without_any_framework() -> None:
    program = (
        "import sys, mintmark; mintmark.Guard('https://auth.example', 'https://api.example'); "
        f"print(sorted(set(sys.modules) & {FRAMEWORKS!r}))"
    )
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
