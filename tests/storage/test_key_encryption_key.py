"""The key-encryption key: made once, read only when it is nobody else's, never shown."""

from __future__ import annotations

import base64
import os
import stat
import sys
from pathlib import Path

import pytest

from mintmark.storage import key_encryption_key as kek
from mintmark.storage.key_encryption_key import (
    KeyUnavailable,
    create_file,
    from_command,
    from_environment,
    from_file,
)

KEY = bytes(range(32))
TEXT = base64.b64encode(KEY).decode()


def test_a_created_key_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert create_file(path, lambda size: KEY[:size]) == KEY
    assert from_file(path) == KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_mode_of_a_created_key_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_file(tmp_path / "key", os.urandom)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    create_file(tmp_path / "key", lambda size: KEY[:size])
    with pytest.raises(KeyUnavailable, match="not overwritten"):
        create_file(tmp_path / "key", os.urandom)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyUnavailable, match="not overwritten"):
        create_file(tmp_path / "link", os.urandom)
    assert from_file(tmp_path / "key") == KEY


def test_a_key_that_cannot_be_created_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="cannot be created: No such file"):
        create_file(tmp_path / "missing" / "key", os.urandom)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o777])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    create_file(path, os.urandom)
    path.chmod(mode)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        from_file(path)


def test_a_key_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_file(tmp_path / "key", os.urandom)
    mine = os.stat_result((0o100600, 0, 0, 1, 12345, 0, 44, 0, 0, 0))
    monkeypatch.setattr(os, "fstat", lambda descriptor: mine)
    with pytest.raises(KeyUnavailable, match="another user"):
        from_file(tmp_path / "key")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="cannot be read"):
        from_file(tmp_path / "missing")
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(KeyUnavailable, match="not a file"):
        from_file(tmp_path / "pipe")


def damaged() -> list[str]:
    return ["", "AAAA", TEXT[:-4], TEXT + "AAAA", "ä" * 44, TEXT.replace("A", "!"), "x" * 5000]


@pytest.mark.parametrize("text", damaged(), ids=range(len(damaged())))
def test_what_is_no_key_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    places = [lambda: from_file(path), lambda: from_environment("MINTMARK_KEK", {"MINTMARK_KEK": text})]
    for place in places:
        with pytest.raises(KeyUnavailable) as refused:
            place()
        assert not text or text not in str(refused.value)


def test_a_key_comes_from_the_environment() -> None:
    assert from_environment("MINTMARK_KEK", {"MINTMARK_KEK": f" {TEXT}\n"}) == KEY
    with pytest.raises(KeyUnavailable, match="MINTMARK_KEK is not set"):
        from_environment("MINTMARK_KEK", {})


def test_a_key_comes_from_a_command_without_a_shell() -> None:
    assert from_command([sys.executable, "-c", "import sys; print(sys.argv[1])", TEXT]) == KEY
    with pytest.raises(KeyUnavailable, match="cannot be run"):
        from_command([f"echo {TEXT}"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "is empty"),
        (["/nonexistent/program"], "cannot be run"),
        ([sys.executable, "-c", "raise SystemExit(3)"], "exit code 3"),
        ([sys.executable, "-c", "print('nothing of the kind')"], "not a key-encryption key"),
    ],
)
def test_a_command_that_brings_no_key_is_said_so(arguments: list[str], said: str) -> None:
    with pytest.raises(KeyUnavailable, match=said):
        from_command(arguments)


def test_a_command_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kek, "_PATIENCE", 0.05)
    with pytest.raises(KeyUnavailable, match="did not end"):
        from_command([sys.executable, "-c", "import time; time.sleep(60)"])
