"""What the demo prints, pasted: each document's own command, the same call in curl, and the API call after it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mintmark.compose.demo_data import TENANTS
from mintmark.compose.demo_examples import Example, examples
from tests.end_to_end.conftest import Demo
from tests.end_to_end.server import environment

KEYS = (
    *("token_url", "api_url", "api_method", "client_id", "client_secret", "audience", "scope", "username"),
    *("password", "api_token", "legacy_token_id", "legacy_token_secret", "shopify_token_url"),
    *("shopify_customer_id", "shopify_signature", "proxy_login_url", "proxy_username", "proxy_password"),
)
PRINTED = [example for tenant in TENANTS for example in examples(tenant, dict.fromkeys(KEYS, "x"))]


def of_form(form: str) -> Any:
    return pytest.mark.parametrize(
        "example", [one for one in PRINTED if one.form == form], ids=lambda one: f"{one.tenant}: {one.title}"
    )


def run(*command: str, text: str = "", home: Path | None = None, **more: str) -> str:
    """Its output; nothing but the given programs is on the path that was not there."""
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(**more),
        cwd=home,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def has_token(answer: Any) -> bool:
    return len(answer.get("access_token") or answer["token"]) > 100


#: What an API call prints, by tenant and word of the title; every other curl block prints a token's answer.
ANSWERS: dict[tuple[str, str], Callable[[Any], bool]] = {
    ("omnilab", "look up"): lambda answer: answer["status"] == "confirmed",
    ("omnilab", "cancel"): lambda answer: answer["status"] == "cancelled",
    ("oleria", "call the API"): lambda answer: answer["context"] == "accessInventoryIdentitiesV2",
    ("fyma", "call the API"): lambda answer: bool(answer["projects"]),
    ("fyma", "the same legacy call"): lambda answer: bool(answer["projects"]),
    ("omneo", "call the API"): lambda answer: len(answer["data"]) == 2,
    ("omneo", "method 2"): lambda answer: len(answer["data"]) == 2,
    ("omneo", "own profile"): lambda answer: answer["data"] == {"id": "207119551"},
    ("omnissa", "call the API"): lambda answer: bool(answer["reports"]),
    ("standard", "call the API"): lambda answer: "die" in answer["things"],
}


def expected(example: Example) -> Callable[[Any], bool]:
    for (tenant, words), check in ANSWERS.items():
        if tenant == example.tenant and words in example.title:
            return check
    return has_token


@of_form("curl")
def test_a_curl_block_works_as_it_is_pasted(demo: Demo, example: Example) -> None:
    answer = json.loads(run("bash", "-e", "-o", "pipefail", "-c", demo.block(example.tenant, example.title)))
    assert expected(example)(answer), answer


@of_form("http")
def test_an_httpie_block_works_as_it_is_pasted(demo: Demo, example: Example, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"default_options": ["--ignore-stdin"]}')
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    block = demo.block(example.tenant, example.title)
    answer = json.loads(run("bash", "-e", "-c", block, PATH=path, HTTPIE_CONFIG_DIR=str(tmp_path)))
    assert (answer["expires_in"] == 86400) if "page" in example.title else answer["projects"]


@of_form("fetch")
def test_a_fetch_block_works_as_it_is_pasted(demo: Demo, example: Example) -> None:
    if (node := shutil.which("node")) is None:
        pytest.skip("there is no node on this machine")
    words = run(node, "--input-type=module", text=demo.block(example.tenant, example.title)).split()
    assert len(words[0]) > 100
    assert words[1:] == [] or words[1].endswith("Z")


def test_every_tenant_has_its_documents_form_and_the_same_call_in_curl(demo: Demo) -> None:
    forms = {tenant: {one.form for one in PRINTED if one.tenant == tenant} for tenant in TENANTS}
    assert forms["fyma"] == {"http", "curl"}
    assert forms["omneo"] == {"fetch", "curl"}
    assert all("curl" in each for each in forms.values())
    assert all(
        f"# ==== {'standard' if key == 'standard' else one.name}" in demo.server.output
        for key, one in TENANTS.items()
    )


def test_the_basic_value_of_the_pages_base64_line_does_not_wrap(demo: Demo) -> None:
    block = demo.block("omnissa", "the page's own command").splitlines()
    setting = "\n".join(block[:4])
    assert run("bash", "-c", f'{setting}\nprintf %s "$BASIC" | wc -l').strip() == "0"
