"""Whether an API's tokens stand on a status list."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add a column."""
    op.add_column("api", sa.Column("status_list", sa.Boolean(), server_default=sa.false(), nullable=False))
