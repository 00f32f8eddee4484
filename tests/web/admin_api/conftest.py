"""Fixtures of the admin API's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authorization_server.administration.conftest import open_house
from tests.web.admin_api.world import World, furnish


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with two tenants and people, to be copied."""
    folder = tmp_path_factory.mktemp("admin-api")
    with open_house(folder) as house:
        furnish(house)
    return folder / "mintmark.sqlite"


@pytest.fixture
def world(tmp_path: Path, furnished: Path) -> Iterator[World]:
    """The admin API over two tenants."""
    with open_house(tmp_path, furnished) as house:
        yield World(house)
