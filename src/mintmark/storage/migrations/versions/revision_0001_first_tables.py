"""The first tables: one per record type, change log, counts, last uses, audit trail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "access_request",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("organization", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("use_case", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("contact", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("decided_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_request")),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("mount", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_audit_event_client_not_issued",
        "audit_event",
        ["client_id", "id"],
        unique=False,
        sqlite_where=sa.text("outcome != 'issued'"),
        postgresql_where=sa.text("outcome != 'issued'"),
    )
    op.create_index("ix_audit_event_environment_at", "audit_event", ["environment", "at"], unique=False)
    op.create_index("ix_audit_event_environment", "audit_event", ["environment", "id"], unique=False)
    op.create_index("ix_audit_event_request_id", "audit_event", ["request_id"], unique=False)
    op.create_table(
        "change_log",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_change_log")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "credential_use",
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("environment", "credential_id", name=op.f("pk_credential_use")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "operator",
        sa.Column("username", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_operator")),
    )
    op.create_table(
        "quota_use",
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "subject", name=op.f("pk_quota_use")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tenant",
        sa.Column("handle", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("daily_token_limit", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_tenant")),
    )
    op.create_table(
        "environment",
        sa.Column("tenant", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("issuer", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("mounts", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("hosts", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("client_id_template", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("live_secrets", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("overlap", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rate_limit", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("variables", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant"], ["tenant.handle"], name=op.f("fk_environment_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_environment")),
        sa.UniqueConstraint("id", name=op.f("uq_environment_id")),
        sa.UniqueConstraint("issuer", name=op.f("uq_environment_issuer")),
    )
    op.create_table(
        "api",
        sa.Column("environment", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("audience", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("scopes", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("token_lifetime", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token_format", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("token_type_header", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("algorithm", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("required_scope", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("claims", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environment.id"], name=op.f("fk_api_environment"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("environment", "audience", name=op.f("pk_api")),
    )
    op.create_table(
        "api_token",
        sa.Column("environment", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("audience", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("scopes", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("label", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("client_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("credential_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("subject", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["environment"], ["environment.id"], name=op.f("fk_api_token_environment"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("environment", "id", name=op.f("pk_api_token")),
    )
    op.create_index(
        op.f("ix_api_token_environment_client_id"), "api_token", ["environment", "client_id"], unique=False
    )
    op.create_table(
        "client",
        sa.Column("environment", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("client_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("client_name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("grant_types", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("allowed", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("daily_token_limit", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("rate_limit", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("needs_user", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("imported", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environment.id"], name=op.f("fk_client_environment"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("environment", "client_id", name=op.f("pk_client")),
    )
    op.create_table(
        "host_alias",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environment.id"], name=op.f("fk_host_alias_environment"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_host_alias")),
    )
    op.create_table(
        "legacy_token",
        sa.Column("environment", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("hash_kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("audience", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("scopes", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("label", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["environment"], ["environment.id"], name=op.f("fk_legacy_token_environment"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("environment", "id", name=op.f("pk_legacy_token")),
    )
    op.create_table(
        "machine_user",
        sa.Column("environment", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("username", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("hash_kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("enabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("scopes", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("proxy_login", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("proxy_audience", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["environment"], ["environment.id"], name=op.f("fk_machine_user_environment"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("environment", "id", name=op.f("pk_machine_user")),
        sa.UniqueConstraint("environment", "username", name=op.f("uq_machine_user_environment_username")),
    )
    op.create_table(
        "signature_key",
        sa.Column("environment", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("audience", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("scopes", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("label", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("lifetime", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("retires_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("expires_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["environment"], ["environment.id"], name=op.f("fk_signature_key_environment"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("environment", "id", name=op.f("pk_signature_key")),
    )
    op.create_table(
        "signing_key",
        sa.Column("environment", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kid", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("algorithm", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("public", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("published_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signs_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("retires_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("removed_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["environment"], ["environment.id"], name=op.f("fk_signing_key_environment"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("environment", "kid", name=op.f("pk_signing_key")),
    )
    op.create_table(
        "secret_version",
        sa.Column("environment", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("client_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("hash_kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("label", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("retires_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("expires_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(
            ["environment", "client_id"],
            ["client.environment", "client.client_id"],
            name=op.f("fk_secret_version_environment"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("environment", "client_id", "id", name=op.f("pk_secret_version")),
    )
