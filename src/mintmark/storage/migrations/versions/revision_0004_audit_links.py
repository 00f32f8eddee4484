"""The links that vouch for the audit trail; it begins with the next event."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add two tables; what was written before has no link."""
    op.create_table(
        "audit_link",
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("anchor", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("mac", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lane", "seq", name=op.f("pk_audit_link")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_cut",
        sa.Column("first_kept", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("mac", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("first_kept", name=op.f("pk_audit_cut")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_audit_link_first_id_lane_seq", "audit_link", ["first_id", "lane", "seq"], unique=False
    )
