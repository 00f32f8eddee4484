"""The revocations of each environment, and the APIs that a client stands in front of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add a table and a column; no row is rewritten."""
    op.add_column("client", sa.Column("protects", sa.Text(), server_default="[]", nullable=False))
    op.create_table(
        "revocation",
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("prev", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("issued_before", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environment.id"], name=op.f("fk_revocation_environment"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("environment", "seq", name=op.f("pk_revocation")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_revocation_environment_kind_id", "revocation", ["environment", "kind", "id"], unique=False
    )
