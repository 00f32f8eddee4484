"""Vendors for other people's tests: a whole one in this process, in any dialect, with faults that can be switched on.

`fake_vendor("oleria")` starts it on a loopback port; under pytest the fixture of the same name also ends it. Needs no
network, no pytest and nothing beyond the core installation. Each name is loaded when it is first used, because pytest
imports this package wherever it is installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mintmark.testing.asked import Asked as Asked
    from mintmark.testing.clock import Clock as Clock
    from mintmark.testing.faults import Faults as Faults
    from mintmark.testing.vendor import FakeVendor as FakeVendor
    from mintmark.testing.vendor import fake_vendor as fake_vendor

_LAZY = {
    "Asked": "asked",
    "Clock": "clock",
    "FakeVendor": "vendor",
    "Faults": "faults",
    "fake_vendor": "vendor",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'mintmark.testing' has no attribute {name!r}")
    value: object = getattr(import_module(f"mintmark.testing.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
