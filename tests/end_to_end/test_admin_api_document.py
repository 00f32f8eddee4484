"""The admin API against its own OpenAPI document: no fault of the server, and no answer that is not documented."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.end_to_end.conftest import Served, serving
from tests.end_to_end.server import PATIENCE, mintmark
from tests.end_to_end.test_apply import API, HOUSE

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server with something of everything."""
    with serving(tmp_path / "here") as served:
        house = tmp_path / "house.toml"
        house.write_text(HOUSE)
        config = served.directory / "mintmark.toml"
        done = mintmark("apply", house, "--yes", "--json", "--config", config)
        assert done.returncode == 0, done.stderr
        yield served


def run(served: Served, folder: Path, phases: str, examples: int, seconds: int, *more: str) -> None:
    """Generate requests by the document, about objects that there are and about others."""
    config = served.directory / "mintmark.toml"
    listed = mintmark("admin", "client", "list", "umbra/production", "--json", "--config", config)
    client_id = json.loads(listed.stdout)[0]["client_id"]
    made = mintmark(
        *("admin", "client", "create", "mintmark/operators", "--name", "fuzz", "--json", "--config", config),
        *("--allow", f"{served.url}/admin/v1 *"),
    )
    operator = json.loads(made.stdout)
    token = httpx2.post(
        f"{served.url}/t/mintmark/operators/oauth/token",
        auth=(operator["client_id"], operator["client_secret"]),
        data={"grant_type": "client_credentials"},
        timeout=PATIENCE,
    ).json()["access_token"]
    (folder / "schemathesis.toml").write_text(
        f'[parameters]\n"path.tenant" = ["umbra", "nowhere"]\n"path.name" = ["production", "staging"]\n'
        f'"path.client_id" = ["{client_id}", "x"]\n"path.audience" = ["{API}", "x"]\n'
        '"path.username" = ["robot@umbra.example", "ada@umbra", "x"]\n'
    )
    done = subprocess.run(
        [
            *(
                Path(sys.executable).with_name("schemathesis"),
                "--config-file",
                folder / "schemathesis.toml",
                "run",
            ),
            f"{served.url}/admin/v1/openapi.json",
            *("-H", f"Authorization: Bearer {token}", "--checks", ",".join(CHECKS)),
            *("--phases", phases, "--max-examples", str(examples), "--workers", "1", "--no-color", *more),
        ],
        capture_output=True,
        text=True,
        timeout=seconds,
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "default"},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Tested: " in done.stdout
    assert '"fault"' not in served.server.output


@pytest.mark.timeout(300)
def test_a_few_requests_to_everything_are_answered_as_documented(served: Served, tmp_path: Path) -> None:
    """The same few each time, so that a change is never refused for what it did not touch; `make fuzz` tries others."""
    run(served, tmp_path, "fuzzing", 4, 240, "--seed", "1")


@pytest.mark.fuzz
@pytest.mark.timeout(3600)
def test_many_requests_to_everything_are_answered_as_documented(served: Served, tmp_path: Path) -> None:
    run(served, tmp_path, "examples,coverage,fuzzing", 150, 3500)
