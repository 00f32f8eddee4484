"""Small parts of the composition: random bytes, private files, where the key comes from, the demo's facts."""

from __future__ import annotations

import base64
import stat
import sys
from pathlib import Path

import pytest

from mintmark.cli.services import UsageFault
from mintmark.compose.demo_data import TENANTS, hosts_of
from mintmark.compose.entropy import Entropy
from mintmark.compose.installation import read_dialects, read_key
from mintmark.compose.private_files import private_directory, write_private
from mintmark.dialect import catalogue
from mintmark.web.demo_apis import SAMPLES

KEY = base64.b64encode(b"k" * 32).decode()


def test_no_random_byte_is_handed_out_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = iter(range(1000))

    def numbered(count: int) -> bytes:
        return b"".join(next(counter).to_bytes(4, "big") for _ in range(count // 4))

    monkeypatch.setattr("mintmark.compose.entropy._PAGE", 40)
    monkeypatch.setattr("mintmark.compose.entropy.os.urandom", numbered)
    entropy = Entropy()
    pieces = [entropy(12) for _ in range(20)]
    assert {len(piece) for piece in pieces} == {12}
    assert len(set(pieces)) == 20
    assert len(entropy(80)) == 80


def test_a_private_file_is_replaced_whole_and_stays_private(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "file"
    with pytest.raises(UsageFault, match=f"{path}: this file cannot be written"):
        write_private(path, "new")
    (tmp_path / "taken").write_text("")
    with pytest.raises(UsageFault, match="cannot be made"):
        private_directory(tmp_path / "taken")


def test_the_key_comes_from_a_file_a_variable_or_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    write_private(path, KEY)
    monkeypatch.setenv("A_KEY", KEY)
    command = f"{sys.executable} -c 'print(\"{KEY}\")'"
    assert {read_key(f"file:{path}"), read_key("env:A_KEY"), read_key(f"command:{command}")} == {b"k" * 32}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("vault:x", "file:PATH"),
        ("file:", "file:PATH"),
        (KEY, "file:PATH"),
        ("file:/nowhere/key", "/nowhere/key"),
        ("env:NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE"),
        ("command:'unclosed", "quotation"),
        ("command:/nowhere/program", "/nowhere/program"),
    ],
)
def test_a_key_that_cannot_be_had_is_one_sentence_with_the_place(source: str, words: str) -> None:
    with pytest.raises(UsageFault) as caught:
        read_key(source)
    assert words.lower() in str(caught.value).lower()
    assert KEY not in str(caught.value)


def test_an_operators_dialects_stand_beside_the_shipped_ones(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "src/mintmark/dialect/data/omnilab.toml").read_text()
    (tmp_path / "mine.toml").write_text(text.replace('name = "omnilab"', 'name = "mine"', 1))
    (tmp_path / "notes.txt").write_text("not a dialect")
    assert {dialect.name for dialect in read_dialects(tmp_path)} == {one.name for one in catalogue()} | {
        "mine"
    }


def test_a_dialect_that_is_wrong_or_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="is not a directory"):
        read_dialects(tmp_path / "nowhere")
    (tmp_path / "bad.toml").write_text('name = "bad"\nnonsense = 1\n')
    with pytest.raises(UsageFault, match=r"bad\.toml"):
        read_dialects(tmp_path)


def test_every_tenant_of_the_demo_has_a_sample_api_and_known_dialects() -> None:
    assert set(TENANTS) == set(SAMPLES)
    known = {dialect.name for dialect in catalogue()}
    for tenant in TENANTS.values():
        assert set(tenant.mounts) <= known


def test_hosts_of_the_demo_name_role_environment_and_tenant() -> None:
    assert [alias.host for alias in hosts_of("omneo", "production", 8080)] == [
        "api.omneo.mintmark.localhost:8080",
        "auth.omneo.mintmark.localhost:8080",
        "manager.omneo.mintmark.localhost:8080",
    ]
    assert hosts_of("omneo", "staging", 80)[0].host == "api.staging.omneo.mintmark.localhost:80"
