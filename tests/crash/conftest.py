"""One installation is made for all tests of a process; each test gets a copy that it may ruin."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import site as sites
from tests.crash.site import Site


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return sites.make(tmp_path_factory.mktemp("pattern"))


@pytest.fixture
def site(pattern: Site, tmp_path: Path) -> Site:
    return sites.copy(pattern, tmp_path / "site")
