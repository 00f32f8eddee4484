"""Other people's programs, installed once into a cache outside of the repository, by exact version."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interop.proxies.programs import need_packages

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mintmark-interop"
NPM = {
    "@sd-jwt/jwt-status-list": "0.19.0",
    "express": "5.3.0",
    "express-oauth2-jwt-bearer": "1.10.0",
    "jose": "6.2.18",
    "oauth2-mock-server": "9.3.0",
    "oauth4webapi": "3.8.8",
    "oidc-provider": "9.13.3",
}
PYPI = ("django-oauth-toolkit==3.4.1", "jwcrypto==1.5.6", "oauthlib==3.3.1")


def npm() -> Path:
    """A folder in which Node.js finds the packages of NPM. Skips, with the reason, where they cannot be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs Node.js with npm")
    packages = [f"{name}@{version}" for name, version in NPM.items()]
    where = CACHE / "npm"
    return _once(
        where, packages, ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(where), *packages]
    )


def pypi() -> Path:
    """A folder for PYTHONPATH that holds the packages of PYPI. Skips, with the reason, where they cannot be had."""
    where = CACHE / "pypi"
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--quiet"]
    return _once(where, PYPI, [*pip, "--only-binary", ":all:", "--target", str(where), *PYPI])


def debian(program: str, *packages: str) -> str:
    """The path of a program from Debian, installed where we may. Skips, with the reason, where not."""
    need_packages(program, packages)
    found = shutil.which(program)
    assert found is not None
    return found


def _once(where: Path, packages: tuple[str, ...] | list[str], command: list[str]) -> Path:
    mark = where / ".complete"
    wanted = "\n".join(packages)
    if mark.exists() and mark.read_text() == wanted:
        return where
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir(parents=True)
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        pytest.skip(f"{command[0]} cannot install {packages[0]} and others: {done.stderr.strip()[-300:]}")
    mark.write_text(wanted)
    return where
