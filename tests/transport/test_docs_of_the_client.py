"""The page about the client keeps its word."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import mintmark
from mintmark.client import errors
from mintmark.compose import client
from mintmark.dialect.loader import load_dialect

PAGE = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_vendor_of_the_page_takes_at_most_ten_lines() -> None:
    (text,) = blocks("toml")
    assert len(text.splitlines()) <= 10
    assert load_dialect(text, "acme.toml").name == "acme"
    assert mintmark.source(tomllib.loads(text), client_id="a", client_secret="b").dialect == "acme"


def test_the_sources_of_the_page_can_be_made() -> None:
    names: dict[str, object] = {}
    exec(blocks("python")[2], names)
    made = [value for value in names.values() if hasattr(value, "atoken")]
    assert len(made) == 6


def test_every_variable_of_the_environment_is_on_the_page() -> None:
    told = set(re.findall(r"MINTMARK_[A-Z_]+", PAGE))
    read = set(re.findall(r'"(MINTMARK_[A-Z_]+)"', Path(client.__file__).read_text(encoding="utf-8")))
    read |= {
        f"MINTMARK_{name.upper()}"
        for name in (*client.SECRETS, "client_id", "username", "subject", "token_url")
    }
    assert {name for name in read if not name.endswith("_")} <= told


def test_every_error_is_on_the_page() -> None:
    kinds = [kind.__name__ for kind in errors.NoToken.__subclasses__()]
    assert len(kinds) == 5
    assert all(f"| `{kind}` |" in PAGE for kind in kinds)
