"""Several nodes of one installation on a PostgreSQL of their own, which may be killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.cluster.nodes import Cluster
from tests.end_to_end.server import free_port


@pytest.fixture
def server() -> Iterator[postgres.Postgres]:
    """It syncs what is committed, as in earnest."""
    started = postgres.Postgres("autovacuum=off", port=free_port())
    yield started
    started.remove()


@pytest.fixture
def cluster(server: postgres.Postgres, tmp_path: Path) -> Iterator[Cluster]:
    """Two nodes that serve."""
    with Cluster(server, tmp_path, 2) as started:
        yield started
