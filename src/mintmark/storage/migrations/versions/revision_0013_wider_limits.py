"""Limits per minute of a tenant and of an address, and whether they are only watched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add columns."""
    for table, limit, watched in (
        ("tenant", "rate_limit", "rate_watched"),
        ("environment", "address_rate_limit", "address_rate_watched"),
    ):
        op.add_column(table, sa.Column(limit, sa.BigInteger(), server_default=sa.text("0"), nullable=False))
        op.add_column(table, sa.Column(watched, sa.Boolean(), server_default=sa.false(), nullable=False))
