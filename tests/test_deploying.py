"""The files of deploy/ that need no other program to be looked at: what the image installs, and where secrets are."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mintmark.config import load_settings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"


def installed_by_the_image() -> list[str]:
    done = subprocess.run(
        [sys.executable, DEPLOY / "docker" / "server_requirements.py", ROOT / "requirements.lock"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()


def test_the_image_installs_what_the_server_needs_by_hash_and_no_tool_of_the_tests() -> None:
    lines = installed_by_the_image()
    lock = set((ROOT / "requirements.lock").read_text().splitlines())
    assert set(lines) <= lock
    names = {
        canonicalize_name(found[1]) for line in lines if (found := re.match(r"([A-Za-z0-9._-]+)==", line))
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["server"]]
    assert {canonicalize_name(Requirement(line).name) for line in wanted} <= names
    assert names.isdisjoint({"pytest", "mypy", "ruff", "playwright", "uv", "hypothesis", "coverage"})
    assert sum("--hash=sha256:" in line for line in lines) > len(names)


def test_no_file_of_deploy_holds_a_secret_or_the_key() -> None:
    texts = {path: path.read_text() for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    for path, text in texts.items():
        assert not re.search(
            r"PRIVATE KEY|(?i:password|secret|key)\s*[:=]\s*['\"]?[A-Za-z0-9+]{20,}", text
        ), path
    for name in ("compose/mintmark.toml", "helm/mintmark/templates/configmap.yaml"):
        assert 'key_encryption_key = "command:cat ' in texts[DEPLOY / name]


def test_the_program_is_stopped_only_after_its_drain() -> None:
    compose = (DEPLOY / "compose" / "compose.yaml").read_text()
    settings = tomllib.loads((DEPLOY / "compose" / "mintmark.toml").read_text())
    grace = re.search(r"stop_grace_period: (\d+)s", compose)
    assert grace is not None
    assert int(grace[1]) >= settings["drain_seconds"] + 10


def test_the_configuration_for_compose_is_one_that_a_server_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {})
    settings = load_settings(DEPLOY / "compose" / "mintmark.toml")
    assert settings.database_file is None
    assert settings.valkey
