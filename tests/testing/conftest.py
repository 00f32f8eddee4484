"""The fixture of the plugin, whether or not pytest has loaded it from the installed package."""

from __future__ import annotations

import os

import pytest

from mintmark.testing.plugin import fake_vendor as fake_vendor


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("MINTMARK_")]:
        monkeypatch.delenv(name)
