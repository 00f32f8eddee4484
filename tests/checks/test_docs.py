"""Documents keep their word: links, anchors, examples and commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks import docs
from tests.checks.conftest import Write

OTHER = (
    '# Top\n\n## What\'s `in` it?\n\n## Twice\n\n## Twice\n\n```sh\n# no heading\n```\n\n<a id="named"></a>\n'
)


@pytest.mark.parametrize(
    "text",
    [
        "[a](docs/other.md)",
        "[a](docs/other.md#top)",
        "[a](docs/other.md#whats-in-it)",
        "[a](docs/other.md#twice-1)",
        "[a](docs/other.md#named)",
        "[a](#here)\n\n# Here",
        "[a](docs)",
        '[a](<docs/other.md> "title")',
        "[a]: docs/other.md#top",
        "![a](https://example.com/x.png) [m](mailto:a@example.com) [h](//example.com/)",
        "`[a](missing.md)` is code",
        "```\n[a](missing.md)\n```",
        "~~~~\n```\n[a](missing.md)\n~~~~",
    ],
)
def test_accepts_a_link_that_leads_somewhere(root: Path, write: Write, text: str) -> None:
    write("docs/other.md", OTHER)
    write("README.md", text)
    assert list(docs.problems(root)) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[a](missing.md)", "README.md:1: the link 'missing.md' leads to no file"),
        (
            "\n[a](docs/other.md#no-heading)",
            "README.md:2: the link 'docs/other.md#no-heading' names no heading",
        ),
        ("[a](docs/other.md#twice-2)", "names no heading of other.md"),
        ("[a](#nowhere)", "names no heading of README.md"),
        ("[a](../outside.md)", "leaves the repository"),
        ("[a](/docs/other.md)", "leaves the repository"),
        ("[a]: missing.md", "leads to no file"),
        ("[ok](docs) and [a](missing.md)", "leads to no file"),
    ],
)
def test_names_a_link_that_leads_nowhere(root: Path, write: Write, text: str, fault: str) -> None:
    write("docs/other.md", OTHER)
    write("README.md", text)
    [found] = docs.problems(root)
    assert fault in found


@pytest.mark.parametrize(
    ("language", "good", "bad"),
    [
        ("python", "print(1)", "print("),
        ("toml", "a = 1", "a = "),
        ("json", '{"a": 1}', "{'a': 1}"),
    ],
)
def test_parses_the_examples_of_a_marked_language(
    root: Path, write: Write, language: str, good: str, bad: str
) -> None:
    write("good.md", f"- list\n\n  ```{language}\n  {good}\n  ```\n")
    write("plain.md", f"```text\n{bad}\n```\n")
    write("bad.md", f"text\n\n```{language}\n{bad}\n```\n")
    [found] = docs.problems(root)
    assert found.startswith(f"bad.md:3: the {language} example does not parse")


def test_parses_an_example_whose_fence_is_never_closed(root: Path, write: Write) -> None:
    write("bad.md", "```json\n{")
    [found] = docs.problems(root)
    assert found.startswith("bad.md:1:")


@pytest.mark.parametrize("text", ["`make fly`", "```sh\n$ make fly X=1\n```", "```\nmake run fly\n```"])
def test_names_a_make_target_that_does_not_exist(root: Path, write: Write, text: str) -> None:
    write("README.md", text)
    [found] = docs.problems(root)
    assert "'make fly'" in found


@pytest.mark.parametrize(
    "text", ["`make run`", "`make test-all ARGS=x`", "make believe", "```python\nmake = 1\n```"]
)
def test_accepts_a_make_target_that_exists_and_prose(root: Path, write: Write, text: str) -> None:
    write("README.md", text)
    assert list(docs.problems(root)) == []


def test_a_variable_of_the_makefile_is_no_target(root: Path, write: Write) -> None:
    write("README.md", "`make VENV`, `make venv`")
    [found] = docs.problems(root)
    assert "'make venv'" in found
