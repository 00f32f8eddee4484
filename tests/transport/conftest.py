"""A vendor on a loopback port, and sources of its tokens whose time is handed in."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mintmark.client.exchange import Exchange
from mintmark.client.functions import named_functions
from mintmark.client.means import Means
from mintmark.client.profile import Profile
from mintmark.client.token_source import TokenSource
from mintmark.compose.client import register
from mintmark.dialect import Dialect, catalogue
from mintmark.transport.allowance_file import AllowanceFile
from mintmark.transport.http_sender import HttpSender
from mintmark.transport.source import Source
from mintmark.values.secret import Secret
from tests.transport.loopback import Vendor, vendor

SECRET = "s3cret-of-the-client"


class Clock:
    """Time that stands still until it is moved; the epoch and the monotonic clock go together."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now - 1_699_990_000.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def shop() -> Iterator[Vendor]:
    with vendor() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in [name for name in os.environ if name.startswith("MINTMARK_")]:
        monkeypatch.delenv(name)


MakeSource = Callable[..., Source]


@pytest.fixture
def source_of(clock: Clock, tmp_path: Path) -> MakeSource:
    """Make a source of a running vendor; `secret` may be a function."""

    def make(
        shop: Vendor,
        *,
        dialect: Dialect | None = None,
        secret: Callable[[], str] = lambda: SECRET,
        form: str = "post",
        real_time: bool = False,
    ) -> Source:
        def credentials() -> dict[str, str | Secret]:
            return {"client_id": "the-client", "client_secret": Secret(secret())}

        means = Means(
            send=HttpSender(30),
            clock=time.time if real_time else clock,
            monotonic=time.monotonic if real_time else clock.monotonic,
            sleep=time.sleep if real_time else clock.sleep,
            entropy=os.urandom,
            functions=named_functions(clock, os.urandom),
            ledger=AllowanceFile(tmp_path / "state" / "allowances.json"),
        )
        shape = dialect or catalogue().get("standard")
        profile = Profile(
            shape,
            credentials,
            {"token_url": f"{shop.url}/token"},
            form=form if dialect is None else 0,
            identity=f"the-client at {shop.url}",
        )
        return register(Exchange(profile, means), means)

    return make


def settled(source: TokenSource) -> None:
    """Wait until no exchange is under way."""
    for thread in threading.enumerate():
        if thread.name == "mintmark-exchange":
            thread.join(30)
    assert source.status().state not in ("asking", "renewing")


def until(happened: Callable[[], object]) -> None:
    """Wait for something that another thread does; fail when it does not within 30 seconds."""
    ends_by = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < ends_by, "what was waited for did not happen"
        time.sleep(0.001)
