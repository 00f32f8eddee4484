"""People with roles in place of operators, and the developer who made a client."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add a column and a table; every operator becomes a person with the role operator."""
    op.add_column("client", sa.Column("owner", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.create_table(
        "person",
        sa.Column("username", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_person")),
    )
    op.create_index("ix_person_tenant", "person", ["tenant"], unique=False)
    op.execute(
        "INSERT INTO person (username, name, role, tenant, digest, enabled, created_at) "
        "SELECT username, username, 'operator', '', digest, enabled, created_at FROM operator"
    )
    op.drop_table("operator")
