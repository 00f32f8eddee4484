"""Vendors for other people's tests: a whole one in this process, in any dialect, with faults that can be switched on.

`fake_vendor("oleria")` starts it on a loopback port; under pytest the fixture of the same name also ends it. Needs no
network, no pytest and nothing beyond the core installation.
"""

from mintmark.testing.asked import Asked
from mintmark.testing.clock import Clock
from mintmark.testing.faults import Faults
from mintmark.testing.vendor import FakeVendor, fake_vendor

__all__ = ["Asked", "Clock", "FakeVendor", "Faults", "fake_vendor"]
