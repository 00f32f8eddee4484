"""Indexes that make a revocation cheap however many there are: what was said of an id, and whose time is over."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Replace one index, add another."""
    op.drop_index("ix_revocation_environment_kind_id", "revocation")
    op.create_index(
        "ix_revocation_environment_kind_id",
        "revocation",
        ["environment", "kind", "id", "issued_before"],
    )
    op.create_index("ix_revocation_environment_until", "revocation", ["environment", "until"])
