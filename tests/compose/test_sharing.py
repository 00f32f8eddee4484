"""What nodes share is as the settings say, or a sentence says what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from mintmark.cli.services import UsageFault
from mintmark.compose.sharing import Sharing
from mintmark.config import Settings


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file or directory"), ("no certificate", "it holds no certificate in PEM")],
)
def test_certificates_that_cannot_be_used_refuse_the_start_in_one_sentence(
    tmp_path: Path, content: str | None, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VALKEY_PASSWORD", "s3cr3t")
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_text(content)
    settings = Settings(
        valkey="valkeys://valkey.example.com", valkey_password="env:VALKEY_PASSWORD", valkey_ca=ca
    )
    with pytest.raises(UsageFault) as refused:
        Sharing.of(settings, structlog.get_logger())
    assert str(refused.value) == f"valkey_ca {ca}: it cannot be used: {why}"
