"""Whether tokens are given out again in an environment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add a column."""
    column = sa.Column("reissue_seconds", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    op.add_column("environment", column)
