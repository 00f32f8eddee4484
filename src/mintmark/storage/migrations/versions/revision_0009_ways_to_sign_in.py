"""One-time codes, passkeys, and the name by which an OpenID provider knows a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add three columns and a table."""
    op.add_column("person", sa.Column("totp", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("person", sa.Column("openid", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column(
        "person", sa.Column("totp_used", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.create_index("ix_person_openid", "person", ["openid"], unique=False)
    op.create_table(
        "passkey",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["username"], ["person.username"], name=op.f("fk_passkey_username"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
    )
    op.create_index("ix_passkey_username", "passkey", ["username"], unique=False)
