"""Several nodes of one installation on a PostgreSQL and a Valkey of their own, which may be killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.cluster.nodes import Cluster
from tests.end_to_end.server import free_port
from tests.valkeys import valkey


@pytest.fixture
def server() -> Iterator[postgres.Postgres]:
    """It syncs what is committed, as in earnest."""
    started = postgres.Postgres("autovacuum=off", port=free_port())
    yield started
    started.remove()


@pytest.fixture
def cluster(server: postgres.Postgres, tmp_path: Path) -> Iterator[Cluster]:
    """Two nodes that serve."""
    folder = tmp_path / "valkey"
    folder.mkdir()
    with valkey(folder) as shared, Cluster(server, shared, tmp_path, 2) as started:
        yield started
