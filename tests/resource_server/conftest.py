"""A loopback issuer for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.resource_server.loopback import LoopbackIssuer


def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard waits for keys, feed and status as long as a busy machine may need."""
    for name in ("FIRST_KEYS", "ANOTHER_KEY", "FIRST_FEED", "STATUS"):
        monkeypatch.setattr(f"mintmark.compose.guard.{name}", 60.0)


@pytest.fixture(autouse=True)
def _patient_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    patient(monkeypatch)


@pytest.fixture
def issuer() -> Iterator[LoopbackIssuer]:
    made = LoopbackIssuer()
    yield made
    made.close()
