"""Modules, changelog fragments, the lock and index addresses."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from checks import fragments, index_addresses, lock, modules, tracked
from tests.checks.conftest import Write

HASH = "    --hash=sha256:" + "0" * 64
LOCK = f"""\
alpha==2.1 \\
{HASH} \\
{HASH}
beta-gamma==1.0 ; sys_platform != 'win32' \\
{HASH}
backend==1.5 \\
{HASH}
"""


def test_a_module_with_a_contract_and_a_good_name_passes(root: Path, write: Write) -> None:
    write("src/mintmark/wire/form.py", '"""Contract."""\n' + "\n" * 318)
    write("src/other/utils.py", "x = 1\n")
    assert list(modules.problems(root)) == []


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("wire/form.py", "x = 1\n", "does not open with a docstring"),
        ("wire/form.py", '"""Contract."""\n' + "\n" * 319, ":320: 320 lines"),
        ("wire/utils.py", '"""Contract."""\n', "'utils' says nothing"),
        ("common/form.py", '"""Contract."""\n', "'common' says nothing"),
    ],
)
def test_names_a_module_that_breaks_a_rule(
    root: Path, write: Write, name: str, text: str, fault: str
) -> None:
    write(f"src/mintmark/{name}", text)
    [found] = modules.problems(root)
    assert found.startswith(f"src/mintmark/{name}:")
    assert fault in found


def test_accepts_a_fragment_of_one_sentence(root: Path, write: Write) -> None:
    write("changelog.d/a-slug.added.md", "One sentence\nover two lines.\n")
    write("changelog.d/README.md", "# Anything")
    assert list(fragments.problems(root)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a-slug.feature.md", "Text."),
        ("a-slug.md", "Text."),
        ("A_Slug.added.md", "Text."),
        ("a-slug.added.txt", "Text."),
        ("a.added.md", ""),
        ("a.added.md", "No full stop"),
        ("a.added.md", "Two.\n\nParagraphs."),
        ("a.added.md", "- A list."),
    ],
)
def test_names_a_fragment_that_readers_would_stumble_over(
    root: Path, write: Write, name: str, text: str
) -> None:
    write(f"changelog.d/{name}", text)
    [found] = fragments.problems(root)
    assert f"changelog.d/{name}" in found


def test_accepts_a_lock_that_satisfies_every_requirement(root: Path, write: Write) -> None:
    write("requirements.lock", LOCK)
    assert list(lock.problems(root)) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("alpha==2.1", "alpha==3.0", "nothing satisfies 'alpha<3,>=2'"),
        ("beta-gamma==1.0", "delta==1.0", "nothing satisfies 'Beta_Gamma[asyncio]>=1'"),
        ("backend==1.5", "backend==0.5", "nothing satisfies 'backend>=1'"),
        ("backend==1.5 \\", "backend==1.5", "not a pinned package with hashes"),
        ("backend==1.5 \\", "backend>=1.5 \\", "not a pinned package with hashes"),
        ("backend==1.5", "-i somewhere\nbackend==1.5", "not a pinned package with hashes"),
        ("--hash=sha256", "--hash=md5", "not a pinned package with hashes"),
    ],
)
def test_names_what_the_lock_lacks(root: Path, write: Write, old: str, new: str, fault: str) -> None:
    write("requirements.lock", LOCK.replace(old, new))
    assert any(fault in found for found in lock.problems(root))


@pytest.mark.parametrize(
    "parts",
    [
        ("pip install --index-", "url X"),
        ("--extra-index-", "url=X"),
        ("https://packages.example.com/simp", "le/"),
        ("PIP_INDEX_", "URL=x"),
        ("https://files.pythonhosted", ".org/packages/x"),
    ],
)
def test_names_a_package_index(root: Path, write: Write, parts: tuple[str, str]) -> None:
    write("notes.txt", "fine: https://example.com/simpler\n" + "".join(parts))
    [found] = index_addresses.problems(root)
    assert found.startswith("notes.txt:2:")


def test_leaves_binary_files_alone(root: Path) -> None:
    (root / "data.bin").write_bytes(b"\0--index-" + b"url")
    assert list(index_addresses.problems(root)) == []


def test_what_git_ignores_is_not_the_projects(root: Path, write: Write) -> None:
    write(".gitignore", "made/\n")
    write("made/file.md", "x")
    kept = write("kept.md", "x")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    assert tracked.files(root, ".md") == [kept]
